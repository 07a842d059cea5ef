"""What faces show of trades: candles, and the numbers of the last day."""

from collections import deque
from dataclasses import dataclass

from tests.fake_exchange.candle_intervals import DAY_US
from tests.fake_exchange.market import UNIT
from tests.fake_exchange.orders import Side, Traded


@dataclass
class Candle:
    """One without a trade has the last price before it four times."""

    begin_us: int
    end_us: int
    open_e8: int
    high_e8: int
    low_e8: int
    close_e8: int
    volume_e8: int = 0
    quote_e8: int = 0
    trades: int = 0
    first_trade_id: int = -1
    last_trade_id: int = -1
    bought_e8: int = 0  # by takers
    bought_quote_e8: int = 0
    is_closed: bool = False

    @classmethod
    def flat(cls, begin_us: int, end_us: int, price_e8: int) -> "Candle":
        return cls(begin_us, end_us, price_e8, price_e8, price_e8, price_e8)

    def add(self, trade: Traded) -> None:
        if not self.trades:
            self.open_e8 = self.high_e8 = self.low_e8 = trade.price_e8
            self.first_trade_id = trade.trade_id
        self.high_e8 = max(self.high_e8, trade.price_e8)
        self.low_e8 = min(self.low_e8, trade.price_e8)
        self.close_e8 = trade.price_e8
        self.last_trade_id = trade.trade_id
        self.volume_e8 += trade.size_e8
        self.quote_e8 += trade.quote_e8
        self.trades += 1
        if trade.taker_side is Side.BUY:
            self.bought_e8 += trade.size_e8
            self.bought_quote_e8 += trade.quote_e8

    @property
    def average_e8(self) -> int:
        return self.quote_e8 * UNIT // self.volume_e8 if self.volume_e8 else 0


class DayTrades:
    """The trades of one symbol in the last 24 hours. Older prices keep what they were."""

    def __init__(self) -> None:
        self.last_size_e8 = 0
        self._trades: deque[Traded] = deque()
        self._candle: Candle | None = None

    def add(self, trade: Traded) -> None:
        self.last_size_e8 = trade.size_e8
        while self._trades and self._trades[0].time_us <= trade.time_us - DAY_US:
            self._trades.popleft()
            self._candle = None
        self._trades.append(trade)
        if self._candle is not None:
            self._candle.add(trade)

    def candle(self) -> Candle:
        """The whole day as one candle. If nothing was traded, it has only zeros."""
        if self._candle is None:
            begin_us = self._trades[0].time_us if self._trades else 0
            self._candle = Candle.flat(begin_us, begin_us + DAY_US, 0)
            for trade in self._trades:
                self._candle.add(trade)
        return self._candle
