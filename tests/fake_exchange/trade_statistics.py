"""What faces show of trades: candles, and the numbers of the last day."""

from collections import deque
from dataclasses import dataclass

from tests.fake_exchange.market import UNIT, Market
from tests.fake_exchange.orders import Traded

DAY_US = 86_400_000_000
KEPT = 720


@dataclass
class Candle:
    begin_us: int
    open_e8: int
    high_e8: int
    low_e8: int
    close_e8: int
    volume_e8: int = 0
    quote_e8: int = 0
    trades: int = 0

    def add(self, price_e8: int, volume_e8: int, quote_e8: int) -> None:
        self.high_e8 = max(self.high_e8, price_e8)
        self.low_e8 = min(self.low_e8, price_e8)
        self.close_e8 = price_e8
        self.volume_e8 += volume_e8
        self.quote_e8 += quote_e8
        self.trades += 1

    @property
    def average_e8(self) -> int:
        return self.quote_e8 * UNIT // self.volume_e8 if self.volume_e8 else 0


class Candles:
    """The candles of one symbol and interval that had trades. The last KEPT are kept."""

    def __init__(self, interval_us: int) -> None:
        self.interval_us = interval_us
        self.kept: deque[Candle] = deque(maxlen=KEPT)

    def add(self, market: Market, trade: Traded) -> Candle:
        price_e8, volume_e8, quote_e8 = amounts(market, trade)
        begin_us = trade.time_us - trade.time_us % self.interval_us
        if not self.kept or self.kept[-1].begin_us < begin_us:
            self.kept.append(Candle(begin_us, price_e8, price_e8, price_e8, price_e8))
        self.kept[-1].add(price_e8, volume_e8, quote_e8)
        return self.kept[-1]


class DayTrades:
    """The trades of one symbol in the last 24 hours. Older prices keep what they were."""

    def __init__(self) -> None:
        self.last_size_e8 = 0
        self._trades: deque[tuple[int, int, int, int]] = deque()
        self._candle: Candle | None = None

    def add(self, market: Market, trade: Traded) -> None:
        price_e8, self.last_size_e8, quote_e8 = amounts(market, trade)
        while self._trades and self._trades[0][0] <= trade.time_us - DAY_US:
            self._trades.popleft()
            self._candle = None
        self._trades.append((trade.time_us, price_e8, self.last_size_e8, quote_e8))
        if self._candle is not None:
            self._candle.add(price_e8, self.last_size_e8, quote_e8)

    def candle(self) -> Candle | None:
        """The whole day as one candle, or None if nothing was traded."""
        if self._candle is None and self._trades:
            time_us, first_e8, _, _ = self._trades[0]
            self._candle = Candle(time_us, first_e8, first_e8, first_e8, first_e8)
            for _, price_e8, volume_e8, quote_e8 in self._trades:
                self._candle.add(price_e8, volume_e8, quote_e8)
        return self._candle


def amounts(market: Market, trade: Traded) -> tuple[int, int, int]:
    """Price, base and quote amount."""
    return (
        trade.price_ticks * market.tick_e8,
        trade.lots * market.step_e8,
        market.notional_e8(trade.price_ticks, trade.lots),
    )
