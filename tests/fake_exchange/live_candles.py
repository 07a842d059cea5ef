"""Candles that change while they are watched, for faces that say whether one is closed.

An interval without trades is not told here; the exchanges send one without a volume."""

from collections.abc import Callable, Mapping

from tests.fake_exchange.candle_intervals import Interval
from tests.fake_exchange.matching import MatchingCore
from tests.fake_exchange.orders import Event, Traded
from tests.fake_exchange.trade_statistics import Candle

Key = tuple[str, str]  # symbol and name of the interval


class LiveCandles:
    def __init__(
        self, core: MatchingCore, intervals: Mapping[str, Interval], now_us: Callable[[], int]
    ) -> None:
        self._intervals = intervals
        self._core = core
        self._now_us = now_us
        self._live: dict[Key, Candle] = {}
        self._due: dict[Key, list[Candle]] = {}
        core.listeners.append(self._on_event)

    def current(self, symbol: str, name: str) -> Candle | None:
        """The candle of this moment, or None if nothing was ever traded."""
        return self._core.history.candle(symbol, self._intervals[name], self._now_us())

    def take_due(self) -> list[tuple[str, str, Candle]]:
        """Those that changed or closed since the last call: symbol, interval and candle."""
        for key, live in self._live.items():
            if not live.is_closed and live.end_us <= self._now_us():
                self._close(key, live)
        due, self._due = self._due, {}
        return [(symbol, name, candle) for (symbol, name), candles in due.items() for candle in candles]

    def _on_event(self, event: Event) -> None:
        if not isinstance(event, Traded):
            return
        for name, interval in self._intervals.items():
            key = (event.symbol, name)
            live = self._live.get(key)
            if live is not None and live.begin_us <= event.time_us < live.end_us:
                live.add(event)
            else:
                if live is not None and not live.is_closed:
                    self._close(key, live)
                # The history has this trade, and those of the same interval from before the start.
                live = self._core.history.candle(event.symbol, interval, event.time_us)
                assert live is not None
                self._live[key] = live
            self._mark(key, live)

    def _close(self, key: Key, candle: Candle) -> None:
        candle.is_closed = True
        self._mark(key, candle)

    def _mark(self, key: Key, candle: Candle) -> None:
        due = self._due.setdefault(key, [])
        if not due or due[-1] is not candle:
            due.append(candle)
