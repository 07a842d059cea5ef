"""The name of one stream of events."""

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
    """What a request names: a topic, as the client wrote its symbol, and the contracts it may choose."""

    topic: TopicName
    asked: str | None
    on_slow: OnSlow
    contracts: frozenset[OnSlow]


class TopicCatalogue(Protocol):
    """What there is to subscribe to."""

    def choose(
        self, channel: str, symbol: str | None, depth: int | None, interval: str | None
    ) -> TopicChoice:
        """Return what the names name. Raises Refusal (unknown_channel, unknown_symbol, bad_request)."""
        ...


class EventStamp(msgspec.Struct, frozen=True):
    """The position and the times that a stream writes into its next message.

    ``seq`` is that of the first message made with the stamp; a second made at once takes ``seq + 1``.
    """

    epoch: str
    seq: int
    recv_us: int
    sent_us: int


class PrivateEventStamp(msgspec.Struct, frozen=True):
    """The same of an account's private channel; ``hidden``: events before this one that are not shown."""

    epoch: str
    seq: int
    sent_us: int
    hidden: int | UnsetType = UNSET
