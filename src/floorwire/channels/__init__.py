"""Channels, one file each. They are pure. A module with a ``CHANNEL`` is a market channel for clients.

The private channels (orders, fills, balances, positions) only turn account events into messages;
``floorwire.trading`` sends them.

A market channel has two parts. A *tracker* (one for each symbol) follows the market from the first event on,
with or without subscribers. A *stream* (one for each symbol and option, only while it has subscribers or may
be resumed) makes messages of what changed. For each event the tracker comes first, then its streams.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from pkgutil import iter_modules
from typing import Protocol, TypeAlias

from floorwire.core.capabilities import StreamKind
from floorwire.core.instrument import Instrument
from floorwire.core.market_events import MarketEvent
from floorwire.core.notices import Notice
from floorwire.protocol.channel_events import AnyEvent
from floorwire.protocol.event_stamps import EventStamp
from floorwire.protocol.requests import OnSlow
from floorwire.protocol.topic_names import TopicOption

Option: TypeAlias = TopicOption


class BadOptionError(ValueError):
    """An option that the channel does not have, or a value that it does not allow."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field


class Stream(Protocol):
    """One stream of messages: a symbol's channel with its option."""

    def apply(self, event: MarketEvent | Notice, at: EventStamp) -> Sequence[AnyEvent]:
        """Return the messages that follow from the event that the tracker has just applied."""
        ...

    def state(self, at: EventStamp, conflated: int = 0) -> AnyEvent | None:
        """Return the current state as one message; None if there is none yet."""
        ...


class Tracker(Protocol):
    """The state of a channel for one symbol."""

    def apply(self, event: MarketEvent | Notice) -> None:
        """Apply one event of the symbol."""
        ...

    def change_steps(self, instrument: Instrument) -> None:
        """Convert to other ticks and lots. Streams made before are not used any more."""
        ...

    def stream(self, option: Option) -> Stream:
        """Return a new stream of this symbol."""
        ...


class Channel(Protocol):
    """A channel: its name, the events that it needs, and its options."""

    name: str
    on_slow: OnSlow
    """The contract for slow clients (backpressure) if the client chose none."""
    contracts: frozenset[OnSlow]
    """The contracts that a client may choose."""
    per_symbol: bool
    """False: one stream for the whole gateway. Its tracker gets no instrument."""
    event_types: tuple[type[MarketEvent | Notice], ...]
    needs: frozenset[StreamKind]
    """The streams of a venue that it is made of."""

    def option(self, depth: int | None, interval: str | None, closed_only: bool = False) -> Option:
        """Return the option in the request, or the default. Raises BadOptionError."""
        ...

    def tracker(self, instrument: Instrument | None) -> Tracker:
        """Return a new tracker."""
        ...


def refuse_options(channel: str, depth: int | None, interval: str | None, closed_only: bool) -> None:
    """Refuse all options on a channel that has none. Raises BadOptionError."""
    refuse_depth(channel, depth)
    refuse_interval(channel, interval)
    refuse_closed_only(channel, closed_only)


def refuse_depth(channel: str, depth: int | None) -> None:
    """Refuse a depth on a channel that has none. Raises BadOptionError."""
    if depth is not None:
        raise BadOptionError("depth", f"{channel} has none")


def refuse_interval(channel: str, interval: str | None) -> None:
    """Refuse an interval on a channel that has none. Raises BadOptionError."""
    if interval is not None:
        raise BadOptionError("interval", f"{channel} has none")


def refuse_closed_only(channel: str, closed_only: bool) -> None:
    """Refuse ``closed_only`` on a channel that has no candles. Raises BadOptionError."""
    if closed_only:
        raise BadOptionError("closed_only", f"{channel} has no candles")


def discover() -> Mapping[str, Channel]:
    """Return every market channel of this package by its name."""
    channels: dict[str, Channel] = {}
    for module in iter_modules(__path__):
        channel: Channel | None = getattr(import_module(f"{__name__}.{module.name}"), "CHANNEL", None)
        if channel is not None:
            channels[channel.name] = channel
    return channels
