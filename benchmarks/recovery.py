"""Recovery: how long a start takes after a million records, and how long a snapshot blocks the event loop.

    python -m benchmarks.recovery [--data DIR] [--records N] [--accounts N]

The records are those of realistic random orders, written in large commits. Then the journal is opened as at
a start: first without a snapshot, then with the oldest one that a running server could have left. Each time
the state hash must be that of the accounts that made the records.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import uvloop

from benchmarks import machine
from benchmarks.matching import MIXTURES, RULES, CommandGenerator, Venue, decide, fund_accounts, ticket_of
from floorwire.config import StorageSettings
from floorwire.core.account_events import AccountEntry
from floorwire.core.order_commands import Command
from floorwire.core.refusal import Refusal
from floorwire.engine.order_manager import OrderManager
from floorwire.storage.journal import JournalSnapshot
from floorwire.storage.journal_sqlite import SqliteJournal
from floorwire.trading.account_store import AccountStore
from floorwire.trading.commit_batch import CommitBatch

BATCH = 4_096
UNDER_S = 20.0


def command_entries(
    order_manager: OrderManager, venue: Venue, commands: list[Command], accounts: int
) -> Iterator[list[AccountEntry]]:
    """Yield the account entries of each command."""
    names = [f"trader{number}" for number in range(accounts)]
    ids: dict[int, int] = {}
    yield fund_accounts(order_manager, names)
    for now_us, command in enumerate(commands):
        name = names[command.order_id % accounts]
        try:
            decision = decide(order_manager, command, ticket_of(command, name), name, ids, now_us)
        except Refusal:
            continue
        entries = [*decision.entries]
        for ordered in decision.commands:
            entries += order_manager.settle(venue.execute(ordered), now_us)
        yield entries


async def fill(folder: Path, records: int, accounts: int) -> tuple[JournalSnapshot, str]:
    """Journal so many records, or a few more; return the digest, and a snapshot as old as may be."""
    snapshot, venue = JournalSnapshot(0, ()), Venue()
    with closing(SqliteJournal(folder, 4 * BATCH)) as journal:
        store = AccountStore(journal, RULES, venue.prices)
        first, _ = store.opening_records(0)
        assert first, "the folder is new"
        journal.append(first, lambda _: None)
        made = command_entries(
            store.order_manager, venue, CommandGenerator(1).generate(records, MIXTURES[0]), accounts
        )
        while journal.last_n < records:
            batch, durable = CommitBatch(), asyncio.Event()
            while len(batch.entries) < min(BATCH, records - journal.last_n):
                batch.entries += next(made)
            journal.append(batch.journal_entries(), lambda _, durable=durable: durable.set())  # type: ignore[misc]
            await durable.wait()
            if not snapshot.n and journal.last_n >= records - StorageSettings().snapshot_records:
                snapshot = take_snapshot(journal.last_n, store.order_manager)
        return snapshot, store.order_manager.state_hash()


def take_snapshot(n: int, order_manager: OrderManager) -> JournalSnapshot:
    """Return a snapshot; print how long it took, and how long its longest piece took to encode."""
    started = time.perf_counter()
    snapshot = JournalSnapshot(n, order_manager.snapshot())
    spent = [(time.perf_counter() - started) * 1_000]
    pieces = iter(snapshot.state)
    made: list[bytes] = []
    while True:
        started = time.perf_counter()
        piece = next(pieces, None)
        if piece is None:
            break
        spent.append((time.perf_counter() - started) * 1_000)
        made.append(piece)
    opened = sum(len(order_manager.open_orders(name)) for name in order_manager.accounts())
    print(
        f"snapshot: taken in {spent[0]:.2f} ms; {len(made):,} pieces of {sum(map(len, made)) / 1e6:.1f} MB,"
        f" at most {max(spent[1:]):.2f} ms each, {sum(spent[1:]):.0f} ms in all;"
        f" {order_manager.kept_count():,} orders, {opened:,} of them open"
    )
    return snapshot


def start(folder: Path, state_hash: str) -> tuple[float, int]:
    """Return how many seconds a start takes, and how many records it replays."""
    started = time.perf_counter()
    with closing(SqliteJournal(folder, BATCH)) as journal:
        store = AccountStore(journal, RULES, Venue().prices)
        spent = time.perf_counter() - started
        assert store.order_manager.state_hash() == state_hash, "not the accounts that were journalled"
        return spent, store.replayed_records


async def save(folder: Path, snapshot: JournalSnapshot) -> None:
    """Save the snapshot beside the journal."""
    with closing(SqliteJournal(folder, BATCH)) as journal:
        await journal.save_snapshot(snapshot)


def main() -> None:
    """Print one line for each measurement."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.recovery", description=__doc__)
    parser.add_argument("--data", type=Path, help="a folder on the disk to measure")
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--accounts", type=int, default=100)
    options = parser.parse_args()
    for line in machine.disturbances():
        print("disturbed:", line)
    with tempfile.TemporaryDirectory(dir=options.data) as name:
        folder = Path(name)
        snapshot, state_hash = uvloop.run(fill(folder, options.records, options.accounts))
        print(
            f"journal of {options.records:,} records: {(folder / 'journal.db').stat().st_size / 1e6:.0f} MB"
        )
        spent, replayed = start(folder, state_hash)
        verdict = "met" if spent < UNDER_S else "MISSED"
        print(
            f"start without a snapshot: {spent:.2f} s, {replayed:,} records; under {UNDER_S:.0f} s: {verdict}"
        )
        uvloop.run(save(folder, snapshot))
        spent, replayed = start(folder, state_hash)
        print(f"start with a snapshot: {spent:.2f} s, {replayed:,} records")


if __name__ == "__main__":
    main()
