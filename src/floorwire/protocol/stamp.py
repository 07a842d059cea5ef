"""Stamp: where in its stream and when a message was made."""

from __future__ import annotations

import msgspec


class Stamp(msgspec.Struct, frozen=True):
    """The position and the times that a stream writes into its next message.

    ``seq`` is that of the first message made with the stamp; a second made at once takes ``seq + 1``.
    """

    epoch: str
    seq: int
    recv_us: int
    sent_us: int
