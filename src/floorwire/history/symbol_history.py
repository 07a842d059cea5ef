"""The history of one symbol that is in memory: what is not stored yet, and the blocks that still grow."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from operator import lt
from typing import Final

import msgspec

from floorwire.core.candle_intervals import MINUTE_US, SECOND_US
from floorwire.core.candle_state import CandleState
from floorwire.core.common_units import CommonUnits
from floorwire.core.instrument import Instrument
from floorwire.core.market_events import Trade
from floorwire.core.market_history import MOST_US, Hole, HoleKind, InstrumentSince, StoredUnits
from floorwire.history import candle_block, history_file, hole_list, trade_block
from floorwire.history.candle_block import Bar, CandleBlock, Origin
from floorwire.history.candle_levels import LEVELS, MINUTES, CandleLevel
from floorwire.history.filled_ranges import FilledRanges, unfilled
from floorwire.history.history_file import TRADES, Connection, StoredSymbol, UnitNumbers
from floorwire.history.hole_list import HoleList
from floorwire.history.trade_block import TradeRun

IDLE_WRITES: Final = 60
"""A symbol that had nothing to write so often keeps nothing in memory. Its last blocks are read again."""
HOLE_KINDS: Final[tuple[HoleKind, HoleKind]] = ("trades", "candles")


class SymbolHistory:
    """What is known of one symbol. ``connection``: of the file that has the rest."""

    def __init__(self, row: StoredSymbol, instrument: Instrument, connection: Connection) -> None:
        self.number = row.number
        self.symbol = row.symbol
        self.last_row = row.last_row
        self.late_us = row.late_us
        self.is_streamed = True
        """Whether trades come, as far as that is known."""
        self.runs: list[TradeRun] = []
        """Trades that are not in a full block. Nothing if the last block is not in memory."""
        self.blocks: dict[tuple[int, int], CandleBlock] = {}
        """Blocks of candles that grow or are not written, by level and start."""
        self.holes = {
            kind: HoleList(history_file.last_hole(connection, row.number, kind)) for kind in HOLE_KINDS
        }
        self.filled = FilledRanges(history_file.filled(connection, row.number))
        """What candles of the venue fill of the holes of candles."""
        self._connection = connection
        self._instrument = instrument
        self._units = StoredUnits(instrument.price, instrument.size)
        self._unsaved_instruments: list[InstrumentSince] = []
        self._has_tail = False
        """Whether the last block of trades is in memory, if it has room."""
        self._is_changed = False
        self._idle_writes = 0

    # --- what happens ---------------------------------------------------------------------------------

    def change_instrument(self, instrument: Instrument, from_us: int) -> None:
        """Take in the instrument as it is from now on."""
        self._instrument = instrument
        self._unsaved_instruments.append(InstrumentSince(from_us, instrument))
        self._is_changed = True
        units = StoredUnits(instrument.price, instrument.size)
        if units != self._units:
            self._units = units
            for block in self.blocks.values():
                block.extend_units(units)

    @property
    def instrument(self) -> Instrument:
        """The instrument as it is now."""
        return self._instrument

    @property
    def unsaved_instruments(self) -> Sequence[InstrumentSince]:
        """The instruments that are not stored yet."""
        return self._unsaved_instruments

    def add_trades(self, trades: Sequence[Trade]) -> None:
        """Add trades, in the order in which they came."""
        run = self._run()
        times_us = [trade.ts_us for trade in trades]
        last_row = self.last_row
        if times_us[0] > last_row and all(map(lt, times_us, times_us[1:])):
            rows = times_us
        else:
            rows = list(accumulate(times_us, _next_row, initial=last_row))[1:]
        run.add(rows, trades)
        self.last_row = rows[-1]
        if rows is not times_us:
            self.late_us = max(
                self.late_us, *(row - ts_us for row, ts_us in zip(rows, times_us, strict=True))
            )
        told_us = self._told_until()
        for figures in _seconds(trades, times_us):
            is_told = figures.start_us < told_us and self._is_told(figures.start_us)
            for level in LEVELS[:MINUTES] if is_told else LEVELS:
                start_us = level.interval.start_of(figures.start_us)
                self.block(level, level.block_start(start_us)).add(start_us, figures, Origin.COUNTED)
        self._is_changed = True

    # --- candles of the venue -------------------------------------------------------------------------

    def candle_holes(self, level: CandleLevel, from_us: int, to_us: int) -> list[Hole]:
        """Return the holes that are left of this time in the candles of a level, the oldest first."""
        unsaved = self.holes["candles"].unsaved
        holes = hole_list.read(self._connection, self.number, "candles", unsaved, from_us, to_us)
        left = unfilled(holes, self.filled.of(level.number))
        return [
            hole for hole in left if hole.from_us < to_us and (hole.to_us is None or hole.to_us > from_us)
        ]

    def add_hole(self, from_us: int, to_us: int, reason: str) -> None:
        """Take in that something may be missing of a time that is over, also where that comes late."""
        hole = Hole(from_us, to_us, reason)
        for kind, holes in self.holes.items():
            latest = holes.latest
            if latest is None or from_us >= latest.from_us:
                holes.add(from_us, to_us, reason)
                continue
            known = hole_list.read(self._connection, self.number, kind, holes.unsaved, from_us, to_us)
            ranges = [(one.from_us, MOST_US if one.to_us is None else one.to_us) for one in known]
            for part in unfilled([hole], ranges):  # no hole is in another one
                holes.add(part.from_us, to_us if part.to_us is None else part.to_us, reason)

    def put(self, level: CandleLevel, units: StoredUnits, figures: CandleState, origin: Origin) -> None:
        """Put a candle, given in these units, in the place of what is there."""
        block = self.block(level, level.block_start(figures.start_us))
        block.extend_units(units)
        block.put(figures.start_us, figures, origin)
        block.extend_units(self._units)

    def changed(self) -> None:
        """Let it be written: candles were put."""
        self._is_changed = True

    def first_candle(self, level: CandleLevel) -> int | None:
        """Return from when on there are candles of a level, at the earliest; None: there are none."""
        stored = history_file.first_block_start(self._connection, self.number, level.number)
        known = [block_us for number, block_us in self.blocks if number == level.number]
        return min([*known, *(() if stored is None else (stored,))], default=None)

    def _told_until(self) -> int:
        """Return the end of the last minute that the venue told."""
        ranges = self.filled.of(MINUTES)
        return -(-ranges[-1][1] // MINUTE_US) * MINUTE_US if ranges else 0

    def _is_told(self, ts_us: int) -> bool:
        """Return whether the minute of a time is the venue's: a trade of it that comes late is in it."""
        level, minute_us = LEVELS[MINUTES], ts_us - ts_us % MINUTE_US
        bar = self.block(level, level.block_start(minute_us)).bars.get(minute_us)
        return bar is not None and bar.origin == Origin.VENUE

    def _run(self) -> TradeRun:
        """Return the run that the next trade belongs to."""
        if not self._has_tail:
            self._has_tail = True
            self._load_tail()
        if not self.runs or self.runs[-1].units != self._units:
            self.runs.append(TradeRun(self._units))
        return self.runs[-1]

    def _load_tail(self) -> None:
        """Go on with the last stored block, if it has room."""
        last = next(
            history_file.blocks_before(self._connection, self.number, TRADES, self.last_row + 1), None
        )
        if last is None:
            return
        stored = trade_block.decode(last.data, last.units)
        if len(stored) >= trade_block.TRADES:
            return
        run = TradeRun(last.units)
        run.load(stored)
        self.runs.append(run)

    def block(self, level: CandleLevel, block_us: int) -> CandleBlock:
        """Return a block of candles: from memory, from the file, or a new one."""
        key = level.number, block_us
        block = self.blocks.get(key)
        if block is None:
            block = self.blocks[key] = self._load_block(level, block_us)
        return block

    def _load_block(self, level: CandleLevel, block_us: int) -> CandleBlock:
        stored = history_file.block(self._connection, self.number, level.number, block_us)
        if stored is None:
            return CandleBlock(CommonUnits(self._units.price, self._units.size))
        block = CandleBlock(CommonUnits(stored.units.price, stored.units.size))
        block.bars = {bar.start_us: bar for bar in candle_block.decode(block_us, stored.data)}
        block.is_changed = False
        block.extend_units(self._units)
        return block

    def bars(self, level: CandleLevel) -> dict[int, tuple[StoredUnits, list[Bar]]]:
        """Return copies of the candles of a level that are in memory, by the start of their block."""
        return {
            block_us: (
                block.stored_units,
                [msgspec.structs.replace(bar) for _, bar in sorted(block.bars.items())],
            )
            for (number, block_us), block in self.blocks.items()
            if number == level.number
        }

    # --- writing ----------------------------------------------------------------------------------------

    def write(self, units: UnitNumbers) -> None:
        """Write what is not stored. Nothing in memory changes: ``written`` follows a commit."""
        for kind, holes in self.holes.items():
            for hole in holes.unsaved.values():
                history_file.put_hole(self._connection, self.number, kind, hole)
        if not self._is_changed:
            return
        for filled_level, from_us in self.filled.removed:
            history_file.remove_filled(self._connection, self.number, filled_level, from_us)
        for (filled_level, from_us), to_us in self.filled.unsaved.items():
            history_file.put_filled(self._connection, self.number, filled_level, from_us, to_us)
        for since in self._unsaved_instruments:
            history_file.put_instrument(self._connection, self.number, since)
        for run in self.runs:
            for first in range(0, len(run.rows), trade_block.TRADES):
                last = min(first + trade_block.TRADES, len(run.rows)) - 1
                data, number = run.encode(first), units.number(run.units)
                history_file.put_block(
                    self._connection, self.number, TRADES, run.rows[first], run.rows[last], number, data
                )
        for (level, block_us), block in self.blocks.items():
            if block.is_changed:
                data = candle_block.encode(block_us, block.bars.values())
                end_us = block_us + LEVELS[level].span_us
                number = units.number(block.stored_units)
                history_file.put_block(self._connection, self.number, level, block_us, end_us, number, data)
        history_file.put_last_row(self._connection, self.number, self.last_row, self.late_us)

    def written(self) -> None:
        """Forget what is stored now, but for the blocks that still grow."""
        for holes in self.holes.values():
            holes.unsaved.clear()
        if not self._is_changed:
            self._idle_writes += 1
            if self._idle_writes == IDLE_WRITES:
                self.runs, self.blocks, self._has_tail = [], {}, False
            return
        self._is_changed, self._idle_writes = False, 0
        self._unsaved_instruments = []
        self.filled.saved()
        self.runs = self.runs[-1:]
        for run in self.runs:
            run.drop_full_blocks()
        latest = dict(sorted(self.blocks))
        self.blocks = {key: block for key, block in self.blocks.items() if latest[key[0]] == key[1]}
        for block in self.blocks.values():
            block.is_changed = False


def _next_row(last_row: int, ts_us: int) -> int:
    return ts_us if ts_us > last_row else last_row + 1


def _seconds(trades: Sequence[Trade], times_us: list[int]) -> list[CandleState]:
    """Return a candle of each second that has trades in a row."""
    if times_us[0] // SECOND_US == times_us[-1] // SECOND_US and times_us == sorted(times_us):
        return [_second(trades)]
    seconds: list[CandleState] = []
    for trade in trades:
        figures = CandleState.from_trade(trade)
        if seconds and seconds[-1].start_us == figures.start_us:
            seconds[-1].merge(figures)
        else:
            seconds.append(figures)
    return seconds


def _second(trades: Sequence[Trade]) -> CandleState:
    """Return the candle of trades of one second, which are in order."""
    first, last = trades[0], trades[-1]
    prices = [trade.price_ticks for trade in trades]
    return CandleState(
        first.ts_us - first.ts_us % SECOND_US,
        first.ts_us,
        last.ts_us,
        first.price_ticks,
        max(prices),
        min(prices),
        last.price_ticks,
        sum([trade.size_lots for trade in trades]),
        len(trades),
    )
