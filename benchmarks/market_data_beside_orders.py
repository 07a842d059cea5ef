"""Market data beside orders: how 5,000 orders a second change the latency of market data.

A hundred clients subscribe to tickers of simulated markets. In half of the runs another client places and
cancels orders far from the best price. Those do not change a ticker, so both kinds of run publish as much.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks import machine
from benchmarks.figures import Figure, TargetCheck, table
from benchmarks.load import bench
from benchmarks.orders import OrderClient, serving
from floorwire.cli.load.fanout import FanoutReport

RATE, STEP_S = 5_000, 0.0008
CLIENTS, SECONDS = 100, 8
SYMBOLS = "BTC-USDT,ETH-USDT,SOL-USDT"
AT_MOST = 1.25
WITH, WITHOUT = f"{RATE:,} orders a second", "no orders"


class Trader(threading.Thread):
    """A thread that places and cancels orders at ``RATE``, in steps of ``STEP_S``, until it is stopped."""

    def __init__(self, client: OrderClient) -> None:
        super().__init__(name="trader")
        self._client = client
        self._stop_requested = threading.Event()
        self._started_s = self._ended_s = 0.0
        self._accepted = 0

    def run(self) -> None:
        """Send orders at the rate. A late step does not delay the next ones."""
        self._started_s = due = time.perf_counter()
        while not self._stop_requested.is_set():
            due += STEP_S
            self._accepted += self._client.place_and_cancel(round(RATE * STEP_S / 2))
            time.sleep(max(0.0, due - time.perf_counter()))
        self._ended_s = time.perf_counter()

    def stop(self) -> float:
        """Stop the thread; return how many requests a second were accepted."""
        self._stop_requested.set()
        self.join()
        return self._accepted / (self._ended_s - self._started_s)


@contextmanager
def _trading(client: OrderClient, rates: list[float], is_on: bool) -> Iterator[None]:
    if not is_on:
        yield
        return
    trader = Trader(client)
    trader.start()
    try:
        yield
    finally:
        rates.append(trader.stop())


def compare(rounds: int) -> Iterator[str]:
    """Run with and without orders in turn, each on a fresh server; yield the results."""
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
    yield TargetCheck("p99 beside orders to p99 without", p99[WITH].ratio_to(p99[WITHOUT]), AT_MOST).text()


def _latency(report: FanoutReport) -> tuple[float, float]:
    times = report.interval.latency
    assert times is not None, "the market never stands still"
    return times.p50_us, times.p99_us


def _run(is_trading: bool, rates: list[float]) -> FanoutReport:
    mine = os.sched_getaffinity(0)
    with serving("sqlite", machine.cpu_of_server()) as client:
        os.sched_setaffinity(0, {machine.cpu_of_load()})
        try:
            with _trading(client, rates, is_trading):
                return bench(
                    FanoutReport,
                    machine.cpu_of_load(),
                    "fanout",
                    client.url,
                    clients=CLIENTS,
                    symbols=SYMBOLS,
                    each=1,
                    seconds=SECONDS,
                )
        finally:
            os.sched_setaffinity(0, mine)
