"""The backtest of ``benchmarks.backtest`` in backtrader. It runs in an environment of its own.

backtrader knows bars alone: each quote and each trade is a bar, and the book is left out. An order is filled
at the next bar. All bars are in memory before the clock starts. Nothing is observed or plotted.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import backtrader  # type: ignore[import-not-found]

from benchmarks.backtest_events import MONEY, SIZE, Averages, Quote, Result, Trade, print_result, read

DAY_S = 86_400
FIRST_DAY = 719_163
"""The days before 1970 as backtrader counts them."""
Bar = tuple[float, float, float]
"""The date in days, and the prices between which the average lies; of a trade its price twice."""


class Bars(backtrader.feed.DataBase):  # type: ignore[misc] # untyped
    """Bars from a list."""

    def __init__(self, bars: list[Bar]) -> None:
        super().__init__()
        self._bars = iter(bars)

    def _load(self) -> bool:
        bar = next(self._bars, None)
        if bar is None:
            return False
        lines = self.lines
        lines.datetime[0], low, high = bar
        lines.low[0] = lines.open[0] = low
        lines.high[0] = lines.close[0] = high
        lines.volume[0] = lines.openinterest[0] = 0
        return True


class Cross(backtrader.Strategy):  # type: ignore[misc] # untyped
    """Holds while the fast average is above the slow one."""

    def __init__(self) -> None:
        self._averages = Averages()
        self._holds = self._waits = False
        self.fills = 0

    def next(self) -> None:
        """Take a bar."""
        is_up = self._averages.is_up(self.data.low[0], self.data.high[0])
        if not self._waits and is_up is not self._holds:
            self._waits, self._holds = True, is_up
            (self.buy if is_up else self.sell)(size=float(SIZE))

    def notify_order(self, order: backtrader.Order) -> None:
        """Count fills."""
        if order.status == order.Completed:
            self.fills += 1
            self._waits = False


def run(path: Path) -> Result:
    """Run it once."""
    bars: list[Bar] = []
    for event in read(path):
        day = event.ts_ns / 1e9 / DAY_S + FIRST_DAY
        if isinstance(event, Quote):
            bars.append((day, float(event.bid), float(event.ask)))
        elif isinstance(event, Trade):
            bars.append((day, float(event.price), float(event.price)))
    cerebro = backtrader.Cerebro(stdstats=False)
    cerebro.broker.setcash(MONEY)
    cerebro.adddata(Bars(bars))
    cerebro.addstrategy(Cross)
    began = time.process_time()
    (strategy,) = cerebro.run()
    return Result(time.process_time() - began, len(bars), strategy.fills)


if __name__ == "__main__":
    print_result(run(Path(sys.argv[1])))
