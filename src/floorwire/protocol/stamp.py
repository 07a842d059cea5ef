"""Stamp: where in its stream and when a message was made."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType


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
