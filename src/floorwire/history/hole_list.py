"""The holes of one symbol and kind, as they come: at most one is open, and it is the latest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from heapq import merge

from msgspec.structs import replace

from floorwire.core.market_history import Hole, HoleKind
from floorwire.history import history_file
from floorwire.history.history_file import Connection


class HoleList:
    """Holds the latest hole, and those that are not stored yet.

    Holes that touch each other are one, with the reason of the first.
    """

    def __init__(self, latest: Hole | None) -> None:
        self.latest = latest
        self.unsaved: dict[int, Hole] = {}
        """By their start."""

    @property
    def is_open(self) -> bool:
        """Whether something may be missing now."""
        return self.latest is not None and self.latest.to_us is None

    def open(self, from_us: int, reason: str) -> None:
        """Begin a hole, unless one is open."""
        latest = self.latest
        if latest is None or (latest.to_us is not None and latest.to_us < from_us):
            self._set(Hole(from_us, None, reason))
        elif latest.to_us is not None:
            self._set(replace(latest, to_us=None))

    def close(self, to_us: int) -> None:
        """End the hole that is open."""
        latest = self.latest
        if latest is not None and latest.to_us is None:
            self._set(replace(latest, to_us=max(to_us, latest.from_us)))

    def add(self, from_us: int, to_us: int, reason: str) -> None:
        """Add a hole that has ended."""
        latest = self.latest
        if latest is None or (latest.to_us is not None and latest.to_us < from_us):
            self._set(Hole(from_us, to_us, reason))
        elif from_us < latest.from_us:  # it came late
            late = Hole(from_us, min(to_us, latest.from_us), reason)
            self._save(joined(self.unsaved.get(from_us), late))
        elif latest.to_us is not None and latest.to_us < to_us:
            self._set(replace(latest, to_us=to_us))

    def _set(self, hole: Hole) -> None:
        self.latest = hole
        self._save(hole)

    def _save(self, hole: Hole) -> None:
        self.unsaved[hole.from_us] = hole


def joined(before: Hole | None, later: Hole) -> Hole:
    """Return one hole for two that start at the same time. One that comes late does not shorten the other."""
    if before is None or before.to_us is None or later.to_us is None or before.to_us <= later.to_us:
        return later
    return before


def read(
    connection: Connection, number: int, kind: HoleKind, unsaved: Mapping[int, Hole], from_us: int, to_us: int
) -> Iterator[Hole]:
    """Yield the holes that reach into this time, the oldest first.

    ``unsaved``: those in memory, by their start. They go on with those of the file that start then.
    """
    stored = history_file.holes(connection, number, kind, from_us, to_us)
    fresh = sorted((hole for hole in unsaved.values() if hole.from_us < to_us), key=_start)
    last: Hole | None = None
    for hole in merge(stored, fresh, key=_start):
        if last is not None and last.from_us == hole.from_us:
            last = joined(last, hole)
            continue
        if last is not None and _reaches(last, from_us):
            yield last
        last = hole
    if last is not None and _reaches(last, from_us):
        yield last


def _reaches(hole: Hole, from_us: int) -> bool:
    return hole.to_us is None or hole.to_us > max(from_us, hole.from_us)


def _start(hole: Hole) -> int:
    return hole.from_us
