"""Candles that change while they are watched, for faces that say whether one is closed.

An interval without trades has no candle here; the exchanges send one without a volume."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.fake_exchange.matching import MatchingCore
from tests.fake_exchange.orders import Event, Side, Traded
from tests.fake_exchange.trade_statistics import Candle, Candles, amounts

MINUTE_US = 60_000_000
Key = tuple[str, str]  # symbol and name of the interval


@dataclass
class LiveCandle:
    candle: Candle
    end_us: int
    first_trade_id: int
    last_trade_id: int
    bought_e8: int = 0  # by takers
    bought_quote_e8: int = 0
    is_closed: bool = False


class LiveCandles:
    def __init__(
        self, core: MatchingCore, intervals_us: Mapping[str, int], now_us: Callable[[], int]
    ) -> None:
        self.intervals_us = intervals_us
        self._core = core
        self._now_us = now_us
        self._candles = {
            (symbol, name): Candles(interval_us)
            for symbol in core.markets
            for name, interval_us in intervals_us.items()
        }
        self._live: dict[Key, list[LiveCandle]] = {key: [] for key in self._candles}
        self._due: dict[Key, list[LiveCandle]] = {}
        core.listeners.append(self._on_event)

    def newest(self, symbol: str, name: str, limit: int) -> list[LiveCandle]:
        """The last ones, the newest first."""
        return self._live[symbol, name][: -limit - 1 : -1]

    def take_due(self) -> list[tuple[str, str, LiveCandle]]:
        """Those that changed or closed since the last call: symbol, interval and candle."""
        for key, live in self._live.items():
            if live and not live[-1].is_closed and live[-1].end_us <= self._now_us():
                self._close(key, live[-1])
        due, self._due = self._due, {}
        return [(symbol, name, candle) for (symbol, name), candles in due.items() for candle in candles]

    def _on_event(self, event: Event) -> None:
        if not isinstance(event, Traded):
            return
        market = self._core.markets[event.symbol]
        _, volume_e8, quote_e8 = amounts(market, event)
        for name, interval_us in self.intervals_us.items():
            key = (event.symbol, name)
            candle, live = self._candles[key].add(market, event), self._live[key]
            if not live or live[-1].candle is not candle:
                if live and not live[-1].is_closed:
                    self._close(key, live[-1])
                end_us = candle.begin_us + interval_us
                live.append(LiveCandle(candle, end_us, event.trade_id, event.trade_id))
            last = live[-1]
            last.last_trade_id = event.trade_id
            if event.taker_side is Side.BUY:
                last.bought_e8 += volume_e8
                last.bought_quote_e8 += quote_e8
            self._mark(key, last)

    def _close(self, key: Key, candle: LiveCandle) -> None:
        candle.is_closed = True
        self._mark(key, candle)

    def _mark(self, key: Key, candle: LiveCandle) -> None:
        due = self._due.setdefault(key, [])
        if candle not in due:
            due.append(candle)
