"""The notice, in a stream's own place, of events that were skipped for one slow client."""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from floorwire.protocol.replies import Gap


class SkippedNotice(msgspec.Struct, frozen=True, kw_only=True):
    """Stands for the events ``gap.from`` to ``gap.to``; ``seq`` is the last of them."""

    channel: str
    symbol: str | UnsetType = UNSET
    depth: int | UnsetType = UNSET
    interval: str | UnsetType = UNSET
    epoch: str
    seq: int
    event: Literal["gap"] = "gap"
    gap: Gap
    sent: int


class SlowNotice(msgspec.Struct, frozen=True, kw_only=True):
    """Tells one client, on ``system``, that it reads too slowly; of this connection alone, so without seq."""

    channel: Literal["system"] = "system"
    event: Literal["slow"] = "slow"
    streams: int
    """How many of its streams were conflated or skipped."""
    sent: int
