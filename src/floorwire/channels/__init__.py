"""Channels, pure, one file each: a module here with a ``CHANNEL`` is offered to clients. The private ones
(orders, fills, balances, positions) only put account events into words; ``floorwire.trading`` delivers them.

A channel has two halves. A *tracker* (one a symbol) follows the market from the first event on, whether
anyone listens or not. A *stream* (one a symbol and option, only while someone listens or may resume)
turns what changed into messages. For each event the tracker is told first, then its streams.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from pkgutil import iter_modules
from typing import Protocol, TypeAlias

from floorwire.core.instrument import Instrument
from floorwire.core.market_events import MarketEvent
from floorwire.core.notices import Notice
from floorwire.protocol.channel_events import AnyEvent
from floorwire.protocol.requests import OnSlow
from floorwire.protocol.stamp import EventStamp

Option: TypeAlias = int | str | None
"""What tells a channel's streams of one symbol apart: the book's depth, the candles' interval."""


class BadOptionError(ValueError):
    """An option that the channel does not have, or a value that it does not take."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field


class Stream(Protocol):
    """One stream of messages: a symbol's channel with its option."""

    def apply(self, event: MarketEvent | Notice, at: EventStamp) -> Sequence[AnyEvent]:
        """Return the messages that follow from the event that the tracker has just applied."""
        ...

    def state(self, at: EventStamp, conflated: int = 0) -> AnyEvent | None:
        """Return the current state as one message; None where there is none (yet)."""
        ...


class Tracker(Protocol):
    """What a channel knows of one symbol."""

    def apply(self, event: MarketEvent | Notice) -> None:
        """Follow one event of the symbol."""
        ...

    def change_steps(self, instrument: Instrument) -> None:
        """Go on in other ticks or lots. Streams made before are not used any more."""
        ...

    def stream(self, option: Option) -> Stream:
        """Return a new stream of this symbol."""
        ...


class Channel(Protocol):
    """A channel: its name, what it listens to, and its options."""

    name: str
    on_slow: OnSlow
    """What a full outbox does to its subscriptions where the client did not say."""
    contracts: frozenset[OnSlow]
    """The contracts that a client may ask for."""
    per_symbol: bool
    """False: one stream for the whole gateway, whose tracker is given no instrument."""
    event_types: tuple[type[MarketEvent | Notice], ...]

    def option(self, depth: int | None, interval: str | None) -> Option:
        """Return the option that the request names, or the default. Raises BadOptionError."""
        ...

    def tracker(self, instrument: Instrument | None) -> Tracker:
        """Return a new tracker."""
        ...


def refuse_depth(channel: str, depth: int | None) -> None:
    """Refuse a depth on a channel that has none. Raises BadOptionError."""
    if depth is not None:
        raise BadOptionError("depth", f"{channel} has none")


def refuse_interval(channel: str, interval: str | None) -> None:
    """Refuse an interval on a channel that has none. Raises BadOptionError."""
    if interval is not None:
        raise BadOptionError("interval", f"{channel} has none")


def discover() -> Mapping[str, Channel]:
    """Return every market channel of this package by its name."""
    channels: dict[str, Channel] = {}
    for module in iter_modules(__path__):
        channel: Channel | None = getattr(import_module(f"{__name__}.{module.name}"), "CHANNEL", None)
        if channel is not None:
            channels[channel.name] = channel
    return channels
