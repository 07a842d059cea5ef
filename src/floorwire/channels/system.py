"""The system channel: what happens to the gateway, to the venues' feeds and to the instruments' trading.

A feed that was current and no longer is gives one ``gap`` (the venue's messages have a hole: what is known
is being fetched anew) or one ``stale`` (any other reason), and one ``fresh`` when it is current again.
``symbol`` is there where it is about one symbol; without it, it is about everything of the ``venue``, and
``fresh`` then ends what was said of the single symbols too. That a feed connects for the first time is not
an event. ``slow`` is about one connection and not made here.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import UNSET, UnsetType

from floorwire.channels import Channel, Option, refuse_depth, refuse_interval
from floorwire.core.instrument import Instrument, InstrumentState
from floorwire.core.market_events import FeedStatus, Listing, MarketEvent
from floorwire.core.notices import Draining, Notice, TradingChanged, VenueFeedChanged
from floorwire.protocol import channel_events
from floorwire.protocol.channel_events import SystemEvent
from floorwire.protocol.requests import OnSlow
from floorwire.protocol.stamp import EventStamp

Key = tuple[str, str | None]
"""A venue's symbol, or all of the venue's."""


class News(msgspec.Struct, frozen=True):
    """One thing to tell."""

    event: SystemEvent
    ts_us: int
    symbol: str | UnsetType = UNSET
    venue: str | UnsetType = UNSET
    reason: str | UnsetType = UNSET
    reconnect_within_s: int | UnsetType = UNSET


class SystemTracker:
    """How each feed and each instrument was, and what the last event changed of it."""

    __slots__ = ("_current", "_states", "news")

    def __init__(self) -> None:
        self.news: list[News] = []
        self._current: dict[Key, bool] = {}
        self._states: dict[str, InstrumentState] = {}

    def apply(self, event: MarketEvent | Notice) -> None:
        """Find out what is new."""
        match event:
            case VenueFeedChanged():
                self.news = self._feed(event.venue, event.status)
            case Listing():
                self.news = self._listing(event)
            case Draining():
                self.news = [News("draining", event.ts_us, reconnect_within_s=event.reconnect_within_s)]
            case TradingChanged():
                event_name: SystemEvent = "halted" if event.is_halted else "resumed"
                self.news = [News(event_name, event.ts_us, event.symbol or UNSET, reason="operator")]
            case _:
                self.news = []

    def _feed(self, venue: str, status: FeedStatus) -> list[News]:
        key = (venue, status.symbol)
        symbol = UNSET if status.symbol is None else status.symbol
        if status.feed == "live":
            was_current = self._current.get(key, True)
            self._current[key] = True
            return [] if was_current else [News("fresh", status.ts_us, symbol, venue, status.reason)]
        if status.symbol is None:
            self._forget_symbols(venue)
        # A feed that is connecting and never was current is only starting.
        was_current = self._current.get(key, status.feed == "stale")
        if not was_current:
            return []
        self._current[key] = False
        event: SystemEvent = "gap" if status.reason == "sequence_gap" else "stale"
        return [News(event, status.ts_us, symbol, venue, status.reason)]

    def _forget_symbols(self, venue: str) -> None:
        for key in [(of, symbol) for of, symbol in self._current if of == venue and symbol is not None]:
            del self._current[key]

    def _listing(self, listing: Listing) -> list[News]:
        news = []
        for instrument in listing.instruments:
            before = self._states.get(instrument.symbol, instrument.state)
            self._states[instrument.symbol] = instrument.state
            if (before == "open") != (instrument.state == "open"):
                news.append(_turn(instrument, listing.ts_us))
        return news

    def change_steps(self, _instrument: Instrument) -> None:
        """Do nothing: nothing of this is in ticks or lots."""

    def stream(self, _option: Option) -> SystemStream:
        """Return a new stream."""
        return SystemStream(self)


def _turn(instrument: Instrument, ts_us: int) -> News:
    event: SystemEvent = "resumed" if instrument.state == "open" else "halted"
    return News(event, ts_us, instrument.symbol, instrument.venue, instrument.state)


class SystemStream:
    """The news of the gateway."""

    __slots__ = ("_tracker",)

    def __init__(self, tracker: SystemTracker) -> None:
        self._tracker = tracker

    def apply(self, _event: MarketEvent | Notice, at: EventStamp) -> Sequence[channel_events.System]:
        """Return what the tracker found, one message each."""
        return [_message(news, at, at.seq + place) for place, news in enumerate(self._tracker.news)]

    def state(self, _at: EventStamp, _conflated: int = 0) -> None:
        """Return None: the replies to subscribe and to symbols tell how things are."""


def _message(news: News, at: EventStamp, seq: int) -> channel_events.System:
    return channel_events.System(
        epoch=at.epoch,
        seq=seq,
        ts=news.ts_us,
        recv=at.recv_us,
        sent=at.sent_us,
        event=news.event,
        symbol=news.symbol,
        venue=news.venue,
        reason=news.reason,
        reconnect_within_s=news.reconnect_within_s,
    )


class SystemChannel:
    """Rare and each of its own kind: never conflated."""

    name = "system"
    on_slow: OnSlow = "skip"
    contracts: frozenset[OnSlow] = frozenset(("skip", "disconnect"))
    per_symbol = False
    event_types: tuple[type[MarketEvent | Notice], ...] = (
        VenueFeedChanged,
        Listing,
        Draining,
        TradingChanged,
    )

    def option(self, depth: int | None, interval: str | None) -> Option:
        """Return None: there is none. Raises BadOptionError."""
        refuse_depth(self.name, depth)
        refuse_interval(self.name, interval)
        return None

    def tracker(self, _instrument: Instrument | None) -> SystemTracker:
        """Return a new tracker."""
        return SystemTracker()


CHANNEL: Channel = SystemChannel()
