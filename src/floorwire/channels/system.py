"""The system channel: changes of the gateway, of the venues' feeds, and of the trading of instruments.

A feed that was current and is not any more gives one event: ``gap`` if the venue's messages have a gap (the
resync is under way), otherwise ``stale``. It gives ``fresh`` when it is current again. With a ``symbol`` the
event is about that symbol. Without, it is about the whole ``venue``, and ``fresh`` then ends the events of
its symbols too. The first connection of a feed is no event. ``slow`` is about one connection and is made
elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import UNSET, UnsetType

from floorwire.channels import Channel, Option, refuse_options
from floorwire.core.capabilities import StreamKind
from floorwire.core.instrument import Instrument, InstrumentState
from floorwire.core.market_events import FeedStatus, Listing, MarketEvent
from floorwire.core.notices import DrainBegun, Notice, TradingChanged, VenueFeedChanged
from floorwire.protocol import channel_events
from floorwire.protocol.channel_events import SystemEvent
from floorwire.protocol.event_stamps import EventStamp
from floorwire.protocol.requests import OnSlow

FeedKey = tuple[str, str | None]
"""A venue and a symbol of it; None: the whole venue."""


class SystemNotice(msgspec.Struct, frozen=True):
    """One message to send."""

    event: SystemEvent
    ts_us: int
    symbol: str | UnsetType = UNSET
    venue: str | UnsetType = UNSET
    reason: str | UnsetType = UNSET
    reconnect_within_s: int | UnsetType = UNSET


class SystemTracker:
    """The state of each feed and instrument, and the messages that the last event gives."""

    __slots__ = ("_current", "_states", "notices")

    def __init__(self) -> None:
        self.notices: list[SystemNotice] = []
        self._current: dict[FeedKey, bool] = {}
        self._states: dict[str, InstrumentState] = {}

    def apply(self, event: MarketEvent | Notice) -> None:
        """Compare the event with the state; set ``notices``."""
        match event:
            case VenueFeedChanged():
                self.notices = self._feed(event.venue, event.status)
            case Listing():
                self.notices = self._listing(event)
            case DrainBegun():
                self.notices = [
                    SystemNotice("draining", event.ts_us, reconnect_within_s=event.reconnect_within_s)
                ]
            case TradingChanged():
                event_name: SystemEvent = "halted" if event.is_halted else "resumed"
                self.notices = [
                    SystemNotice(event_name, event.ts_us, event.symbol or UNSET, reason="operator")
                ]
            case _:
                self.notices = []

    def _feed(self, venue: str, status: FeedStatus) -> list[SystemNotice]:
        key = (venue, status.symbol)
        symbol = UNSET if status.symbol is None else status.symbol
        if status.feed == "live":
            was_current = self._current.get(key, True)
            self._current[key] = True
            return [] if was_current else [SystemNotice("fresh", status.ts_us, symbol, venue, status.reason)]
        if status.symbol is None:
            self._forget_symbols(venue)
        # A feed that connects for the first time is only starting: that is no event.
        was_current = self._current.get(key, status.feed == "stale")
        if not was_current:
            return []
        self._current[key] = False
        event: SystemEvent = "gap" if status.reason == "sequence_gap" else "stale"
        return [SystemNotice(event, status.ts_us, symbol, venue, status.reason)]

    def _forget_symbols(self, venue: str) -> None:
        for key in [(of, symbol) for of, symbol in self._current if of == venue and symbol is not None]:
            del self._current[key]

    def _listing(self, listing: Listing) -> list[SystemNotice]:
        notices = []
        for instrument in listing.instruments:
            before = self._states.get(instrument.symbol, instrument.state)
            self._states[instrument.symbol] = instrument.state
            if (before == "open") != (instrument.state == "open"):
                notices.append(_trading_notice(instrument, listing.ts_us))
        return notices

    def change_steps(self, _instrument: Instrument) -> None:
        """Do nothing: no state here is in ticks or lots."""

    def stream(self, _option: Option) -> SystemStream:
        """Return a new stream."""
        return SystemStream(self)


def _trading_notice(instrument: Instrument, ts_us: int) -> SystemNotice:
    event: SystemEvent = "resumed" if instrument.state == "open" else "halted"
    return SystemNotice(event, ts_us, instrument.symbol, instrument.venue, instrument.state)


class SystemStream:
    """The notices of the gateway."""

    __slots__ = ("_tracker",)

    def __init__(self, tracker: SystemTracker) -> None:
        self._tracker = tracker

    def apply(self, _event: MarketEvent | Notice, at: EventStamp) -> Sequence[channel_events.System]:
        """Return the tracker's notices as messages."""
        return [_message(notice, at, at.seq + index) for index, notice in enumerate(self._tracker.notices)]

    def state(self, _at: EventStamp, _conflated: int = 0) -> None:
        """Return None: the replies to subscribe and symbols have the present state."""


def _message(notice: SystemNotice, at: EventStamp, seq: int) -> channel_events.System:
    return channel_events.System(
        epoch=at.epoch,
        seq=seq,
        ts=notice.ts_us,
        recv=at.recv_us,
        sent=at.sent_us,
        event=notice.event,
        symbol=notice.symbol,
        venue=notice.venue,
        reason=notice.reason,
        reconnect_within_s=notice.reconnect_within_s,
    )


class SystemChannel:
    """System events are rare and differ from each other, so they are never conflated."""

    name = "system"
    on_slow: OnSlow = "skip"
    contracts: frozenset[OnSlow] = frozenset(("skip", "disconnect"))
    per_symbol = False
    event_types: tuple[type[MarketEvent | Notice], ...] = (
        VenueFeedChanged,
        Listing,
        DrainBegun,
        TradingChanged,
    )
    needs: frozenset[StreamKind] = frozenset()

    def option(self, depth: int | None, interval: str | None, closed_only: bool = False) -> Option:
        """Return None: there is none. Raises BadOptionError."""
        refuse_options(self.name, depth, interval, closed_only)
        return None

    def tracker(self, _instrument: Instrument | None) -> SystemTracker:
        """Return a new tracker."""
        return SystemTracker()


CHANNEL: Channel = SystemChannel()
