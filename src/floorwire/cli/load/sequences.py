"""Sequences: whether each event came once, or its absence was announced."""

from __future__ import annotations

import msgspec


class Gap(msgspec.Struct, frozen=True, rename={"first": "from", "last": "to"}):
    """The events that a gap event stands for."""

    first: int
    last: int


class Event(msgspec.Struct, frozen=True):
    """What the load generator reads of an event: its place in its stream and when it was published."""

    channel: str = ""
    symbol: str = ""
    epoch: str = ""
    seq: int | None = None
    sent: int | None = None
    conflated: int = 0
    gap: Gap | None = None


class Tally(msgspec.Struct):
    """What the checked streams had; a healthy stream has nothing ``missing`` and nothing ``repeated``."""

    checked: int = 0
    conflated: int = 0
    """Events that a later one stood for, as it said."""
    skipped: int = 0
    """Events that gap events stood for."""
    missing: int = 0
    repeated: int = 0


class Sequences:
    """The streams of one connection, one a symbol and epoch, each followed by its seq."""

    __slots__ = ("_last",)

    def __init__(self) -> None:
        self._last: dict[tuple[str, str, str], int] = {}

    def follow(self, event: Event, tally: Tally) -> None:
        """Count one event in the tally: in its place, announced, missing before it, or repeated."""
        if event.seq is None:
            return
        tally.checked += 1
        tally.conflated += event.conflated
        skipped = event.gap.last - event.gap.first if event.gap else 0
        tally.skipped += skipped + 1 if event.gap else 0
        stream = (event.channel, event.symbol, event.epoch)
        last = self._last.get(stream)
        if last is not None and event.seq <= last:
            tally.repeated += 1
            return
        self._last[stream] = event.seq
        if last is not None:
            tally.missing += max(0, event.seq - last - 1 - event.conflated - skipped)
