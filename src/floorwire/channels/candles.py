"""The candles channel: open, high, low, close and volume of each interval, from the trades or from the venue.

- Counted from the trades, a candle closes when the venue's time passes its end. An interval without trades
  gives a flat candle, so that the series has no holes.
- A trade counts in the candle of its own venue time, and that time decides which trade is first and last. A
  trade older than the current candle of an interval is too late: a closed candle does not change.
- From its first candle on, a venue's own candles are used for their interval. They close when the venue says
  so, or begins the next. If it does neither for some seconds after the end, ours are shown again.
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
from floorwire.core.candle_state import SECOND_US, CandleState
from floorwire.core.capabilities import StreamKind
from floorwire.core.common_units import CommonUnits
from floorwire.core.instrument import Instrument
from floorwire.core.market_events import Candle, Clock, Feed, MarketEvent, MissingTrade, StreamsEnded, Trade
from floorwire.core.notices import Notice, SymbolFeedChanged
from floorwire.protocol import channel_events
from floorwire.protocol.requests import OnSlow
from floorwire.protocol.topic import EventStamp

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
PRICES_KEPT = 64
"""How many prices are cached as text. Those of the open candles are needed often."""


class CandlesTracker:
    """The candles of all intervals. A trade is added to the running second, that second to all intervals."""

    __slots__ = (
        "_closed",
        "_complete_from_us",
        "_end_us",
        "_is_finer",
        "_is_streamed",
        "_open_changed",
        "_second",
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
        self._series = {interval_us: IntervalCandles(interval_us) for interval_us in INTERVALS.values()}
        self._second: CandleState | None = None
        self._end_us = 0
        """When the running second ends."""
        self._complete_from_us: float = 0
        """The venue's time from which on no trade is missing; infinite while that is not known."""
        self._is_streamed = True
        """Whether trades or candles came since they were last not streamed."""
        self._closed: dict[int, list[CandleState]] = {}
        self._traded_us = -1
        self._open_changed: set[int] = set()

    def change_steps(self, instrument: Instrument) -> None:
        """Keep the candles in units that divide the new steps too. Shown figures are floored."""
        self.instrument = instrument
        self._units, change = self._units.extended_to(instrument)
        self._is_finer = self._units.is_finer
        for series in self._series.values():
            series.scale(change)
        if self._second is not None:
            self._second.scale(change)
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
            case Clock():
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
            self._add_second(candle)
        elif self._second is None:
            self._second = candle
        else:
            self._second.merge(candle)

    def _miss_trade(self, ts_us: int) -> None:
        self._advance(ts_us)
        self._end_second()
        self._complete_from_us = max(self._complete_from_us, ts_us - ts_us % SECOND_US + SECOND_US)
        self._open_changed.update(us for us, series in self._series.items() if series.miss_trade(ts_us))

    def _feed_changed(self, change: SymbolFeedChanged) -> None:
        self.feed = change.feed
        if change.feed != "live":
            self._mark_incomplete()

    def _mark_incomplete(self) -> None:
        """Mark the open candles: trades are missing from now on, up to a time that is not known."""
        self._end_second()
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
        for interval_us, series in self._series.items():
            closed: list[CandleState] = []
            if now_us >= series.end_us:
                closed = series.start_interval(now_us)
            if series.of_venue and series.is_overdue(now_us):
                closed += series.drop_venue(now_us)
                if series.counted is not None:
                    self._open_changed.add(interval_us)
            if closed:
                self._closed[interval_us] = closed

    def _end_second(self) -> None:
        if self._second is not None:
            self._add_second(self._second)
            self._second = None

    def _add_second(self, candle: CandleState) -> None:
        for series in self._series.values():
            series.add_second(candle, self._complete_from_us)

    def _venue_candle(self, candle: Candle) -> None:
        series = self._series.get(candle.interval_us)
        if series is None:
            return
        self._is_streamed = True
        self._end_second()
        before = series.shown
        in_units = self._units.candle(candle) if self._is_finer else candle
        self._closed[candle.interval_us] = series.apply_venue_candle(in_units, self._complete_from_us)
        if series.shown is not None and series.shown is not before:
            self._open_changed.add(candle.interval_us)

    def closed(self, interval_us: int) -> Sequence[CandleState]:
        """Return the candles that the last event closed, the oldest first."""
        return self._closed.get(interval_us, ())

    def open_changed(self, interval_us: int) -> bool:
        """Return whether the last event changed the candle that is still open."""
        if interval_us in self._open_changed:
            return True
        series = self._series[interval_us]
        return self._traded_us >= 0 and not series.of_venue and series.is_current(self._traded_us)

    def current(self, interval_us: int) -> CandleState | None:
        """Return the open candle; None if the interval has had no trade yet."""
        series = self._series[interval_us]
        if series.of_venue or self._second is None:
            return series.shown
        if series.counted is not None:
            return series.counted.merged(self._second)
        start_us = series.end_us - interval_us
        return replace(self._second, start_us=start_us, is_incomplete=start_us < self._complete_from_us)

    def last_closed(self, interval_us: int) -> CandleState | None:
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

    def apply(self, event: MarketEvent | Notice, at: EventStamp) -> Sequence[channel_events.Candles]:
        """Return the candles that the event closed, and then the open one if it changed."""
        if type(event) is SymbolFeedChanged:
            state = self.state(at)
            return () if state is None else (state,)
        return list(self._messages(at))

    def _messages(self, at: EventStamp) -> Iterable[channel_events.Candles]:
        seq = at.seq
        for candle in self._tracker.closed(self._interval_us):
            yield self._message(candle, True, at, seq)
            seq += 1
        if self._tracker.open_changed(self._interval_us):
            current = self._tracker.current(self._interval_us)
            assert current is not None
            yield self._message(current, False, at, seq)

    def state(self, at: EventStamp, conflated: int = 0) -> channel_events.Candles | None:
        """Return the last candle: the open one, or else the last closed; None before the first."""
        current = self._tracker.current(self._interval_us)
        candle = current or self._tracker.last_closed(self._interval_us)
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
        Clock,
        Candle,
        SymbolFeedChanged,
        StreamsEnded,
    )
    needs: frozenset[StreamKind] = frozenset(("candles", "trades"))

    def option(self, depth: int | None, interval: str | None) -> Option:
        """Return the requested interval, by default one minute. Raises BadOptionError."""
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
