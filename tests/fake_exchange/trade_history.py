"""All trades of an exchange, and the candles that follow from them."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence

from tests.fake_exchange.candle_intervals import Interval
from tests.fake_exchange.orders import Traded
from tests.fake_exchange.trade_statistics import Candle

END_OF_TIME_US = 2**62


class TradeHistory:
    """The trades of each symbol, the oldest first."""

    def __init__(self, symbols: Iterable[str]) -> None:
        self._trades: dict[str, list[Traded]] = {symbol: [] for symbol in symbols}

    def add(self, trade: Traded) -> None:
        self._trades[trade.symbol].append(trade)

    def of(self, symbol: str) -> Sequence[Traded]:
        return self._trades[symbol]

    def last(self, symbol: str) -> Traded | None:
        trades = self._trades[symbol]
        return trades[-1] if trades else None

    def candle(self, symbol: str, interval: Interval, time_us: int) -> Candle | None:
        """The candle that has this time. None: nothing was traded until its end."""
        begin_us = interval.begin_us(time_us)
        return _candle(self._trades[symbol], begin_us, interval.end_us(begin_us))


class RestHistory:
    """The trades and candles that REST shows: all of them, or those of the moment since which it lags."""

    def __init__(self, history: TradeHistory, now_us: Callable[[], int]) -> None:
        self._history = history
        self._now_us = now_us
        self._frozen: tuple[dict[str, int], int] | None = None

    def freeze(self, symbols: Iterable[str]) -> None:
        counts = {symbol: len(self._history.of(symbol)) for symbol in symbols}
        self._frozen = counts, self._now_us()

    def thaw(self) -> None:
        self._frozen = None

    def trades(self, symbol: str) -> Sequence[Traded]:
        """The oldest first."""
        trades = self._history.of(symbol)
        return trades if self._frozen is None else trades[: self._frozen[0][symbol]]

    def trades_between(self, symbol: str, first_us: int, last_us: int) -> Sequence[Traded]:
        """Those from `first_us` to `last_us`, both inclusive. The oldest first."""
        trades = self.trades(symbol)
        first = bisect_left(trades, first_us, key=_time_us)
        return trades[first : bisect_left(trades, last_us + 1, first, key=_time_us)]

    def oldest_candles(
        self, symbol: str, interval: Interval, first_us: int = 0, last_us: int = END_OF_TIME_US
    ) -> Iterator[Candle]:
        """Candles that begin from `first_us` to `last_us`, both inclusive, the oldest first.

        The first is the one of the first trade, the last is the open one."""
        trades = self.trades(symbol)
        if not trades:
            return
        first_us = max(first_us, interval.begin_us(trades[0].time_us))
        last_us = min(last_us, self._shown_us())
        if first_us > last_us:
            return
        begin_us = interval.begin_us(first_us)
        if begin_us < first_us:
            begin_us = interval.end_us(begin_us)
        while begin_us <= last_us:
            end_us = interval.end_us(begin_us)
            yield self._candle(trades, begin_us, end_us)
            begin_us = end_us

    def newest_candles(
        self, symbol: str, interval: Interval, first_us: int = 0, last_us: int = END_OF_TIME_US
    ) -> Iterator[Candle]:
        """The same ones, the newest first."""
        trades = self.trades(symbol)
        if not trades:
            return
        first_us = max(first_us, interval.begin_us(trades[0].time_us))
        last_us = min(last_us, self._shown_us())
        while first_us <= last_us:
            begin_us = interval.begin_us(last_us)
            if begin_us < first_us:
                return
            yield self._candle(trades, begin_us, interval.end_us(begin_us))
            last_us = begin_us - 1

    def _candle(self, trades: Sequence[Traded], begin_us: int, end_us: int) -> Candle:
        candle = _candle(trades, begin_us, end_us)
        assert candle is not None, "it begins no earlier than the one of the first trade"
        candle.is_closed = end_us <= self._shown_us()
        return candle

    def _shown_us(self) -> int:
        return self._now_us() if self._frozen is None else self._frozen[1]


def traded_candles(candles: Iterable[Candle]) -> Iterator[Candle]:
    """Without those in which nothing was traded."""
    return (candle for candle in candles if candle.trades)


def _candle(trades: Sequence[Traded], begin_us: int, end_us: int) -> Candle | None:
    first = bisect_left(trades, begin_us, key=_time_us)
    until = bisect_left(trades, end_us, first, key=_time_us)
    if not until:
        return None
    candle = Candle.flat(begin_us, end_us, trades[max(0, first - 1)].price_e8)
    for trade in trades[first:until]:
        candle.add(trade)
    return candle


def _time_us(trade: Traded) -> int:
    return trade.time_us
