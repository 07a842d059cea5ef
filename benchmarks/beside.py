"""Market data beside orders: what 5,000 orders a second do to the latency of those who only listen.

A hundred clients listen to tickers of simulated markets, which orders far from the best price do not change:
what is published is as much in both runs. Beside them one client places and cancels such orders.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks import machine
from benchmarks.figures import Figure, Verdict, table
from benchmarks.load import bench
from benchmarks.orders import Line, serving
from floorwire.cli.load.fanout import FanoutReport

RATE, STEP_S = 5_000, 0.0008
CLIENTS, SECONDS = 100, 8
SYMBOLS = "BTC-USDT,ETH-USDT,SOL-USDT"
AT_MOST = 1.25
WITH, WITHOUT = f"{RATE:,} orders a second", "no orders"


class Trader(threading.Thread):
    """Places and cancels at the rate, in steps, until stopped; counts the replies."""

    def __init__(self, line: Line) -> None:
        super().__init__(name="trader")
        self._line = line
        self._is_over = threading.Event()
        self._began = self._ended = 0.0
        self._answered = 0

    def run(self) -> None:
        """Keep the rate; a step that comes late does not delay those after it."""
        self._began = due = time.perf_counter()
        while not self._is_over.is_set():
            due += STEP_S
            self._answered += self._line.place_and_cancel(round(RATE * STEP_S / 2))
            time.sleep(max(0.0, due - time.perf_counter()))
        self._ended = time.perf_counter()

    def stop(self) -> float:
        """End it; return how many requests a second were accepted."""
        self._is_over.set()
        self.join()
        return self._answered / (self._ended - self._began)


@contextmanager
def _trading(line: Line, rates: list[float], is_on: bool) -> Iterator[None]:
    if not is_on:
        yield
        return
    trader = Trader(line)
    trader.start()
    try:
        yield
    finally:
        rates.append(trader.stop())


def compare(rounds: int) -> Iterator[str]:
    """Run with and without orders in turn, each against a fresh server; yield the results."""
    reports: dict[str, list[FanoutReport]] = {WITHOUT: [], WITH: []}
    rates: list[float] = []
    for turn in range(rounds):
        for name in (WITHOUT, WITH) if turn % 2 else (WITH, WITHOUT):
            reports[name].append(_run(name == WITH, rates))
    p50 = {name: Figure.of(_latency(report)[0] for report in reports[name]) for name in reports}
    p99 = {name: Figure.of(_latency(report)[1] for report in reports[name]) for name in reports}
    yield "### Market data beside orders"
    yield (
        f"{CLIENTS} clients of the simulated exchange's tickers, of a symbol each; durable orders, placed "
        f"and cancelled on another connection: {Figure.of(rates).text(0)} a second were accepted."
    )
    yield table(
        ("", "p50, us", "p99, us"),
        [(name, p50[name].text(0), p99[name].text(0)) for name in reports],
    )
    yield Verdict("p99 beside orders to p99 without", p99[WITH].over(p99[WITHOUT]), AT_MOST).text()


def _latency(report: FanoutReport) -> tuple[float, float]:
    times = report.interval.latency
    assert times is not None, "the market never stands still"
    return times.p50_us, times.p99_us


def _run(is_trading: bool, rates: list[float]) -> FanoutReport:
    mine = os.sched_getaffinity(0)
    with serving("sqlite", machine.cpu_of_server()) as line:
        os.sched_setaffinity(0, {machine.cpu_of_load()})
        try:
            with _trading(line, rates, is_trading):
                return bench(
                    FanoutReport,
                    machine.cpu_of_load(),
                    "fanout",
                    line.url,
                    clients=CLIENTS,
                    symbols=SYMBOLS,
                    each=1,
                    seconds=SECONDS,
                )
        finally:
            os.sched_setaffinity(0, mine)
