"""The ticker channel: best bid and ask, the last trade, and the last 24 hours.

From the venue's first quote on, best bid and ask are its quotes. Before, and for venues without quotes, they
are the best levels of the book. From the venue's first 24-hour figures on, those are shown. Before, and for
venues without them, they are counted from the trades. If the last trade is outside the venue's high and low,
they lag, and include it when they are shown. While the feed is current and the venue sends its own
figures, the source does not change back: two sources that differ would make the ticker jump.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from msgspec import UNSET

from floorwire.channels import Channel, Option, refuse_options
from floorwire.core.capabilities import StreamKind
from floorwire.core.common_units import CommonUnits, UnitChange, convert_steps
from floorwire.core.instrument import Instrument
from floorwire.core.market_events import (
    BookChange,
    BookSnapshot,
    DayStats,
    Feed,
    MarketEvent,
    Quote,
    StreamsEnded,
    Trade,
    VenueTime,
)
from floorwire.core.microseconds import DAY_US, SECOND_US
from floorwire.core.notices import Notice, SymbolFeedChanged
from floorwire.core.order_book import Book
from floorwire.core.rolling_day import Day, DayWindow
from floorwire.protocol import channel_events
from floorwire.protocol.event_stamps import EventStamp
from floorwire.protocol.requests import OnSlow

Text: TypeAlias = str | None
STATS_LATE_US = 10_000_000
"""If the venue's 24-hour figures lack a trade for this long, the venue stopped sending them."""
PRICES_KEPT = 256
"""How many prices are cached as text."""


class Top(NamedTuple):
    """Best bid and ask in ticks and lots. A side with 0 lots is empty."""

    bid_ticks: int = 0
    bid_lots: int = 0
    ask_ticks: int = 0
    ask_lots: int = 0

    def converted(self, before: Instrument, now: Instrument) -> Top:
        """Return it in the steps of ``now``. A price between two ticks is left out; a size is floored."""
        bid, bid_is_exact = convert_steps(self.bid_ticks, before.price, now.price)
        ask, ask_is_exact = convert_steps(self.ask_ticks, before.price, now.price)
        bid_lots, _ = convert_steps(self.bid_lots, before.size, now.size)
        ask_lots, _ = convert_steps(self.ask_lots, before.size, now.size)
        bids = (bid, bid_lots) if bid_is_exact and bid_lots else (0, 0)
        asks = (ask, ask_lots) if ask_is_exact and ask_lots else (0, 0)
        return Top(*bids, *asks)


class Last(NamedTuple):
    """The trade with the latest venue time, in common units."""

    price_ticks: int
    size_lots: int

    def scaled(self, change: UnitChange) -> Last:
        """Return it in other units."""
        return Last(self.price_ticks * change.prices, self.size_lots * change.sizes)


class TickerTracker:
    """The three parts of the ticker, in whole numbers. A part is replaced only if it differs."""

    __slots__ = (
        "_book",
        "_complete_from_us",
        "_has_stats",
        "_is_finer",
        "_last_us",
        "_may_count",
        "_missing_since_us",
        "_quoted",
        "_stats_us",
        "_window",
        "day",
        "feed",
        "instrument",
        "last",
        "top",
        "ts_us",
        "units",
    )

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.units = CommonUnits.of(instrument)
        """The units of ``last`` and ``day``; ``top`` is in ticks and lots."""
        self._is_finer = False
        self.top = Top()
        self.last: Last | None = None
        self.day: Day | None = None
        self.ts_us = -1
        self._last_us = 0
        self._quoted = False
        self._book: Book | None = None
        self._window = DayWindow()
        self.feed: Feed = "live"
        self._complete_from_us: int | None = 0
        """The venue's time from which on no trade is missing; None while that is not known."""
        self._has_stats = False
        """Whether the venue's own 24-hour figures are shown."""
        self._stats_us = 0
        self._missing_since_us: int | None = None
        """The time of the first trade that the venue's 24-hour figures lack; None: they lack none."""
        self._may_count = True
        """False after the venue's figures ended. Ours are shown again once they cover 24 hours."""

    def apply(self, event: MarketEvent | Notice) -> None:
        """Apply one event."""
        match event:
            case BookChange():
                self._change(event)
            case Quote():
                self._quote(event)
            case Trade():
                self._trade(event)
            case VenueTime():
                self._advance(event.ts_us)
            case BookSnapshot():
                self._replace(event)
            case DayStats():
                self._stats(event)
            case SymbolFeedChanged():
                self._feed_changed(event)
            case StreamsEnded():
                self._forget(event.kinds)
            case _:
                pass

    def change_steps(self, instrument: Instrument) -> None:
        """Convert to other steps. The last trade and the day stay exact, and are floored when shown."""
        before, self.instrument = self.instrument, instrument
        self.units, change = self.units.extended_to(instrument)
        self._is_finer = self.units.is_finer
        self._window.scale(change)
        self.last = None if self.last is None else self.last.scaled(change)
        self.day = None if self.day is None else self.day.scaled(change)
        if self._book is None:
            self.top = self.top.converted(before, instrument)
        else:
            self._book = self._book.converted(before, instrument)
            self.top = Top(*(self._book.bids.best() or (0, 0)), *(self._book.asks.best() or (0, 0)))

    def _quote(self, quote: Quote) -> None:
        self._quoted, self._book = True, None  # from now on quotes are used instead of the book
        self._show_top(Top(quote.bid_ticks, quote.bid_lots, quote.ask_ticks, quote.ask_lots), quote.ts_us)

    def _replace(self, snapshot: BookSnapshot) -> None:
        if self._quoted:
            return
        self._book = Book()
        self._book.replace(snapshot.bids, snapshot.asks)
        self._book.uncross({}, {})
        self._show_best(self._book, snapshot.ts_us)

    def _change(self, change: BookChange) -> None:
        if self._book is not None:
            bids, asks = self._book.apply(change.bids, change.asks)
            self._book.uncross(bids, asks)
            self._show_best(self._book, change.ts_us)

    def _show_best(self, book: Book, ts_us: int) -> None:
        bid, ask = book.bids.best() or (0, 0), book.asks.best() or (0, 0)
        self._show_top(Top(*bid, *ask), ts_us)

    def _show_top(self, top: Top, ts_us: int) -> None:
        if top != self.top:
            self.top = top
            self.ts_us = ts_us

    def _trade(self, trade: Trade) -> None:
        if self._is_finer:
            trade = self.units.trade(trade)
        if trade.ts_us >= self._last_us:
            self._last_us = trade.ts_us
            last = Last(trade.price_ticks, trade.size_lots)
            if last != self.last:
                self.last = last
                self.ts_us = trade.ts_us
        self._window.advance(trade.ts_us)
        self._window.add(trade)
        if not self._has_stats:
            self._show_counted(trade.ts_us)
            return
        if self.day is not None:
            self._show_day(self._with_last(self.day), trade.ts_us)
        if trade.ts_us > self._stats_us and self._missing_since_us is None:
            self._missing_since_us = trade.ts_us
        self._check_stats(trade.ts_us)

    def _advance(self, now_us: int) -> None:
        if self.feed == "live" and self._complete_from_us is None:
            self._complete_from_us = now_us + SECOND_US  # the venue's time may come late
        if self._window.advance(now_us) and not self._has_stats and self.last is not None:
            self._show_counted(now_us)
        self._check_stats(now_us)

    def _check_stats(self, now_us: int) -> None:
        """Stop showing the venue's 24-hour figures if they lack trades for too long."""
        if self._missing_since_us is not None and now_us - self._missing_since_us >= STATS_LATE_US:
            self._has_stats, self._missing_since_us, self._may_count = False, None, False
            self._show_counted(now_us)

    def _show_counted(self, now_us: int) -> None:
        if not self._may_count:
            complete_from_us = self._complete_from_us
            self._may_count = complete_from_us is not None and now_us - complete_from_us >= DAY_US
        self._show_day(self._counted(self._window) if self._may_count else None, now_us)

    def _feed_changed(self, change: SymbolFeedChanged) -> None:
        """After a loss, use the book again until the next quote: quotes from before are old."""
        self.feed = change.feed
        if change.feed != "live":
            self._quoted, self._complete_from_us = False, None

    def _forget(self, kinds: frozenset[StreamKind]) -> None:
        """Forget what streams told that do not come any more."""
        if "quote" in kinds or ("book" in kinds and not self._quoted):
            self._quoted, self._book, self.top = False, None, Top()
        if "day" in kinds:
            self._has_stats, self._missing_since_us, self._may_count, self.day = False, None, False, None
        if "trades" in kinds:
            self._complete_from_us, self.last = None, None

    def _counted(self, window: DayWindow) -> Day:
        """Return the window's figures. If it has no trades, they are flat at the last price."""
        assert self.last is not None, "there were trades"
        price = self.last.price_ticks
        return window.day() or Day(price, price, price, volume_lots=0, turnover=0)

    def _stats(self, stats: DayStats) -> None:
        self._has_stats, self._stats_us = True, max(stats.ts_us, self._stats_us)
        if self._missing_since_us is not None and stats.ts_us >= self._missing_since_us:
            self._missing_since_us = None
        day = Day(stats.open_ticks, stats.high_ticks, stats.low_ticks, stats.volume_lots, stats.turnover)
        if self._is_finer:
            day = day.scaled(UnitChange(self.units.per_tick, self.units.per_lot))
        self._show_day(self._with_last(day), stats.ts_us)

    def _with_last(self, day: Day) -> Day:
        """Return the venue's figures with a high and a low that include the last trade of that day."""
        if self.last is None or self._last_us <= self._stats_us - DAY_US:
            return day
        price = self.last.price_ticks
        if day.low_ticks <= price <= day.high_ticks:
            return day
        return day._replace(high_ticks=max(day.high_ticks, price), low_ticks=min(day.low_ticks, price))

    def _show_day(self, day: Day | None, ts_us: int) -> None:
        if day != self.day:
            self.day = day
            self.ts_us = ts_us

    def stream(self, _option: Option) -> TickerStream:
        """Return a new stream."""
        return TickerStream(self)


class TickerStream:
    """The ticker as text. Only the parts that changed are formatted again."""

    __slots__ = ("_day", "_day_text", "_last", "_last_text", "_price", "_top", "_top_text", "_tracker")

    def __init__(self, tracker: TickerTracker) -> None:
        self._tracker = tracker
        self._price = lru_cache(PRICES_KEPT)(tracker.instrument.price.format)
        self._top: Top | None = None
        self._last: Last | None = None
        self._day: Day | None = None
        self._top_text: tuple[Text, ...] = ()
        self._last_text: tuple[Text, ...] = (None, None)
        self._day_text: tuple[Text, ...] = (None,) * 6
        self._update_texts()

    def apply(self, event: MarketEvent | Notice, at: EventStamp) -> Sequence[channel_events.Ticker]:
        """Return the ticker if a visible part changed."""
        if type(event) is SymbolFeedChanged:
            return (self._message(at, 0),) if self._tracker.ts_us >= 0 else ()
        return (self._message(at, 0),) if self._update_texts() else ()

    def state(self, at: EventStamp, conflated: int = 0) -> channel_events.Ticker | None:
        """Return the ticker; None if nothing is known yet."""
        return self._message(at, conflated) if self._tracker.ts_us >= 0 else None

    def _update_texts(self) -> bool:
        """Format the parts that the tracker replaced; return whether there were any."""
        tracker = self._tracker
        top, last, day = tracker.top, tracker.last, tracker.day
        if top is self._top and last is self._last and day is self._day:
            return False
        if top is not self._top:
            self._top_text = self._format_top(top)
        if last is not self._last:
            self._last_text = (None, None) if last is None else self._format_last(last)
        if day is not self._day or last is not self._last:
            self._day_text = (None,) * 6 if day is None else self._format_day(day, last)
        self._top, self._last, self._day = top, last, day
        return True

    def _format_top(self, top: Top) -> tuple[Text, ...]:
        price, size = self._price, self._tracker.instrument.size.format
        bid = (price(top.bid_ticks), size(top.bid_lots)) if top.bid_lots else (None, None)
        ask = (price(top.ask_ticks), size(top.ask_lots)) if top.ask_lots else (None, None)
        return bid + ask

    def _format_last(self, last: Last) -> tuple[Text, ...]:
        instrument, units = self._tracker.instrument, self._tracker.units
        price, size = units.ticks(last.price_ticks), units.lots(last.size_lots)
        return self._price(price), instrument.size.format(size)

    def _format_day(self, day: Day, last: Last | None) -> tuple[Text, ...]:
        instrument, units = self._tracker.instrument, self._tracker.units
        price, ticks = self._price, units.ticks
        turnover = None if day.turnover is None else units.ticks_times_lots(day.turnover)
        return (
            price(ticks(day.open_ticks)),
            price(ticks(day.high_ticks)),
            price(ticks(day.low_ticks)),
            instrument.size.format(units.lots(day.volume_lots)),
            None if turnover is None else instrument.format_notional(turnover),
            None if last is None else price(ticks(last.price_ticks) - ticks(day.open_ticks)),
        )

    def _message(self, at: EventStamp, conflated: int) -> channel_events.Ticker:
        bid, bid_size, ask, ask_size = self._top_text
        last, last_size = self._last_text
        opened, high, low, volume, quote_volume, change = self._day_text
        return channel_events.Ticker(
            epoch=at.epoch,
            seq=at.seq,
            conflated=conflated or UNSET,
            ts=self._tracker.ts_us,
            recv=at.recv_us,
            sent=at.sent_us,
            symbol=self._tracker.instrument.symbol,
            bid=bid,
            bid_size=bid_size,
            ask=ask,
            ask_size=ask_size,
            last=last,
            last_size=last_size,
            open=opened,
            high=high,
            low=low,
            volume=volume,
            quote_volume=quote_volume,
            change=change,
            feed=UNSET if self._tracker.feed == "live" else self._tracker.feed,
        )


class TickerChannel:
    """One message for each change of the best bid or ask, the last trade or the last 24 hours."""

    name = "ticker"
    on_slow: OnSlow = "conflate"
    contracts: frozenset[OnSlow] = frozenset(("conflate", "skip", "disconnect"))
    per_symbol = True
    event_types: tuple[type[MarketEvent | Notice], ...] = (
        Quote,
        Trade,
        BookSnapshot,
        BookChange,
        DayStats,
        VenueTime,
        SymbolFeedChanged,
        StreamsEnded,
    )
    needs: frozenset[StreamKind] = frozenset(("quote", "trades", "day"))

    def option(self, depth: int | None, interval: str | None, closed_only: bool = False) -> Option:
        """Return None: there is none. Raises BadOptionError."""
        refuse_options(self.name, depth, interval, closed_only)
        return None

    def tracker(self, instrument: Instrument | None) -> TickerTracker:
        """Return a new tracker of the instrument."""
        assert instrument is not None
        return TickerTracker(instrument)


CHANNEL: Channel = TickerChannel()
