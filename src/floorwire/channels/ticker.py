"""The ticker channel: best bid and ask, the last trade, and the last 24 hours.

The best bid and ask are the venue's quotes from the first one on; until then, and for venues that send
none, they are the best of the book. The 24 hours are the venue's own from its first on; until then, and
for venues that tell none, they are counted from the trades. Neither turns back while the feed is current and
the venue goes on telling them, so that two sources that disagree do not make the ticker jump to and fro.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from msgspec import UNSET

from floorwire.channels import Channel, Option, refuse_depth, refuse_interval
from floorwire.core.common_units import CommonUnits, UnitChange, convert_steps
from floorwire.core.instrument import Instrument
from floorwire.core.market_events import (
    BookChange,
    BookSnapshot,
    Clock,
    DayStats,
    Feed,
    MarketEvent,
    Quote,
    Trade,
)
from floorwire.core.notices import Notice, SymbolFeedChanged
from floorwire.core.order_book import Book
from floorwire.core.rolling_day import Day, DayWindow
from floorwire.protocol import channel_events
from floorwire.protocol.requests import OnSlow
from floorwire.protocol.stamp import EventStamp

Text: TypeAlias = str | None
STATS_LATE_US = 10_000_000
"""How long after a trade the venue's own 24 hours may leave it out until they are taken to have ended."""
DAY_US = 86_400_000_000
SECOND_US = 1_000_000


class Top(NamedTuple):
    """Best bid and ask in ticks and lots; a side of 0 lots is empty."""

    bid_ticks: int = 0
    bid_lots: int = 0
    ask_ticks: int = 0
    ask_lots: int = 0

    def converted(self, before: Instrument, now: Instrument) -> Top:
        """Return it in the steps of now. A price between two ticks is left out, a size is floored."""
        bid, bid_is_exact = convert_steps(self.bid_ticks, before.price, now.price)
        ask, ask_is_exact = convert_steps(self.ask_ticks, before.price, now.price)
        bid_lots, _ = convert_steps(self.bid_lots, before.size, now.size)
        ask_lots, _ = convert_steps(self.ask_lots, before.size, now.size)
        bids = (bid, bid_lots) if bid_is_exact and bid_lots else (0, 0)
        asks = (ask, ask_lots) if ask_is_exact and ask_lots else (0, 0)
        return Top(*bids, *asks)


class Last(NamedTuple):
    """The trade with the latest venue time, in the units of the day."""

    price_ticks: int
    size_lots: int

    def scaled(self, change: UnitChange) -> Last:
        """Return it in other units."""
        return Last(self.price_ticks * change.prices, self.size_lots * change.sizes)


class TickerTracker:
    """What the ticker shows, in integers: three parts, each replaced only by one that differs."""

    __slots__ = (
        "_book",
        "_has_stats",
        "_heard_since_us",
        "_is_finer",
        "_last_us",
        "_may_count",
        "_owed_since_us",
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
        self._heard_since_us: int | None = 0
        """Since when no trade can have been missed, by the venue's time; None while that is not known."""
        self._has_stats = False
        """Whether the 24 hours are the venue's own."""
        self._stats_us = 0
        self._owed_since_us: int | None = None
        """When the first trade was that the venue's own 24 hours do not have yet."""
        self._may_count = True
        """False: the venue's own were shown and have ended. Ours replace them once they are of 24 hours."""

    def apply(self, event: MarketEvent | Notice) -> None:
        """Follow whatever shapes the ticker."""
        match event:
            case BookChange():
                self._change(event)
            case Quote():
                self._quote(event)
            case Trade():
                self._trade(event)
            case Clock():
                self._age(event.ts_us)
            case BookSnapshot():
                self._replace(event)
            case DayStats():
                self._stats(event)
            case SymbolFeedChanged():
                self._turn(event)
            case _:
                pass

    def change_steps(self, instrument: Instrument) -> None:
        """Go on in other steps: the last trade and the day stay exact, and are floored where shown."""
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
        self._quoted, self._book = True, None  # quotes outrank the book from now on
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
        elif trade.ts_us > self._stats_us and self._owed_since_us is None:
            self._owed_since_us = trade.ts_us
        self._watch_stats(trade.ts_us)

    def _age(self, now_us: int) -> None:
        if self.feed == "live" and self._heard_since_us is None:
            self._heard_since_us = now_us + SECOND_US  # the venue's time is told late rather than early
        if self._window.advance(now_us) and not self._has_stats and self.last is not None:
            self._show_counted(now_us)
        self._watch_stats(now_us)

    def _watch_stats(self, now_us: int) -> None:
        """Let go of the venue's own 24 hours where they leave out what was traded since."""
        if self._owed_since_us is not None and now_us - self._owed_since_us >= STATS_LATE_US:
            self._has_stats, self._owed_since_us, self._may_count = False, None, False
            self._show_counted(now_us)

    def _show_counted(self, now_us: int) -> None:
        if not self._may_count:
            heard_us = self._heard_since_us
            self._may_count = heard_us is not None and now_us - heard_us >= DAY_US
        self._show_day(self._counted(self._window) if self._may_count else None, now_us)

    def _turn(self, turned: SymbolFeedChanged) -> None:
        """What was told before a loss outranks nothing that is told after it."""
        self.feed = turned.feed
        if turned.feed != "live":
            self._quoted, self._heard_since_us = False, None

    def _counted(self, window: DayWindow) -> Day:
        """Return the window's figures; where none of the trades is that young, flat at the last price."""
        assert self.last is not None, "there were trades"
        price = self.last.price_ticks
        return window.day() or Day(price, price, price, volume_lots=0, turnover=0)

    def _stats(self, stats: DayStats) -> None:
        self._has_stats, self._stats_us = True, max(stats.ts_us, self._stats_us)
        if self._owed_since_us is not None and stats.ts_us >= self._owed_since_us:
            self._owed_since_us = None
        day = Day(stats.open_ticks, stats.high_ticks, stats.low_ticks, stats.volume_lots, stats.turnover)
        if self._is_finer:
            day = day.scaled(UnitChange(self.units.per_tick, self.units.per_lot))
        self._show_day(day, stats.ts_us)

    def _show_day(self, day: Day | None, ts_us: int) -> None:
        if day != self.day:
            self.day = day
            self.ts_us = ts_us

    def stream(self, _option: Option) -> TickerStream:
        """Return a new stream."""
        return TickerStream(self)


class TickerStream:
    """The ticker as text; only the parts that changed are written anew."""

    __slots__ = ("_day", "_day_text", "_last", "_last_text", "_top", "_top_text", "_tracker")

    def __init__(self, tracker: TickerTracker) -> None:
        self._tracker = tracker
        self._top: Top | None = None
        self._last: Last | None = None
        self._day: Day | None = None
        self._top_text: tuple[Text, ...] = ()
        self._last_text: tuple[Text, ...] = (None, None)
        self._day_text: tuple[Text, ...] = (None,) * 6
        self._write()

    def apply(self, event: MarketEvent | Notice, at: EventStamp) -> Sequence[channel_events.Ticker]:
        """Return the ticker where something visible changed."""
        if type(event) is SymbolFeedChanged:
            return (self._message(at, 0),) if self._tracker.ts_us >= 0 else ()
        return (self._message(at, 0),) if self._write() else ()

    def state(self, at: EventStamp, conflated: int = 0) -> channel_events.Ticker | None:
        """Return the ticker, None where nothing is known yet."""
        return self._message(at, conflated) if self._tracker.ts_us >= 0 else None

    def _write(self) -> bool:
        """Write the parts that the tracker replaced; return whether there were any."""
        tracker = self._tracker
        top, last, day = tracker.top, tracker.last, tracker.day
        if top is self._top and last is self._last and day is self._day:
            return False
        if top is not self._top:
            self._top_text = self._written_top(top)
        if last is not None and last is not self._last:
            self._last_text = self._written_last(last)
        if day is not None:
            self._day_text = self._written_day(day, last)
        elif self._day is not None:
            self._day_text = (None,) * 6
        self._top, self._last, self._day = top, last, day
        return True

    def _written_top(self, top: Top) -> tuple[Text, ...]:
        price, size = self._tracker.instrument.price.format, self._tracker.instrument.size.format
        bid = (price(top.bid_ticks), size(top.bid_lots)) if top.bid_lots else (None, None)
        ask = (price(top.ask_ticks), size(top.ask_lots)) if top.ask_lots else (None, None)
        return bid + ask

    def _written_last(self, last: Last) -> tuple[Text, ...]:
        instrument, units = self._tracker.instrument, self._tracker.units
        price, size = units.ticks(last.price_ticks), units.lots(last.size_lots)
        return instrument.price.format(price), instrument.size.format(size)

    def _written_day(self, day: Day, last: Last | None) -> tuple[Text, ...]:
        instrument, units = self._tracker.instrument, self._tracker.units
        price, ticks = instrument.price.format, units.ticks
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
    """One message a change of the best bid or ask, of the last trade or of the last 24 hours."""

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
        Clock,
        SymbolFeedChanged,
    )

    def option(self, depth: int | None, interval: str | None) -> Option:
        """Return None: there is none. Raises BadOptionError."""
        refuse_depth(self.name, depth)
        refuse_interval(self.name, interval)
        return None

    def tracker(self, instrument: Instrument | None) -> TickerTracker:
        """Return a new tracker of the instrument."""
        assert instrument is not None
        return TickerTracker(instrument)


CHANNEL: Channel = TickerChannel()
