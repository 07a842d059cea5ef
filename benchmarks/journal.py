"""The journal: how long a durable record takes, compared with the disk's fdatasync, and how fast it is read.

    python -m benchmarks.journal [--data DIR] [--rounds N] [--commits N] [--read N]

Each round measures the disk and every kind of commit in turn, so that disturbances hit all of them. A row's
time is from append to its callback, both on the event loop. Percentiles are over all rounds.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import uvloop

from benchmarks import machine
from floorwire.storage import journal_file
from floorwire.storage.journal import Journal, JournalEntry, JournalError
from floorwire.storage.journal_memory import MemoryJournal
from floorwire.storage.journal_sqlite import SqliteJournal

PAYLOAD = bytes(range(160))
"""About the length of an order's event in MessagePack."""
WAITING = 20_000
ACCOUNTS = 50
IN_FLIGHT = 64


def entry(number: int, accounts: int = ACCOUNTS) -> JournalEntry:
    """Return an event of one of ``accounts`` accounts."""
    return JournalEntry(
        f"account{number % accounts}", "order_accepted", 1_800_000_000_000_000 + number, PAYLOAD
    )


def fdatasync(folder: Path, count: int, size: int, pause_s: float = 0) -> list[float]:
    """Return the microseconds of each write of ``size`` bytes with fdatasync, into a file made before.

    ``pause_s`` is the time before each one: a disk that has just been used answers sooner.
    """
    path = folder / "plain"
    content = bytes(range(256)) * (size // 256)
    handle = os.open(path, os.O_RDWR | os.O_CREAT)
    spent = []
    try:
        os.pwrite(handle, bytes(count * size), 0)
        os.fsync(handle)
        for number in range(count):
            if pause_s:
                time.sleep(pause_s)
            started = time.perf_counter_ns()
            os.pwrite(handle, content, number * size)
            os.fdatasync(handle)
            spent.append((time.perf_counter_ns() - started) / 1_000)
    finally:
        os.close(handle)
        path.unlink()
    return spent


async def one_at_a_time(journal: Journal, count: int, size: int, accounts: int = ACCOUNTS) -> list[float]:
    """Return the microseconds of each append of ``size`` records. Each waits until the last is durable."""
    loop = asyncio.get_running_loop()
    spent = []
    for number in range(count):
        entries = [entry(number + index, accounts) for index in range(size)]
        durable: asyncio.Future[JournalError | None] = loop.create_future()
        started = time.perf_counter_ns()
        stopped = [0]

        def on_durable(
            error: JournalError | None,
            durable: asyncio.Future[JournalError | None] = durable,
            stopped: list[int] = stopped,
        ) -> None:
            stopped[0] = time.perf_counter_ns()
            durable.set_result(error)

        journal.append(entries, on_durable)
        if (error := await durable) is not None:
            raise error
        spent.append((stopped[0] - started) / 1_000)
    return spent


class AppendsInFlight:
    """Keeps ``IN_FLIGHT`` records waiting for the disk, each appended alone, until ``count`` are durable."""

    def __init__(self, journal: Journal, count: int) -> None:
        self._journal = journal
        self._left = count
        self._durable = 0
        self._count = count
        self._finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def run(self) -> float:
        """Return the records a second."""
        started = time.perf_counter()
        for _ in range(IN_FLIGHT):
            self._append()
        await self._finished
        return self._count / (time.perf_counter() - started)

    def _append(self) -> None:
        if self._left:
            self._left -= 1
            self._journal.append([entry(self._left)], self._on_durable)

    def _on_durable(self, error: JournalError | None) -> None:
        if error is not None:
            raise error
        self._durable += 1
        self._append()
        if self._durable == self._count:
            self._finished.set_result(None)


async def measure(folder: Path, rounds: int, commits: int) -> Sequence[str]:
    """Return the lines of the table."""
    times: defaultdict[str, list[float]] = defaultdict(list)
    rates: defaultdict[str, list[float]] = defaultdict(list)
    for _ in range(rounds):
        times["fdatasync of 4 KiB"] += fdatasync(folder, commits, 4_096)
        times["fdatasync of 12 KiB"] += fdatasync(folder, commits, 12_288)
        with closing(SqliteJournal(folder, WAITING)) as journal:
            times["sqlite, 1 record"] += await one_at_a_time(journal, commits, 1)
            times["sqlite, 64 of one account"] += await one_at_a_time(journal, commits, 64, 1)
            times[f"sqlite, 64 of {ACCOUNTS} accounts"] += await one_at_a_time(journal, commits, 64)
            rates["sqlite"].append(await AppendsInFlight(journal, 32 * commits).run())
        with closing(MemoryJournal(WAITING, 100_000)) as memory:
            times["memory, 1 record"] += await one_at_a_time(memory, commits, 1)
            rates["memory"].append(await AppendsInFlight(memory, 32 * commits).run())
    return (*(_row(name, spent) for name, spent in times.items()), *(_rates(*item) for item in rates.items()))


def _row(name: str, spent: list[float]) -> str:
    spent = sorted(spent)
    p10, p50, p99 = (spent[int(len(spent) * share)] for share in (0.1, 0.5, 0.99))
    return f"{name:<26} {p10:>9,.0f} {p50:>9,.0f} {p99:>9,.0f}"


def _rates(name: str, found: list[float]) -> str:
    best, worst = max(found), min(found)
    return f"{name}, {IN_FLIGHT} records in flight: {best:,.0f} a second at best, {worst:,.0f} at worst"


def fill(folder: Path, count: int, size: int) -> None:
    """Write ``count`` records, ``size`` in each append."""

    async def run() -> None:
        with closing(SqliteJournal(folder, 2 * count)) as journal:
            done = asyncio.Event()
            for first in range(0, count, size):
                journal.append([entry(first + index) for index in range(size)], lambda _: None)
                if first % 4_096 == 0:
                    await asyncio.sleep(0)
            journal.append([], lambda _: done.set())
            await done.wait()

    uvloop.run(run())


def timed(work: Callable[[], int]) -> str:
    """Do the work, which returns a count of records; return how fast it was, as text."""
    started = time.perf_counter()
    count = work()
    spent = time.perf_counter() - started
    return f"{count:,} records in {spent:.2f} s ({count / spent:,.0f} a second)"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.journal", description=__doc__)
    parser.add_argument("--data", type=Path, help="a folder on the disk to measure")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--commits", type=int, default=1_000)
    parser.add_argument("--read", type=int, default=1_000_000, help="records to be read again; 0: none")
    options = parser.parse_args()
    for line in machine.disturbances():
        print("disturbed:", line)
    print(f"{'microseconds':<26} {'p10':>9} {'p50':>9} {'p99':>9}")
    with tempfile.TemporaryDirectory(dir=options.data) as name:
        for line in uvloop.run(measure(Path(name), options.rounds, options.commits)):
            print(line)
    if options.read:
        with tempfile.TemporaryDirectory(dir=options.data) as name:
            fill(Path(name), options.read, 16)
            print("read and verified:", timed(lambda: sum(1 for _ in journal_file.read(Path(name), 0))))


if __name__ == "__main__":
    main()
