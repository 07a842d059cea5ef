"""A snapshot: what is in memory of one symbol's history at the moment of a read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from floorwire.core.market_history import Extent, Hole, HoleKind, InstrumentSince, StoredTrade, StoredUnits
from floorwire.history.candle_block import Bar
from floorwire.history.candle_levels import LEVELS
from floorwire.history.filled_ranges import Range
from floorwire.history.history_state import HistoryState
from floorwire.history.symbol_history import HOLE_KINDS


class ReadRequest(msgspec.Struct, frozen=True):
    """What a read needs of the memory. ``level``: of candles; None: it reads none."""

    symbol: str
    trades: bool = False
    level: int | None = None


class Snapshot(msgspec.Struct, frozen=True):
    """Copies of what is in memory. The rest is read from the file later, which may by then have more."""

    number: int
    """The symbol's, in the file."""
    clock_us: int
    """The venue's time."""
    extent: Extent
    late_us: int
    trades: Sequence[StoredTrade]
    """Those that are in no full block. All blocks before the first of them are in the file."""
    bars: Mapping[int, tuple[StoredUnits, list[Bar]]]
    """By the start of their block, which is then not read from the file."""
    holes: Mapping[HoleKind, Mapping[int, Hole]]
    """By their start. They replace those of the file."""
    instruments: Sequence[InstrumentSince]
    """Those that are not in the file."""
    filled: Mapping[int, Sequence[Range]]
    """What candles of the venue fill of the holes, by level: all of it."""


def take(state: HistoryState, request: ReadRequest) -> Snapshot | None:
    """Return what is in memory of a symbol; None if it is unknown."""
    known = state.symbols.get(request.symbol)
    if known is None:
        return _stored_only(state, request.symbol)
    venue_us = state.clock_us(known.instrument.venue)
    latest = known.holes["trades"].latest
    complete_us = latest.from_us if latest is not None and latest.to_us is None else venue_us
    return Snapshot(
        known.number,
        venue_us,
        Extent(complete_us, known.last_row),
        known.late_us,
        [trade for run in known.runs for trade in run.stored()] if request.trades else (),
        {} if request.level is None else known.bars(LEVELS[request.level]),
        {kind: known.holes[kind].unsaved.copy() for kind in HOLE_KINDS},
        [*known.unsaved_instruments],
        known.filled.by_level(),
    )


def _stored_only(state: HistoryState, symbol: str) -> Snapshot | None:
    """Return the snapshot of a symbol that was not listed since the start; the rest of its time is a hole."""
    row = state.stored_symbol(symbol)
    if row is None:
        return None
    clock_us = state.clock_us(row.venue)
    gone = {clock_us: Hole(clock_us, None, "restart")}
    holes = dict.fromkeys(HOLE_KINDS, gone)
    extent = Extent(clock_us, row.last_row)
    filled = state.stored_filled(row).by_level()
    return Snapshot(row.number, clock_us, extent, row.late_us, (), {}, holes, (), filled)
