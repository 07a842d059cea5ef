"""Holes of the file and of memory together."""

from __future__ import annotations

from collections.abc import Iterator

from floorwire.core.market_history import Hole, HoleKind
from floorwire.history import hole_list
from floorwire.history.candle_levels import BASES
from floorwire.history.filled_ranges import unfilled
from floorwire.history.history_file import Connection
from floorwire.history.memory_snapshot import Snapshot


def read(
    connection: Connection, snapshot: Snapshot, interval: str | None, from_us: int, to_us: int
) -> Iterator[Hole]:
    """Yield the holes that reach into this time, the oldest first: of candles, or of trades (None).

    Those that the venue has filled are not among them. Only holes of this time are read.
    """
    level = 0 if interval is None else BASES[interval]
    kind: HoleKind = "candles" if level else "trades"
    holes = hole_list.read(connection, snapshot.number, kind, snapshot.holes[kind], from_us, to_us)
    for hole in unfilled(holes, snapshot.filled.get(level, ())):
        if hole.from_us >= to_us:
            return
        if hole.to_us is None or hole.to_us > from_us:
            yield hole
