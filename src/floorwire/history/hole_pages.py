"""Holes of the file and of memory together."""

from __future__ import annotations

from floorwire.core.market_history import Hole, HoleKind
from floorwire.history import history_file
from floorwire.history.history_file import Connection
from floorwire.history.snapshot import Snapshot


def read(connection: Connection, snapshot: Snapshot, kind: HoleKind, from_us: int, to_us: int) -> list[Hole]:
    """Return the holes that reach into this time, the oldest first."""
    unsaved = snapshot.holes[kind]
    stored = [
        hole
        for hole in history_file.holes(connection, snapshot.number, kind, from_us, to_us)
        if hole.from_us not in unsaved
    ]
    fresh = [
        hole
        for hole in unsaved.values()
        if hole.from_us < to_us and (hole.to_us is None or hole.to_us > from_us)
    ]
    holes = [hole for hole in stored + fresh if hole.to_us is None or hole.to_us > hole.from_us]
    return sorted(holes, key=lambda hole: hole.from_us)
