"""Stamps of events: the epoch and the seq of an event in its stream, and its times."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType


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
