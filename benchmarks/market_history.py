"""Market history: engines that could keep it, on the same trades, and what it costs the market-data path.

``python -m benchmarks.market_history TRADES`` measures the engines with another number of trades. DuckDB is
measured where it is installed. CPU times are those of the process with all its threads.
"""

from __future__ import annotations

import asyncio
import gc
import random
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Protocol

from benchmarks.figures import Figure, TargetCheck, table
from floorwire.app import Gateway
from floorwire.config import HistorySettings, Settings
from floorwire.core.authorization import ANONYMOUS_MARKET
from floorwire.core.codes import CloseCode
from floorwire.core.instrument import Instrument
from floorwire.core.market_events import FeedStatus, Listing, MarketEvent, Trade, VenueTime
from floorwire.history.market_store import MarketStore
from floorwire.history.retention import KINDS, Bound
from floorwire.protocol.codec import JSON
from floorwire.web.server import GC_THRESHOLD

SYMBOL = "sim:BTC-USDT"
INSTRUMENT = Instrument(SYMBOL, "BTC", "USDT", "sim", "0.5", "0.00001")
START_US = 1_760_000_000_000_000
SECOND_US = 1_000_000
A_SECOND = 50_000
TRADES = 1_000_000
PAGES, PAGE = 20, 1_000
PAGE_CPU_MS = 20.0
CPU_A_DELIVERY = 1.10
BATCH = 50
"""Trades that come in one read."""


def trades_of(count: int, seed: int = 1) -> Iterator[list[Trade]]:
    """Yield the trades of each second: 50,000 of one symbol, with the ids of an exchange."""
    rng = random.Random(seed)
    price, at_us = 128_500, START_US
    for first in range(0, count, A_SECOND):
        second = []
        for number in range(first, min(first + A_SECOND, count)):
            at_us += SECOND_US // A_SECOND
            price += rng.randrange(-1, 2)
            size = rng.randrange(1, 500_000)
            second.append(Trade(SYMBOL, str(4_000_000_000 + number), price, size, "buy", at_us))
        yield second


class Engine(Protocol):
    """One way to keep trades."""

    name: str

    def write(self, trades: Sequence[Trade]) -> None:
        """Store the trades of a second."""
        ...

    def finish(self) -> None:
        """Return when all is in the files."""
        ...

    def page(self, before_us: int) -> int:
        """Read the last thousand trades before a time; return how many there were."""
        ...

    def close(self) -> None:
        """Close the files."""
        ...


class Blocks:
    """What Floorwire does: blocks in SQLite. It counts candles of six intervals, too."""

    name = "SQLite, blocks (Floorwire, with candles)"

    def __init__(self, folder: Path) -> None:
        self._loop = asyncio.new_event_loop()
        self._store = MarketStore(folder / "market.db", {kind: Bound(0, 1 << 50) for kind in KINDS}, 1 << 40)
        self._store.open()
        live = FeedStatus(None, "live", "synced", START_US)
        self._store.publish("sim", [Listing((INSTRUMENT,), START_US), live, VenueTime(START_US)], START_US)

    def write(self, trades: Sequence[Trade]) -> None:
        for first in range(0, len(trades), BATCH):
            self._store.publish("sim", trades[first : first + BATCH], START_US)
        self._loop.run_until_complete(self._store.extent(SYMBOL))

    def finish(self) -> None:
        time.sleep(1.5)
        self._loop.run_until_complete(self._store.extent(SYMBOL))

    def page(self, before_us: int) -> int:
        return len(self._loop.run_until_complete(self._store.trades(SYMBOL, to_us=before_us, limit=PAGE)))

    def close(self) -> None:
        self._store.close()
        self._loop.close()


class Rows:
    """A row for each trade, in SQLite."""

    name = "SQLite, rows"

    def __init__(self, folder: Path) -> None:
        self._rows = sqlite3.connect(folder / "rows.db", isolation_level=None)
        self._rows.execute("PRAGMA journal_mode = WAL")
        self._rows.execute("PRAGMA synchronous = NORMAL")
        self._rows.execute(
            "CREATE TABLE trades (symbol INTEGER, row INTEGER, ts INTEGER, id TEXT, price INTEGER,"
            " size INTEGER, buy INTEGER, PRIMARY KEY (symbol, row)) WITHOUT ROWID"
        )
        self._last = 0

    def write(self, trades: Sequence[Trade]) -> None:
        self._rows.execute("BEGIN")
        self._rows.executemany(
            "INSERT INTO trades VALUES (1, ?, ?, ?, ?, ?, ?)",
            (
                (self._last + n, one.ts_us, one.trade_id, one.price_ticks, one.size_lots, one.side == "buy")
                for n, one in enumerate(trades, 1)
            ),
        )
        self._rows.execute("COMMIT")
        self._last += len(trades)

    def finish(self) -> None:
        self._rows.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def page(self, before_us: int) -> int:
        row = (before_us - START_US) // (SECOND_US // A_SECOND)
        found = self._rows.execute(
            "SELECT * FROM trades WHERE symbol = 1 AND row < ? ORDER BY row DESC LIMIT ?", (row, PAGE)
        )
        return len(found.fetchall())

    def close(self) -> None:
        self._rows.close()


class DuckRows:
    """A row for each trade, in DuckDB."""

    name = "DuckDB, rows"

    def __init__(self, folder: Path) -> None:
        self._duck = import_module("duckdb").connect(str(folder / "duck.db"))
        self._duck.execute(
            "CREATE TABLE trades (symbol INTEGER, row BIGINT, ts BIGINT, id VARCHAR, price BIGINT,"
            " size BIGINT, buy BOOLEAN)"
        )
        self._arrow = import_module("pyarrow")
        self._last = 0

    def write(self, trades: Sequence[Trade]) -> None:
        rows = self._arrow.table(columns(trades, self._last))
        self._duck.register("second", rows)
        self._duck.execute("INSERT INTO trades SELECT 1, * FROM second")
        self._last += len(trades)

    def finish(self) -> None:
        self._duck.execute("CHECKPOINT")

    def page(self, before_us: int) -> int:
        found = self._duck.execute(
            "SELECT * FROM trades WHERE symbol = 1 AND ts < ? ORDER BY row DESC LIMIT ?", (before_us, PAGE)
        )
        return len(found.fetchall())

    def close(self) -> None:
        self._duck.close()


class ParquetFiles:
    """A row group for each second, in a Parquet file. It can only be read when it is finished."""

    name = "Parquet, one file"

    def __init__(self, folder: Path) -> None:
        self._arrow, self._parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
        self._compute = import_module("pyarrow.compute")
        self._path = folder / "day.parquet"
        self._last = 0
        self._schema = self._arrow.table(columns(next(trades_of(1)), 0)).schema
        self._writer = self._parquet.ParquetWriter(self._path, self._schema)

    def write(self, trades: Sequence[Trade]) -> None:
        self._writer.write_table(self._arrow.table(columns(trades, self._last), schema=self._schema))
        self._last += len(trades)

    def finish(self) -> None:
        self._writer.close()
        self._file = self._parquet.ParquetFile(self._path)

    def page(self, before_us: int) -> int:
        group = min((before_us - START_US) // SECOND_US, self._file.num_row_groups - 1)
        rows = self._file.read_row_groups([max(0, group - 1), group])
        rows = rows.filter(self._compute.less(rows["ts"], before_us))
        return len(rows.slice(max(0, rows.num_rows - PAGE)).to_pylist())

    def close(self) -> None:
        self._file.close()


def columns(trades: Sequence[Trade], last: int) -> dict[str, list[int] | list[str] | list[bool]]:
    """Return the trades as columns."""
    return {
        "row": list(range(last + 1, last + 1 + len(trades))),
        "ts": [one.ts_us for one in trades],
        "id": [one.trade_id for one in trades],
        "price": [one.price_ticks for one in trades],
        "size": [one.size_lots for one in trades],
        "buy": [one.side == "buy" for one in trades],
    }


def engines() -> list[Callable[[Path], Engine]]:
    """Return the engines that can be measured here."""
    made: list[Callable[[Path], Engine]] = [Blocks, Rows, ParquetFiles]
    return [*made, DuckRows] if find_spec("duckdb") else made


def measure(make: Callable[[Path], Engine], count: int) -> tuple[str, float, float, float, float]:
    """Return name, CPU us a trade, bytes a trade, and CPU ms of a page: the median and the greatest."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        engine = make(folder)
        spent_s = 0.0
        for second in trades_of(count):
            before_s = time.process_time()
            engine.write(second)
            spent_s += time.process_time() - before_s
        before_s = time.process_time()
        engine.finish()
        spent_s += time.process_time() - before_s
        rng, pages_ms = random.Random(2), []
        for _ in range(PAGES):
            before_us = START_US + rng.randrange(PAGE * 20 + 20, count * 20)
            before_s = time.process_time()
            found = engine.page(before_us)
            pages_ms.append((time.process_time() - before_s) * 1_000)
            assert found == PAGE, f"{engine.name}: {found} rows"
        engine.close()
        size = sum(path.stat().st_size for path in folder.iterdir())
    return engine.name, spent_s / count * 1e6, size / count, median(pages_ms), max(pages_ms)


class SocketWire:
    """A wire whose other end is read by another process."""

    is_blocked = False
    address = "127.0.0.1"

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self.fd = end.fileno()

    def write(self, data: bytes) -> bool:
        """Send it, and wait where the reader is slower."""
        self._end.setblocking(True)
        self._end.sendall(data)
        return True

    def ping(self) -> bool:
        """Send none."""
        return True

    def close(self, code: CloseCode, reason: str) -> None:
        """Let the reader end."""
        self._end.close()

    def defer(self) -> None:
        """Never asked: the subscriptions are small."""


def reader_of(end: socket.socket) -> subprocess.Popen[bytes]:
    """Return a process that reads a socket."""
    return subprocess.Popen(("cat",), stdin=end.fileno(), stdout=subprocess.DEVNULL)


async def path_cpu_us(subscribers: int, count: int, *, has_history: bool) -> tuple[float, float]:
    """Return the CPU time for each delivered trade, at 50,000 a second: of the market-data path, and of all.

    The path is the event loop's thread. History is written by a thread of its own.
    """
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data=folder, history=HistorySettings(waiting_events=1 << 40))
        gateway = Gateway(settings, [])
        readers, wires, loop_s = [], [], 0.0
        async with gateway.running():
            publish = [gateway.hub.publish, *([gateway.history.publish] if has_history else [])]

            def send(events: Sequence[MarketEvent]) -> None:
                for consumer in publish:
                    consumer("sim", events, START_US)
                gateway.hub.flush()

            send([Listing((INSTRUMENT,), START_US), FeedStatus(None, "live", "synced", START_US)])
            for _ in range(subscribers):
                ours, theirs = socket.socketpair()
                readers.append(reader_of(theirs))
                theirs.close()
                connection = gateway.connection(JSON, None, ANONYMOUS_MARKET)
                wire = SocketWire(ours)
                wires.append(wire)
                connection.opened(wire)
                connection.received(
                    b'{"action":"subscribe","channels":["trades"],"symbols":["%s"]}' % SYMBOL.encode(), False
                )
                connection.end_of_read()
            spent_s, due_s = 0.0, time.perf_counter()
            seconds = list(trades_of(count))
            gc.collect()
            gc.freeze()  # these are not the server's
            gc.set_threshold(*GC_THRESHOLD)
            before_s, loop_before_s = time.process_time(), time.thread_time()
            for second in seconds:
                for first in range(0, len(second), BATCH * 10):
                    for start in range(first, first + BATCH * 10, BATCH):
                        send(second[start : start + BATCH])
                    due_s += BATCH * 10 / A_SECOND
                    await asyncio.sleep(max(0.0, due_s - time.perf_counter()))
            if has_history:
                await gateway.history.extent(SYMBOL)
                await asyncio.sleep(1.2)
            spent_s, loop_s = time.process_time() - before_s, time.thread_time() - loop_before_s
        for wire in wires:
            wire.close(CloseCode.RESTART, "")
        gc.unfreeze()
        for reader in readers:
            reader.kill()
            reader.wait()
    return loop_s / count / subscribers * 1e6, spent_s / count / subscribers * 1e6


def compare(rounds: int, count: int = TRADES) -> Iterator[str]:
    """Yield the tables."""
    yield (
        f"### Market history\n\n{count:,} trades of one symbol, written as {A_SECOND:,} a second come; then"
        f" {PAGES} pages of {PAGE:,} trades at random places."
    )
    found = [measure(make, count) for make in engines()]
    rows = [
        (name, f"{write:.2f}", f"{size:.1f}", f"{page:.2f}", f"{most:.2f}")
        for name, write, size, page, most in found
    ]
    yield table(("engine", "CPU us a trade", "bytes a trade", "CPU ms a page", "greatest"), rows)
    yield TargetCheck("a page, CPU ms", Figure.of([found[0][4]]), PAGE_CPU_MS).text()
    for subscribers in (1, 10):
        with_it, without = [], []
        for _ in range(rounds):
            without.append(asyncio.run(path_cpu_us(subscribers, 5 * A_SECOND, has_history=False)))
            with_it.append(asyncio.run(path_cpu_us(subscribers, 5 * A_SECOND, has_history=True)))
        yield f"{A_SECOND:,} trades a second to {subscribers} subscribers, CPU us a delivery:"
        for number, part in enumerate(("the event loop's thread", "the process, with the writer")):
            ours, bare = (Figure.of(one[number] for one in some) for some in (with_it, without))
            yield f"- {part}: {bare.text()} without history, {ours.text()} with it"
            yield TargetCheck(f"{part}, ratio", ours.ratio_to(bare), CPU_A_DELIVERY).text()


if __name__ == "__main__":
    for part in compare(3, int(sys.argv[1]) if len(sys.argv) > 1 else TRADES):
        print(part, end="\n\n", flush=True)
