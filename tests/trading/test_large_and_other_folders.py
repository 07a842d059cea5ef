"""What docs/operations.md says of large journals, many keys, and folders of another version."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from websockets.exceptions import ConnectionClosed

from floorwire.auth.grant import Grant
from floorwire.core.authorization import Scope
from floorwire.engine.order_manager import OrderManager
from floorwire.engine.trading_rules import TradingRules
from floorwire.storage.data_dir import DataDir
from floorwire.storage.journal import JournalSnapshot, JournalVersionError
from floorwire.storage.journal_inspection import verify
from floorwire.storage.journal_sqlite import SqliteJournal
from floorwire.trading.account_store import AccountStore
from floorwire.trading.commit_batch import CommitBatch
from floorwire.trading.venue_router import VenueRouter
from tests.servers import eventually
from tests.storage.journals import NOW, entry, keep
from tests.trading.trader import serving, trader

RECORDS, SAVED = 400, 300
KEYS = 300


def store_of(journal: SqliteJournal) -> AccountStore:
    return AccountStore(journal, TradingRules(), VenueRouter().prices)


async def journal_of_deposits(folder: Path, snapshot: list[bytes] | None = None) -> str:
    """Write a journal of deposits, with a snapshot in between; return the digest of its accounts."""
    order_manager = OrderManager(TradingRules(), VenueRouter().prices)
    with closing(SqliteJournal(folder, 10_000)) as journal:
        for number in range(1, RECORDS + 1):
            batch = CommitBatch()
            batch.entries += order_manager.deposit(f"account{number % 7}", "USDT", "10", number, NOW, "s")
            await keep(journal, batch.journal_entries())
            if number == SAVED:
                state = list(order_manager.snapshot()) if snapshot is None else snapshot
                await journal.save_snapshot(JournalSnapshot(journal.last_n, state))
        assert journal.last_n == RECORDS
    return order_manager.state_hash()


async def test_a_start_reads_only_what_came_after_the_snapshot(tmp_path: Path) -> None:
    digest = await journal_of_deposits(tmp_path)
    with closing(SqliteJournal(tmp_path, 100)) as journal:
        store = store_of(journal)
        assert (store.replayed_records, store.order_manager.state_hash()) == (RECORDS - SAVED, digest)
    for path in tmp_path.glob("snapshot-*"):
        path.unlink()
    with closing(SqliteJournal(tmp_path, 100)) as journal:
        store = store_of(journal)
        assert (store.replayed_records, store.order_manager.state_hash()) == (RECORDS, digest)


async def test_a_snapshot_of_another_version_is_not_used(tmp_path: Path) -> None:
    """It was called damage, and orders were refused for good."""
    digest = await journal_of_deposits(tmp_path, [msgspec.msgpack.encode({"of": "another version"})])
    with closing(SqliteJournal(tmp_path, 100)) as journal:
        store = store_of(journal)
        assert (store.replayed_records, store.order_manager.state_hash()) == (RECORDS, digest)


async def test_a_record_of_a_newer_version_is_no_damage(tmp_path: Path) -> None:
    """It was called damage, which sends an operator to `journal repair`."""
    with closing(SqliteJournal(tmp_path, 100)) as journal:
        await keep(journal, [entry("alice", msgspec.msgpack.encode({"type": "of a newer version"}))])
        with pytest.raises(JournalVersionError, match="record 1 is not damaged, but a newer version"):
            store_of(journal)
    assert verify(tmp_path).records == 1


@pytest.mark.slow
async def test_many_keys_sign_in_and_end(tmp_path: Path) -> None:
    keys = DataDir(tmp_path, {}).keys
    first, *_, last = [keys.create(Grant("alice", (Scope.MARKET,)), {}, NOW + n) for n in range(KEYS)]
    with serving(tmp_path) as server:
        for issued in (first, last):
            async with trader(server, issued) as client:
                assert (await client.ask("ping"))["status"] == "pong"
        async with trader(server, first) as client:
            keys.revoke(first.key, NOW + KEYS)
            with pytest.raises(ConnectionClosed, match="4501"):
                await client.receive()
        assert eventually(lambda: '"closed"' in (tmp_path / "audit.jsonl").read_text())
