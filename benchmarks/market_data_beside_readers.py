"""Market data beside readers of history: how pages of old trades and candles change its latency.

A hundred clients subscribe to tickers of simulated markets. The data folder has ten million trades of one of
them. In half of the runs another client asks for pages anywhere in them, as fast as its budget
lets it after its burst.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Final

from benchmarks import machine
from benchmarks.contestants import ContestantError
from benchmarks.figures import Figure, TargetCheck, table
from benchmarks.load import bench
from benchmarks.orders import announced
from floorwire.cli.load.fanout import FanoutReport
from floorwire.core.market_events import FeedStatus, Listing, Trade, VenueTime
from floorwire.history import history_file
from floorwire.history.market_store import MarketStore
from floorwire.history.retention import Bound, Kind
from floorwire.venues import sim

TRADES: Final = 10_000_000
SPAN_S: Final = 5 * 86_400
"""The trades are of so many seconds before now. Those of a week are kept."""
BATCH, MAX_WAITING = 20_000, 200_000
CLIENTS, SECONDS = 100, 8
SYMBOLS: Final = "BTC-USDT,ETH-USDT,SOL-USDT"
READ: Final = "BTC-USDT"
PAGE: Final = 1_000
BURST_S: Final = 60.0
"""How long the reader's burst may take at most."""
AT_MOST: Final = 1.25
WITH, WITHOUT = "readers of history", "no readers"
UNBOUNDED: Final[dict[Kind, Bound]] = {
    "trades": Bound(0, 1 << 40),
    "seconds": Bound(0, 1 << 40),
    "minutes": Bound(0, 1 << 40),
    "longer": Bound(0, 1 << 40),
}


def fill(folder: Path, count: int, end_us: int) -> None:
    """Store trades of the simulated market, evenly over ``SPAN_S`` before ``end_us``."""
    store = MarketStore(folder / history_file.FILE, UNBOUNDED, MAX_WAITING)
    store.open()
    profile = next(one for one in sim.PROFILES if one.symbol == READ)
    instrument = profile.instrument(sim.NAME)
    begin_us, step_us = end_us - SPAN_S * 1_000_000, SPAN_S * 1_000_000 // count
    rng = Random(1)
    opening = (
        Listing((instrument,), begin_us),
        FeedStatus(None, "live", "synced", begin_us),
        VenueTime(begin_us),
    )
    store.publish(sim.NAME, opening, begin_us)
    price_ticks = 128_000
    for first in range(0, count, BATCH):
        trades = []
        for n in range(first, min(first + BATCH, count)):
            price_ticks += rng.randrange(-2, 3)
            at_us = begin_us + n * step_us
            trades.append(Trade(instrument.symbol, str(n + 1), price_ticks, 1 + n % 999, "buy", at_us))
        store.publish(sim.NAME, trades, trades[-1].ts_us)
        while store.figures().waiting > MAX_WAITING - BATCH:
            time.sleep(0.005)
    store.publish(sim.NAME, (VenueTime(end_us),), end_us)
    store.close()


class Reader(threading.Thread):
    """A client that asks for one page after the other, until it is stopped."""

    def __init__(self, host: str, port: int, end_us: int) -> None:
        super().__init__(name="reader")
        self._host, self._port, self._end_us = host, port, end_us
        self._stop_requested = threading.Event()
        self._pages, self._limited_s, self._elapsed_s = 0, 0.0, 0.0
        self.is_limited = threading.Event()
        """Set when its budget's burst is used up. Then pages are counted."""

    def run(self) -> None:
        """Ask for trades and candles by turns. A refusal says how long to wait."""
        connection = http.client.HTTPConnection(self._host, self._port, timeout=10)
        rng = Random(2)
        while not self._stop_requested.is_set():
            to_us = self._end_us - rng.randrange(SPAN_S) * 1_000_000
            kind = "trades" if rng.random() < 0.5 else "candles"
            interval = "" if kind == "trades" else "&interval=1m"
            connection.request("GET", f"/api/v1/{kind}?symbol={READ}&to={to_us}&limit={PAGE}{interval}")
            answer = connection.getresponse()
            body = answer.read()
            if answer.status == 429:
                if not self.is_limited.is_set():
                    self._pages, self._limited_s = 0, time.perf_counter()
                    self.is_limited.set()
                self._stop_requested.wait(json.loads(body)["retry_after_ms"] / 1_000)
            elif answer.status == 200:
                self._pages += 1
            else:
                raise ConnectionError(f"a page was answered with {answer.status}: {body[:200]!r}")
        self._elapsed_s = time.perf_counter() - self._limited_s

    def stop(self) -> float:
        """Stop; return how many pages a second came."""
        self._stop_requested.set()
        self.join()
        return self._pages / self._elapsed_s


@contextmanager
def serving(filled: Path, cpu: int) -> Iterator[tuple[str, int]]:
    """Run a gateway on the CPU with a copy of the filled folder; yield its address."""
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        shutil.copytree(filled, folder, dirs_exist_ok=True)
        command = [sys.executable, "-m", "floorwire", "serve", "--data", folder, "--port", "0"]
        sets = ["--set", "drain.seconds=0.1", "--set", "log_level=error"]
        with subprocess.Popen([*command, *sets], stdout=subprocess.PIPE, text=True) as process:
            try:
                os.sched_setaffinity(process.pid, {cpu})
                yield announced(process)
            finally:
                process.kill()


def compare(rounds: int) -> Iterator[str]:
    """Run with and without readers in turn, each on a fresh server; yield the results."""
    reports: dict[str, list[FanoutReport]] = {WITHOUT: [], WITH: []}
    rates: list[float] = []
    end_us = time.time_ns() // 1_000
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as filled:
        Path(filled).chmod(0o700)
        fill(Path(filled), TRADES, end_us)
        for turn in range(rounds):
            for name in (WITHOUT, WITH) if turn % 2 else (WITH, WITHOUT):
                reports[name].append(_run(Path(filled), end_us, name == WITH, rates))
    p50 = {name: Figure.of(_latency(report)[0] for report in reports[name]) for name in reports}
    p99 = {name: Figure.of(_latency(report)[1] for report in reports[name]) for name in reports}
    yield "### Market data beside readers of history"
    yield (
        f"{CLIENTS} clients of the simulated exchange's tickers, of a symbol each; {TRADES:,} trades in the "
        f"data folder, and a client that asks for pages of {PAGE:,} trades or candles anywhere in them: "
        f"{Figure.of(rates).text(0)} pages a second, which is what its budget allows after its burst."
    )
    yield table(
        ("", "p50, us", "p99, us"),
        [(name, p50[name].text(0), p99[name].text(0)) for name in reports],
    )
    yield TargetCheck("p99 beside readers to p99 without", p99[WITH].ratio_to(p99[WITHOUT]), AT_MOST).text()


def _latency(report: FanoutReport) -> tuple[float, float]:
    times = report.interval.latency
    assert times is not None, "the market never stands still"
    return times.p50_us, times.p99_us


def _run(filled: Path, end_us: int, is_reading: bool, rates: list[float]) -> FanoutReport:
    mine = os.sched_getaffinity(0)
    with serving(filled, machine.cpu_of_server()) as (host, port):
        os.sched_setaffinity(0, {machine.cpu_of_load()})
        reader = Reader(host, port, end_us)
        if is_reading:
            reader.start()
            if not reader.is_limited.wait(BURST_S):
                raise ContestantError("the reader's budget does not end")
        try:
            return bench(
                FanoutReport,
                machine.cpu_of_load(),
                "fanout",
                f"ws://{host}:{port}/ws",
                clients=CLIENTS,
                symbols=SYMBOLS,
                each=1,
                seconds=SECONDS,
            )
        finally:
            if is_reading:
                rates.append(reader.stop())
            os.sched_setaffinity(0, mine)
