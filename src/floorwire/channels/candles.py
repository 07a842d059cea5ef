"""The candles channel: each interval's open, high, low, close and volume, from the trades or from the venue.

Counted from the trades, a candle closes when venue time passes its end, and an interval without trades
gives a flat one, so that the series has no holes. A trade counts in the candle of its own venue time,
first and last by that time, not by arrival; one that is older than an interval's current candle comes too
late for it, since what was closed does not change. A venue's own candles outrank those of the trades for
their interval from the first one on: they close when the venue says so, or begins the next.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

from msgspec import UNSET
from msgspec.structs import replace

from floorwire.channels import BadOptionError, Channel, Option, refuse_depth
from floorwire.core.bar import SECOND_US, Bar
from floorwire.core.instrument import Instrument
from floorwire.core.market_events import Candle, Clock, MarketEvent, Trade
from floorwire.core.notices import Notice
from floorwire.protocol import channel_events
from floorwire.protocol.requests import OnSlow
from floorwire.protocol.stamp import EventStamp

INTERVALS = {
    "1s": SECOND_US,
    "1m": 60 * SECOND_US,
    "5m": 300 * SECOND_US,
    "15m": 900 * SECOND_US,
    "1h": 3600 * SECOND_US,
    "4h": 14_400 * SECOND_US,
    "1d": 86_400 * SECOND_US,
}
"""Microseconds by name. Each is a whole number of seconds and divides a day: starts are aligned in UTC."""
DEFAULT_INTERVAL = "1m"
MOST_FLAT = 60
"""The most flat candles that one event gives; a longer silence leaves a hole before the last so many."""

PRICES_KEPT = 64
"""Prices kept as text: those of the open candles come again and again."""


class Series:
    """The candles of one interval: the current one (without the running second) and the last closed one."""

    __slots__ = ("bar", "closed", "end_us", "interval_us", "of_venue")

    def __init__(self, interval_us: int) -> None:
        self.interval_us = interval_us
        self.bar: Bar | None = None
        self.closed: Bar | None = None
        self.end_us = 0
        """When the current interval is over."""
        self.of_venue = False

    def counts(self, trade_us: int) -> bool:
        """Return whether a trade of this time belongs to the current candle."""
        return not self.of_venue and trade_us >= self.end_us - self.interval_us

    def fold(self, bar: Bar) -> None:
        """Add trades of one second of the current interval; of another, they are too late."""
        if not self.counts(bar.start_us):
            return
        if self.bar is not None:
            self.bar.merge(bar)
        else:
            self.bar = replace(bar, start_us=self.end_us - self.interval_us)

    def roll(self, now_us: int) -> list[Bar]:
        """Begin the interval that is now; return the candles that this closes."""
        start_us = now_us - now_us % self.interval_us
        self.end_us = start_us + self.interval_us
        closed = [] if self.bar is None else [self._close(self.bar, now_us)]
        return closed + self._fill(start_us, now_us)

    def _close(self, bar: Bar, now_us: int) -> Bar:
        bar.last_us = now_us
        self.bar, self.closed = None, bar
        return bar

    def _fill(self, until_us: int, now_us: int) -> list[Bar]:
        """Close flat candles from the last closed one on."""
        if self.closed is None:
            return []
        price_ticks = self.closed.close_ticks
        first_us = max(self.closed.start_us + self.interval_us, until_us - MOST_FLAT * self.interval_us)
        starts_us = range(first_us, until_us, self.interval_us)
        return [self._close(Bar.flat(start_us, price_ticks), now_us) for start_us in starts_us]

    def take(self, candle: Candle) -> list[Bar]:
        """Take in the venue's candle, unless it is of the past; return the candles that this closes."""
        if self._is_past(candle.start_us):
            return []
        closed = []
        if self.bar is not None and self.bar.start_us < candle.start_us:
            closed.append(self._close(self.bar, candle.ts_us))
        closed += self._fill(candle.start_us, candle.ts_us)
        bar = Bar.of_venue(candle)
        if candle.closed:
            closed.append(self._close(bar, candle.ts_us))
        elif self.bar is None or not bar.looks_like(self.bar):
            self.bar = bar
        return closed

    def _is_past(self, start_us: int) -> bool:
        closed, bar = self.closed, self.bar
        return (closed is not None and start_us <= closed.start_us) or (
            bar is not None and start_us < bar.start_us
        )


class CandlesTracker:
    """Every interval's candles. Only the running second sees each trade; the intervals see whole seconds."""

    __slots__ = ("_closed", "_end_us", "_moved", "_second", "_series", "_traded_us", "instrument", "price")

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.price = lru_cache(PRICES_KEPT)(instrument.price.format)
        self._series = {interval_us: Series(interval_us) for interval_us in INTERVALS.values()}
        self._second: Bar | None = None
        self._end_us = 0
        """When the running second is over."""
        self._closed: dict[int, list[Bar]] = {}
        self._traded_us = -1
        self._moved: int | None = None

    def apply(self, event: MarketEvent | Notice) -> None:
        """Follow the trades, the time and the venue's candles."""
        if self._closed:
            self._closed = {}
        self._traded_us, self._moved = -1, None
        match event:
            case Trade():
                self._trade(event)
            case Clock():
                self._advance(event.ts_us)
            case Candle():
                self._take(event)
            case _:
                pass

    def _trade(self, trade: Trade) -> None:
        self._advance(trade.ts_us)
        self._traded_us = trade.ts_us
        bar = Bar.of_trade(trade)
        if bar.start_us < self._end_us - SECOND_US:
            self._fold(bar)
        elif self._second is None:
            self._second = bar
        else:
            self._second.merge(bar)

    def _advance(self, now_us: int) -> None:
        if now_us < self._end_us:
            return
        if self._second is not None:
            self._fold(self._second)
            self._second = None
        self._end_us = now_us - now_us % SECOND_US + SECOND_US
        for interval_us, series in self._series.items():
            if now_us >= series.end_us and not series.of_venue:
                self._closed[interval_us] = series.roll(now_us)

    def _fold(self, bar: Bar) -> None:
        for series in self._series.values():
            series.fold(bar)

    def _take(self, candle: Candle) -> None:
        series = self._series.get(candle.interval_us)
        if series is None:
            return
        if not series.of_venue:
            if self._second is not None:
                series.fold(self._second)
            series.of_venue = True
        before = series.bar
        self._closed[candle.interval_us] = series.take(candle)
        if series.bar is not None and series.bar is not before:
            self._moved = candle.interval_us

    def closed(self, interval_us: int) -> Sequence[Bar]:
        """Return the candles that the last event closed, the oldest first."""
        return self._closed.get(interval_us, ())

    def moved(self, interval_us: int) -> bool:
        """Return whether the last event changed the candle that is still open."""
        if self._traded_us >= 0:
            return self._series[interval_us].counts(self._traded_us)
        return self._moved == interval_us

    def current(self, interval_us: int) -> Bar | None:
        """Return the candle that is still open; None where the interval has had no trade yet."""
        series = self._series[interval_us]
        if series.of_venue or self._second is None:
            return series.bar
        if series.bar is not None:
            return series.bar.merged(self._second)
        return replace(self._second, start_us=series.end_us - interval_us)

    def last_closed(self, interval_us: int) -> Bar | None:
        """Return the candle that closed last."""
        return self._series[interval_us].closed

    def stream(self, option: Option) -> CandlesStream:
        """Return a new stream of the interval."""
        assert isinstance(option, str)
        return CandlesStream(self, option)


class CandlesStream:
    """One interval's candles."""

    __slots__ = ("_interval", "_interval_us", "_tracker")

    def __init__(self, tracker: CandlesTracker, interval: str) -> None:
        self._tracker = tracker
        self._interval = interval
        self._interval_us = INTERVALS[interval]

    def apply(self, _event: MarketEvent | Notice, at: EventStamp) -> Sequence[channel_events.Candles]:
        """Return the candles that the event closed, and then the open one where it changed."""
        return list(self._messages(at))

    def _messages(self, at: EventStamp) -> Iterable[channel_events.Candles]:
        seq = at.seq
        for bar in self._tracker.closed(self._interval_us):
            yield self._message(bar, True, at, seq)
            seq += 1
        if self._tracker.moved(self._interval_us):
            current = self._tracker.current(self._interval_us)
            assert current is not None
            yield self._message(current, False, at, seq)

    def state(self, at: EventStamp, conflated: int = 0) -> channel_events.Candles | None:
        """Return the last candle that was told: the open one, else the last closed; None before any."""
        current = self._tracker.current(self._interval_us)
        bar = current or self._tracker.last_closed(self._interval_us)
        return None if bar is None else self._message(bar, current is None, at, at.seq, conflated)

    def _message(
        self, bar: Bar, closed: bool, at: EventStamp, seq: int, conflated: int = 0
    ) -> channel_events.Candles:
        instrument = self._tracker.instrument
        price = self._tracker.price
        return channel_events.Candles(
            epoch=at.epoch,
            seq=seq,
            conflated=conflated or UNSET,
            ts=bar.last_us,
            recv=at.recv_us,
            sent=at.sent_us,
            symbol=instrument.symbol,
            interval=self._interval,
            start=bar.start_us,
            open=price(bar.open_ticks),
            high=price(bar.high_ticks),
            low=price(bar.low_ticks),
            close=price(bar.close_ticks),
            volume=instrument.size.format(bar.volume_lots),
            trades=bar.trades,
            closed=closed,
        )


class CandlesChannel:
    """One message a change of the open candle, and one when it closes."""

    name = "candles"
    on_slow: OnSlow = "conflate"
    contracts: frozenset[OnSlow] = frozenset(("conflate", "skip", "disconnect"))
    per_symbol = True
    listens_to: tuple[type[MarketEvent | Notice], ...] = (Trade, Clock, Candle)

    def option(self, depth: int | None, interval: str | None) -> Option:
        """Return the interval, one minute where none was asked for. Raises BadOptionError."""
        refuse_depth(self.name, depth)
        if interval is None:
            return DEFAULT_INTERVAL
        if interval not in INTERVALS:
            raise BadOptionError("interval", f"one of {', '.join(INTERVALS)}")
        return interval

    def tracker(self, instrument: Instrument | None) -> CandlesTracker:
        """Return a new tracker of the instrument."""
        assert instrument is not None
        return CandlesTracker(instrument)


CHANNEL: Channel = CandlesChannel()
