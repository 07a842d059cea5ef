"""Holes of the file and of memory together."""

from __future__ import annotations

from floorwire.core.market_history import Hole, HoleKind
from floorwire.history import hole_list
from floorwire.history.candle_levels import BASES
from floorwire.history.filled_ranges import unfilled
from floorwire.history.history_file import Connection
from floorwire.history.snapshot import Snapshot


def read(
    connection: Connection, snapshot: Snapshot, interval: str | None, from_us: int, to_us: int
) -> list[Hole]:
    """Return the holes that reach into this time, the oldest first: of candles, or of trades (None)."""
    level = 0 if interval is None else BASES[interval]
    kind: HoleKind = "candles" if level else "trades"
    holes = hole_list.read(connection, snapshot.number, kind, snapshot.holes[kind], from_us, to_us)
    if not level:
        return holes
    left = unfilled(holes, snapshot.filled.get(level, ()))
    return [hole for hole in left if hole.from_us < to_us and (hole.to_us is None or hole.to_us > from_us)]
