"""The candles channel: each interval's open, high, low, close and volume, from the trades or from the venue.

Counted from the trades, a candle closes when venue time passes its end, and an interval without trades
gives a flat one, so that the series has no holes. A trade counts in the candle of its own venue time,
first and last by that time, not by arrival; one that is older than an interval's current candle comes too
late for it, since what was closed does not change. A venue's own candles outrank those of the trades for
their interval from the first one on: they close when the venue says so, or begins the next. Where it does
neither for some seconds after the end, those of the trades are shown again.

What was not heard is not made up: while the feed is not current there are no flat candles, and a candle of
which a part was not heard is incomplete.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from math import inf

from msgspec import UNSET
from msgspec.structs import replace

from floorwire.channels import BadOptionError, Channel, Option, refuse_depth
from floorwire.core.candle_state import SECOND_US, CandleState
from floorwire.core.common_units import CommonUnits, UnitChange
from floorwire.core.instrument import Instrument
from floorwire.core.market_events import Candle, Clock, Feed, MarketEvent, Trade
from floorwire.core.notices import Notice, SymbolFeedChanged
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
LAPSE_US = 5 * SECOND_US
"""How long after its end a venue may leave its candle open."""

PRICES_KEPT = 64
"""Prices kept as text: those of the open candles come again and again."""


class Series:
    """The candles of one interval: the current one (without the running second) and the last closed one.

    Trades are always counted, also while the venue tells its own candles: these may end, and then ours are
    shown. ``heard_us`` is since when, by the venue's time, no trade can have been missed.
    """

    __slots__ = (
        "_counted",
        "_has_traded",
        "_is_cut",
        "_is_priced",
        "_venue",
        "bar",
        "closed",
        "end_us",
        "interval_us",
        "of_venue",
    )

    def __init__(self, interval_us: int) -> None:
        self.interval_us = interval_us
        self.bar: CandleState | None = None
        """The current candle as counted from the trades."""
        self.closed: CandleState | None = None
        self.end_us = 0
        """When the current interval is over."""
        self.of_venue = False
        self._venue: CandleState | None = None
        """The venue's candle that is still open."""
        self._counted: list[CandleState] = []
        """Those of ours that are over while the venue's were not closed yet, the oldest first."""
        self._is_priced = True
        """Whether the price of the last closed candle holds: nothing was missed since."""
        self._is_cut = False
        """Whether something was missed since the last price came."""
        self._has_traded = False

    @property
    def shown(self) -> CandleState | None:
        """The open candle, without the running second where it is counted from the trades."""
        return self._venue if self.of_venue else self.bar

    def counts(self, trade_us: int) -> bool:
        """Return whether a trade of this time belongs to the current candle."""
        return trade_us >= self.end_us - self.interval_us

    def scale(self, change: UnitChange) -> None:
        """Bring the figures of every candle that is kept into other units."""
        for bar in (self.bar, self.closed, self._venue, *self._counted):
            if bar is not None:
                bar.scale(change)

    def fold(self, bar: CandleState, heard_us: float) -> None:
        """Add trades of one second of the current interval; of another, they are too late."""
        if not self.counts(bar.start_us):
            return
        self._has_traded = True
        self._is_cut = self._is_cut and bar.start_us < heard_us
        if self.bar is not None:
            self.bar.merge(bar)
        else:
            start_us = self.end_us - self.interval_us
            self.bar = replace(bar, start_us=start_us, is_incomplete=start_us < heard_us)

    def interrupt(self) -> None:
        """The feed is not current any more: what is open will lack what is missed now."""
        for bar in (self.bar, self._venue):
            if bar is not None:
                bar.is_incomplete = True
        self._is_priced, self._is_cut = False, True

    def roll(self, now_us: int) -> list[CandleState]:
        """Begin the interval that is now; return the candles that this closes."""
        start_us = now_us - now_us % self.interval_us
        self.end_us = start_us + self.interval_us
        self._put_by()
        return [] if self.of_venue else self._close_until(start_us, now_us)

    def is_overdue(self, now_us: int) -> bool:
        """Return whether the venue has not closed its candle, or begun the next and closed that, in time."""
        if self._venue is not None:
            start_us = self._venue.start_us
        else:
            start_us = 0 if self.closed is None else self.closed.start_us + self.interval_us
        return now_us >= start_us + self.interval_us + LAPSE_US

    def lapse(self, now_us: int) -> list[CandleState]:
        """Go on with ours, since the venue's have ended; return the candles that this closes."""
        closed = []
        if self._venue is not None:
            closed.append(self._close(self._best(self._venue), now_us))
        self.of_venue, self._venue = False, None
        return closed + self._close_until(self.end_us - self.interval_us, now_us)

    def take(self, candle: Candle, heard_us: float) -> list[CandleState]:
        """Take in the venue's candle, unless it is of the past; return the candles that this closes."""
        if self._is_past(candle.start_us):
            return []
        closed = []
        if self.bar is not None and self.bar.start_us < candle.start_us:
            self._put_by()
        self.of_venue = True
        if self._venue is not None and self._venue.start_us < candle.start_us:
            closed.append(self._close(self._best(self._venue, goes_on=True), candle.ts_us))
            self._venue = None
        closed += self._close_until(candle.start_us, candle.ts_us)
        self._is_cut = self._is_cut and candle.ts_us < heard_us
        bar = CandleState.from_venue(candle)
        if candle.closed:
            self._venue = None
            closed.append(self._close(bar, candle.ts_us))
        elif self._venue is None or self._venue.is_incomplete or not bar.has_same_figures(self._venue):
            self._venue = bar
        else:
            self._venue.last_us = bar.last_us
        return closed

    def _put_by(self) -> None:
        """Our current candle is over. It may have to be closed yet, unless the venue's was."""
        over, self.bar = self.bar, None
        if over is not None and (self.closed is None or over.start_us > self.closed.start_us):
            self._counted.append(over)

    def _best(self, venue: CandleState, *, goes_on: bool = False) -> CandleState:
        """Return what is known best of an interval that the venue left open: its candle, or ours.

        ``goes_on``: the venue has begun the next.
        """
        ours = next((bar for bar in self._counted if bar.start_us == venue.start_us), None)
        # Without a trade after the venue's last word its candle is whole, where trades are told at all.
        has_all = goes_on or self._has_traded if ours is None else ours.last_us <= venue.last_us
        if has_all and not venue.is_incomplete:
            return venue
        if ours is not None and not ours.is_incomplete:
            return ours
        venue.is_incomplete = True
        if ours is not None:
            venue.include_prices_of(ours)
        if not goes_on and not self._has_traded:
            self._is_cut = True  # the price may have moved, and no trade tells
        return venue

    def _close(self, bar: CandleState, now_us: int) -> CandleState:
        bar.last_us = now_us
        self.closed, self._is_priced = bar, not self._is_cut
        self._counted = [later for later in self._counted if later.start_us > bar.start_us]
        return bar

    def _close_until(self, until_us: int, now_us: int) -> list[CandleState]:
        """Close ours that are over, with flat ones between them, from the last closed one on."""
        closed = []
        for bar in [bar for bar in self._counted if bar.start_us < until_us]:
            closed += self._fill(bar.start_us, now_us)
            closed.append(self._close(bar, now_us))
        return closed + self._fill(until_us, now_us)

    def _fill(self, until_us: int, now_us: int) -> list[CandleState]:
        """Close flat candles from the last closed one on. Where something was missed, there is a hole."""
        if self.closed is None or not self._is_priced:
            return []
        price_ticks = self.closed.close_ticks
        first_us = max(self.closed.start_us + self.interval_us, until_us - MOST_FLAT * self.interval_us)
        starts_us = range(first_us, until_us, self.interval_us)
        return [self._close(CandleState.flat(start_us, price_ticks), now_us) for start_us in starts_us]

    def _is_past(self, start_us: int) -> bool:
        closed, bar = self.closed, self.shown
        return (closed is not None and start_us <= closed.start_us) or (
            bar is not None and start_us < bar.start_us
        )


class CandlesTracker:
    """Every interval's candles. Only the running second sees each trade; the intervals see whole seconds."""

    __slots__ = (
        "_closed",
        "_end_us",
        "_heard_us",
        "_is_finer",
        "_moved",
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
        self._series = {interval_us: Series(interval_us) for interval_us in INTERVALS.values()}
        self._second: CandleState | None = None
        self._end_us = 0
        """When the running second is over."""
        self._heard_us: float = 0
        """Since when, by the venue's time, no trade can have been missed; infinite while not known."""
        self._closed: dict[int, list[CandleState]] = {}
        self._traded_us = -1
        self._moved: set[int] = set()

    def change_steps(self, instrument: Instrument) -> None:
        """Go on with the same candles in other steps: exact inside, floored to whole steps where shown."""
        self.instrument = instrument
        self._units, change = self._units.extended_to(instrument)
        self._is_finer = self._units.is_finer
        for series in self._series.values():
            series.scale(change)
        if self._second is not None:
            self._second.scale(change)
        self._closed = {}
        self._traded_us, self._moved = -1, set()
        self.price = lru_cache(PRICES_KEPT)(self._price)

    def _price(self, units: int) -> str:
        return self.instrument.price.format(self._units.ticks(units))

    def size(self, units: int) -> str:
        """Return a volume as text."""
        return self.instrument.size.format(self._units.lots(units))

    def apply(self, event: MarketEvent | Notice) -> None:
        """Follow the trades, the time, the venue's candles and its feed."""
        if self._closed:
            self._closed = {}
        if self._moved:
            self._moved = set()
        self._traded_us = -1
        match event:
            case Trade():
                self._trade(event)
            case Clock():
                self._hear(event.ts_us)
                self._advance(event.ts_us)
            case Candle():
                self._take(event)
            case SymbolFeedChanged():
                self._turn(event)
            case _:
                pass

    def _trade(self, trade: Trade) -> None:
        self._advance(trade.ts_us)
        self._traded_us = trade.ts_us
        bar = CandleState.from_trade(self._units.trade(trade) if self._is_finer else trade)
        if bar.start_us < self._end_us - SECOND_US:
            self._fold(bar)
        elif self._second is None:
            self._second = bar
        else:
            self._second.merge(bar)

    def _turn(self, turned: SymbolFeedChanged) -> None:
        self.feed = turned.feed
        if turned.feed == "live":
            return
        self._fold_second()
        self._heard_us = inf
        for series in self._series.values():
            series.interrupt()

    def _hear(self, now_us: int) -> None:
        """From the first time on that a current feed tells, nothing is missed. It may be told a bit late."""
        if self._heard_us == inf and self.feed == "live":
            self._heard_us = now_us + SECOND_US

    def _advance(self, now_us: int) -> None:
        if now_us < self._end_us:
            return
        self._fold_second()
        self._end_us = now_us - now_us % SECOND_US + SECOND_US
        for interval_us, series in self._series.items():
            closed: list[CandleState] = []
            if now_us >= series.end_us:
                closed = series.roll(now_us)
            if series.of_venue and series.is_overdue(now_us):
                closed += series.lapse(now_us)
                if series.bar is not None:
                    self._moved.add(interval_us)
            if closed:
                self._closed[interval_us] = closed

    def _fold_second(self) -> None:
        if self._second is not None:
            self._fold(self._second)
            self._second = None

    def _fold(self, bar: CandleState) -> None:
        for series in self._series.values():
            series.fold(bar, self._heard_us)

    def _take(self, candle: Candle) -> None:
        series = self._series.get(candle.interval_us)
        if series is None:
            return
        self._fold_second()
        before = series.shown
        in_units = self._units.candle(candle) if self._is_finer else candle
        self._closed[candle.interval_us] = series.take(in_units, self._heard_us)
        if series.shown is not None and series.shown is not before:
            self._moved.add(candle.interval_us)

    def closed(self, interval_us: int) -> Sequence[CandleState]:
        """Return the candles that the last event closed, the oldest first."""
        return self._closed.get(interval_us, ())

    def moved(self, interval_us: int) -> bool:
        """Return whether the last event changed the candle that is still open."""
        if interval_us in self._moved:
            return True
        series = self._series[interval_us]
        return self._traded_us >= 0 and not series.of_venue and series.counts(self._traded_us)

    def current(self, interval_us: int) -> CandleState | None:
        """Return the candle that is still open; None where the interval has had no trade yet."""
        series = self._series[interval_us]
        if series.of_venue or self._second is None:
            return series.shown
        if series.bar is not None:
            return series.bar.merged(self._second)
        start_us = series.end_us - interval_us
        return replace(self._second, start_us=start_us, is_incomplete=start_us < self._heard_us)

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
        """Return the candles that the event closed, and then the open one where it changed."""
        if type(event) is SymbolFeedChanged:
            state = self.state(at)
            return () if state is None else (state,)
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
        self, bar: CandleState, closed: bool, at: EventStamp, seq: int, conflated: int = 0
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
            volume=self._tracker.size(bar.volume_lots),
            trades=bar.trades,
            closed=closed,
            incomplete=bar.is_incomplete or UNSET,
            feed=UNSET if self._tracker.feed == "live" else self._tracker.feed,
        )


class CandlesChannel:
    """One message a change of the open candle, and one when it closes."""

    name = "candles"
    on_slow: OnSlow = "conflate"
    contracts: frozenset[OnSlow] = frozenset(("conflate", "skip", "disconnect"))
    per_symbol = True
    event_types: tuple[type[MarketEvent | Notice], ...] = (Trade, Clock, Candle, SymbolFeedChanged)

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
