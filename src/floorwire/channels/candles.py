"""The candles channel: open, high, low, close and volume of each interval, from the trades or from the venue.

- Counted from the trades, a candle closes when the venue's time passes its end. An interval without trades
  gives a flat candle, so that the series has no holes.
- A trade counts in the candle of its own venue time, and that time decides which trade is first and last. A
  trade older than the current candle of an interval is too late: a closed candle does not change.
- From its first candle on, a venue's own candles are used for their interval. They close when the venue says
  so, or begins the next. If it does neither for some seconds after the end, ours are shown again.
- A trade is added to the running second, the second to the running minute, and the minute to all longer
  intervals. Each of these starts with a minute, so what they cost does not grow with the trades.
- Nothing is invented: while the feed is not current there are no flat candles, and a candle of which trades
  may be missing is incomplete.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from math import inf

from msgspec import UNSET
from msgspec.structs import replace

from floorwire.channels import BadOptionError, Channel, Option, refuse_depth
from floorwire.channels.interval_candles import IntervalCandles
from floorwire.core.candle_intervals import INTERVALS
from floorwire.core.candle_state import CandleState
from floorwire.core.capabilities import StreamKind
from floorwire.core.common_units import CommonUnits
from floorwire.core.instrument import Instrument
from floorwire.core.market_events import (
    Candle,
    Feed,
    MarketEvent,
    MissingTrade,
    StreamsEnded,
    Trade,
    VenueTime,
)
from floorwire.core.microseconds import MINUTE_US, SECOND_US
from floorwire.core.notices import Notice, SymbolFeedChanged
from floorwire.protocol import channel_events
from floorwire.protocol.event_stamps import EventStamp
from floorwire.protocol.requests import OnSlow
from floorwire.protocol.topic_names import ClosedCandles

DEFAULT_INTERVAL = "1m"
PRICES_KEPT = 64
"""How many prices are cached as text. Those of the open candles are needed often."""


class CandlesTracker:
    """The candles of all intervals."""

    __slots__ = (
        "_by_length",
        "_closed",
        "_complete_from_us",
        "_end_us",
        "_is_finer",
        "_is_streamed",
        "_longer",
        "_minute",
        "_minute_end_us",
        "_of_venue",
        "_open_changed",
        "_second",
        "_seconds",
        "_series",
        "_traded_us",
        "_units",
        "feed",
        "instrument",
        "price",
    )

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.feed: Feed = "live"
        self._units = CommonUnits.of(instrument)
        self._is_finer = False
        self.price = lru_cache(PRICES_KEPT)(self._price)
        self._series = {name: IntervalCandles(interval) for name, interval in INTERVALS.items()}
        self._seconds, *self._longer = self._series.values()
        self._by_length = {series.interval.length_us: series for series in self._series.values()}
        self._of_venue: list[IntervalCandles] = []
        """Those that show the venue's candles."""
        self._second: CandleState | None = None
        """The trades of the running second."""
        self._end_us = 0
        """When the running second ends."""
        self._minute: CandleState | None = None
        """The trades of the running minute, without the running second."""
        self._minute_end_us = 0
        self._complete_from_us: float = 0
        """The venue's time from which on no trade is missing; infinite while that is not known."""
        self._is_streamed = True
        """Whether trades or candles came since they were last not streamed."""
        self._closed: dict[str, list[CandleState]] = {}
        self._traded_us = -1
        self._open_changed: set[str] = set()

    def change_steps(self, instrument: Instrument) -> None:
        """Keep the candles in units that divide the new steps too. Shown figures are floored."""
        self.instrument = instrument
        self._units, change = self._units.extended_to(instrument)
        self._is_finer = self._units.is_finer
        for series in self._series.values():
            series.scale(change)
        for running in (self._second, self._minute):
            if running is not None:
                running.scale(change)
        self._closed = {}
        self._traded_us, self._open_changed = -1, set()
        self.price = lru_cache(PRICES_KEPT)(self._price)

    def _price(self, units: int) -> str:
        return self.instrument.price.format(self._units.ticks(units))

    def size(self, units: int) -> str:
        """Return a volume as text."""
        return self.instrument.size.format(self._units.lots(units))

    def apply(self, event: MarketEvent | Notice) -> None:
        """Apply a trade, the time, a candle of the venue, or a change of its feed."""
        if self._closed:
            self._closed = {}
        if self._open_changed:
            self._open_changed = set()
        self._traded_us = -1
        match event:
            case Trade():
                self._trade(event)
            case MissingTrade():
                self._miss_trade(event.ts_us)
            case VenueTime():
                self._set_complete_from(event.ts_us)
                self._advance(event.ts_us)
            case Candle():
                self._venue_candle(event)
            case SymbolFeedChanged():
                self._feed_changed(event)
            case StreamsEnded(kinds=kinds) if "trades" in kinds:
                self._is_streamed = False
                self._mark_incomplete()
            case _:
                pass

    def _trade(self, trade: Trade) -> None:
        self._is_streamed = True
        self._advance(trade.ts_us)
        self._traded_us = trade.ts_us
        candle = CandleState.from_trade(self._units.trade(trade) if self._is_finer else trade)
        if candle.start_us < self._end_us - SECOND_US:
            self._add_late(candle)
        elif self._second is None:
            self._second = candle
        else:
            self._second.merge(candle)

    def _miss_trade(self, ts_us: int) -> None:
        self._advance(ts_us)
        self._end_running()
        self._complete_from_us = max(self._complete_from_us, ts_us - ts_us % SECOND_US + SECOND_US)
        changed = (name for name, series in self._series.items() if series.miss_trade(ts_us))
        self._open_changed.update(changed)

    def _feed_changed(self, change: SymbolFeedChanged) -> None:
        self.feed = change.feed
        if change.feed != "live":
            self._mark_incomplete()

    def _mark_incomplete(self) -> None:
        """Mark the open candles: trades are missing from now on, up to a time that is not known."""
        self._end_running()
        self._complete_from_us = inf
        for series in self._series.values():
            series.mark_incomplete()

    def _set_complete_from(self, now_us: int) -> None:
        """Set ``_complete_from_us`` at the first time of a current feed, plus a second, as it may be late."""
        if self._complete_from_us == inf and self.feed == "live" and self._is_streamed:
            self._complete_from_us = now_us + SECOND_US

    def _advance(self, now_us: int) -> None:
        if now_us < self._end_us:
            return
        self._end_second()
        self._end_us = now_us - now_us % SECOND_US + SECOND_US
        self._start_interval(self._seconds, now_us)
        if now_us >= self._minute_end_us:
            self._end_minute()
            self._minute_end_us = now_us - now_us % MINUTE_US + MINUTE_US
            for series in self._longer:
                if now_us >= series.end_us:
                    self._start_interval(series, now_us)
        if self._of_venue:
            self._drop_overdue(now_us)

    def _start_interval(self, series: IntervalCandles, now_us: int) -> None:
        closed = series.start_interval(now_us)
        if closed:
            self._closed[series.interval.name] = closed

    def _drop_overdue(self, now_us: int) -> None:
        for series in [series for series in self._of_venue if series.is_overdue(now_us)]:
            self._end_running()  # Whether there are trades decides what the venue's last candle is worth.
            self._of_venue.remove(series)
            name = series.interval.name
            self._closed[name] = self._closed.get(name, []) + series.drop_venue(now_us)
            if self.current(name) is not None:
                self._open_changed.add(name)

    def _end_running(self) -> None:
        """Add all trades to all intervals."""
        self._end_second()
        self._end_minute()

    def _end_second(self) -> None:
        second, self._second = self._second, None
        if second is None:
            return
        self._seconds.add(second, self._complete_from_us)
        if self._minute is None:
            self._minute = second
        else:
            self._minute.merge(second)

    def _end_minute(self) -> None:
        minute, self._minute = self._minute, None
        if minute is not None:
            for series in self._longer:
                series.add(minute, self._complete_from_us)

    def _add_late(self, second: CandleState) -> None:
        """Add a trade of a second that is over: too late for that, and maybe for other intervals."""
        if self._minute is not None and second.start_us >= self._minute_end_us - MINUTE_US:
            self._minute.merge(second)
            return
        for series in self._longer:
            series.add(second, self._complete_from_us)

    def _venue_candle(self, candle: Candle) -> None:
        series = self._by_length.get(candle.interval_us)
        if series is None or series.interval.start_of(candle.start_us) != candle.start_us:
            return  # Weeks of a venue may start on another day: such a candle is not one of ours.
        self._is_streamed = True
        if candle.start_us != series.start_us:
            self._end_running()  # The candle is compared with what the trades began.
        name, before = series.interval.name, series.shown
        in_units = self._units.candle(candle) if self._is_finer else candle
        self._closed[name] = series.apply_venue_candle(in_units, self._complete_from_us)
        if series.of_venue and series not in self._of_venue:
            self._of_venue.append(series)
        if series.shown is not None and series.shown is not before:
            self._open_changed.add(name)

    def closed(self, interval: str) -> Sequence[CandleState]:
        """Return the candles that the last event closed, the oldest first."""
        return self._closed.get(interval, ())

    def open_changed(self, interval: str) -> bool:
        """Return whether the last event changed the candle that is still open."""
        if interval in self._open_changed:
            return True
        series = self._series[interval]
        return self._traded_us >= 0 and not series.of_venue and series.is_current(self._traded_us)

    def current(self, interval: str) -> CandleState | None:
        """Return the open candle; None if the interval has had no trade yet."""
        series = self._series[interval]
        if series.of_venue:
            return series.shown
        minute = None if series is self._seconds else self._minute
        parts = [part for part in (series.counted, minute, self._second) if part is not None]
        if not parts:
            return None
        first, *others = parts
        candle = replace(first) if first is series.counted else series.opened(first, self._complete_from_us)
        for part in others:
            candle.merge(part)
        return candle

    def last_closed(self, interval: str) -> CandleState | None:
        """Return the candle that closed last."""
        return self._series[interval].closed

    def stream(self, option: Option) -> CandlesStream:
        """Return a new stream of the interval."""
        if isinstance(option, ClosedCandles):
            return CandlesStream(self, option.interval, closed_only=True)
        assert isinstance(option, str)
        return CandlesStream(self, option)


class CandlesStream:
    """One interval's candles: as they change, or only when they are closed."""

    __slots__ = ("_closed_only", "_interval", "_tracker")

    def __init__(self, tracker: CandlesTracker, interval: str, *, closed_only: bool = False) -> None:
        self._tracker = tracker
        self._closed_only = closed_only
        self._interval = interval

    def apply(self, event: MarketEvent | Notice, at: EventStamp) -> Sequence[channel_events.Candles]:
        """Return the candles that the event closed, and then the open one if it changed."""
        if type(event) is SymbolFeedChanged:
            state = self.state(at)
            return () if state is None else (state,)
        return list(self._messages(at))

    def _messages(self, at: EventStamp) -> Iterable[channel_events.Candles]:
        seq = at.seq
        for candle in self._tracker.closed(self._interval):
            yield self._message(candle, True, at, seq)
            seq += 1
        if not self._closed_only and self._tracker.open_changed(self._interval):
            current = self._tracker.current(self._interval)
            assert current is not None
            yield self._message(current, False, at, seq)

    def state(self, at: EventStamp, conflated: int = 0) -> channel_events.Candles | None:
        """Return the last candle: the open one, or else the last closed; None before the first."""
        current = None if self._closed_only else self._tracker.current(self._interval)
        candle = current or self._tracker.last_closed(self._interval)
        return None if candle is None else self._message(candle, current is None, at, at.seq, conflated)

    def _message(
        self, candle: CandleState, closed: bool, at: EventStamp, seq: int, conflated: int = 0
    ) -> channel_events.Candles:
        instrument = self._tracker.instrument
        price = self._tracker.price
        return channel_events.Candles(
            epoch=at.epoch,
            seq=seq,
            conflated=conflated or UNSET,
            ts=candle.last_us,
            recv=at.recv_us,
            sent=at.sent_us,
            symbol=instrument.symbol,
            interval=self._interval,
            start=candle.start_us,
            open=price(candle.open_ticks),
            high=price(candle.high_ticks),
            low=price(candle.low_ticks),
            close=price(candle.close_ticks),
            volume=self._tracker.size(candle.volume_lots),
            trades=candle.trades,
            closed=closed,
            incomplete=candle.is_incomplete or UNSET,
            closed_only=self._closed_only or UNSET,
            feed=UNSET if self._tracker.feed == "live" else self._tracker.feed,
        )


class CandlesChannel:
    """One message for each change of the open candle, and one when it closes."""

    name = "candles"
    on_slow: OnSlow = "conflate"
    contracts: frozenset[OnSlow] = frozenset(("conflate", "skip", "disconnect"))
    per_symbol = True
    event_types: tuple[type[MarketEvent | Notice], ...] = (
        Trade,
        MissingTrade,
        VenueTime,
        Candle,
        SymbolFeedChanged,
        StreamsEnded,
    )
    needs: frozenset[StreamKind] = frozenset(("candles", "trades"))

    def option(self, depth: int | None, interval: str | None, closed_only: bool = False) -> Option:
        """Return the requested interval, by default one minute. Raises BadOptionError."""
        refuse_depth(self.name, depth)
        interval = DEFAULT_INTERVAL if interval is None else interval
        if interval not in INTERVALS:
            raise BadOptionError("interval", f"one of {', '.join(INTERVALS)}")
        return ClosedCandles(interval) if closed_only else interval

    def tracker(self, instrument: Instrument | None) -> CandlesTracker:
        """Return a new tracker of the instrument."""
        assert instrument is not None
        return CandlesTracker(instrument)


CHANNEL: Channel = CandlesChannel()
