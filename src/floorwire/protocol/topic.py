"""Topics: the name of one stream of events, what there is to subscribe to, and the stamp of an event."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import msgspec
from msgspec import UNSET, UnsetType

from floorwire.protocol.requests import OnSlow


class TopicName(NamedTuple):
    """Channel, canonical symbol (None where the channel has none) and option (depth, interval)."""

    channel: str
    symbol: str | None
    option: int | str | None


class TopicChoice(NamedTuple):
    """The topic that a request names. ``asked``: the symbol as the client wrote it.

    ``on_slow``: the default contract for slow clients. ``contracts``: those that the client may choose.
    """

    topic: TopicName
    asked: str | None
    on_slow: OnSlow
    contracts: frozenset[OnSlow]


class TopicCatalogue(Protocol):
    """All topics that clients may subscribe to."""

    def choose(
        self, channel: str, symbol: str | None, depth: int | None, interval: str | None
    ) -> TopicChoice:
        """Return the topic. Raises Refusal (unknown_channel, unknown_symbol, bad_request)."""
        ...


class EventStamp(msgspec.Struct, frozen=True):
    """The epoch, the seq and the times of a topic's next event. Times in microseconds since the epoch, UTC.

    ``seq`` is that of the first event made with the stamp. A second one, made at once, has ``seq + 1``.
    """

    epoch: str
    seq: int
    recv_us: int
    sent_us: int


class PrivateEventStamp(msgspec.Struct, frozen=True):
    """The same for a private channel. ``hidden``: how many events before this one the key may not see."""

    epoch: str
    seq: int
    sent_us: int
    hidden: int | UnsetType = UNSET
