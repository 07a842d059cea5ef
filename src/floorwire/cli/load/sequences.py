"""Checks that each event of a stream was received once, or that the server announced it as missing."""

from __future__ import annotations

import msgspec


class Gap(msgspec.Struct, frozen=True, rename={"first": "from", "last": "to"}):
    """The seqs of the events that a gap event stands for, both included."""

    first: int
    last: int


class Event(msgspec.Struct, frozen=True):
    """The fields that the load generator reads of an event.

    It measures other servers too, whose messages have no more. So it does not use the client codec.
    """

    channel: str = ""
    symbol: str = ""
    epoch: str = ""
    seq: int | None = None
    sent: int | None = None
    conflated: int = 0
    gap: Gap | None = None


class SequenceCounts(msgspec.Struct):
    """Counts of the events of checked streams. ``missing`` and ``repeated`` must be 0."""

    checked: int = 0
    conflated: int = 0
    """Events that a later event said it stands for."""
    skipped: int = 0
    """Events that gap events stand for."""
    missing: int = 0
    repeated: int = 0


class SequenceTracker:
    """The last seq of each stream of one connection. A new epoch is a new stream."""

    __slots__ = ("_last",)

    def __init__(self) -> None:
        self._last: dict[tuple[str, str, str], int] = {}

    def add(self, event: Event, counts: SequenceCounts) -> None:
        """Count one event, what it stands for, and what is missing before it."""
        if event.seq is None:
            return
        counts.checked += 1
        counts.conflated += event.conflated
        skipped = event.gap.last - event.gap.first if event.gap else 0
        counts.skipped += skipped + 1 if event.gap else 0
        stream = (event.channel, event.symbol, event.epoch)
        last = self._last.get(stream)
        if last is not None and event.seq <= last:
            counts.repeated += 1
            return
        self._last[stream] = event.seq
        if last is not None:
            counts.missing += max(0, event.seq - last - 1 - event.conflated - skipped)
