"""The history of one symbol that is in memory: what is not stored yet, and the blocks that still grow."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from operator import lt
from typing import Final

import msgspec

from floorwire.core.candle_state import CandleState
from floorwire.core.common_units import CommonUnits
from floorwire.core.instrument import Instrument
from floorwire.core.market_events import Trade
from floorwire.core.market_history import (
    MOST_US,
    Hole,
    HoleKind,
    InstrumentSince,
    StoredTrade,
    StoredUnits,
)
from floorwire.core.microseconds import MINUTE_US, SECOND_US
from floorwire.history import candle_block, history_file, hole_list, trade_block
from floorwire.history.candle_block import Bar, CandleBlock, Origin
from floorwire.history.candle_levels import LEVELS, MINUTES, CandleLevel
from floorwire.history.filled_ranges import FilledRanges, unfilled
from floorwire.history.history_file import TRADES, Connection, StoredSymbol, UnitNumbers
from floorwire.history.hole_list import HoleList
from floorwire.history.stored_trades import StoredTrades
from floorwire.history.trade_block import TradeColumns, TradeRun

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
        """What the venue fills of the holes: its candles those of each level, its trades those of seconds."""
        self.stored = StoredTrades(connection, row.number)
        """The trades that are in the file."""
        self._known_until_us = row.last_row + 1
        """Trades of earlier times may be stored already when they come."""
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
        columns = TradeColumns.of(trades)
        times_us, last_row = columns.times_us, self.last_row
        if times_us[0] > last_row and all(map(lt, times_us, times_us[1:])):
            rows = times_us
        else:
            if min(times_us) < self._known_until_us:
                trades = self._unknown(trades)
                if not trades:
                    return
                columns = TradeColumns.of(trades)
                times_us = columns.times_us
            rows = list(accumulate(times_us, _next_row, initial=last_row))[1:]
        run.add(rows, columns)
        self.last_row = rows[-1]
        if rows is not times_us:
            self.late_us = max(
                self.late_us, *(row - ts_us for row, ts_us in zip(rows, times_us, strict=True))
            )
        told_us = self._told_until()
        for figures in _seconds(columns, is_sorted=rows is times_us):
            is_told = figures.start_us < told_us and self._is_told(figures.start_us)
            for level in LEVELS[:MINUTES] if is_told else LEVELS:
                start_us = level.interval.start_of(figures.start_us)
                self.block(level, level.block_start(start_us)).add(start_us, figures, Origin.COUNTED)
        self._is_changed = True

    def _unknown(self, trades: Sequence[Trade]) -> Sequence[Trade]:
        """Return the trades that are not stored: the venue repeats some, and may have told some as past."""
        times_us = [trade.ts_us for trade in trades]
        first_row, last_row = (
            min(times_us) - SECOND_US,
            max(times_us) + SECOND_US + min(self.late_us, MINUTE_US),
        )
        ids = {one.trade_id for one in self.stored.read(first_row, last_row)}
        return [trade for trade in trades if not trade.trade_id or trade.trade_id not in ids]

    # --- trades that the venue tells of its past ---------------------------------------------------------

    def trade_holes(self, from_us: int, to_us: int) -> list[Hole]:
        """Return the holes that are left of this time in the trades, the oldest first."""
        return self._holes_left("trades", 0, from_us, to_us)

    def trade_id_after(self, ts_us: int) -> str:
        """Return the id of a trade of this time or later; "": none is known."""
        in_memory = (one.trade_id for run in self.runs for one in run.stored() if one.ts_us >= ts_us)
        return self.stored.id_after(ts_us) or next(in_memory, "")

    def keep_no_trades(self, units: UnitNumbers) -> None:
        """Write what is not stored, and keep no trades in memory: the file has all of them then."""
        if self._is_changed:
            self.write(units)
            self.written()
        self.runs, self._has_tail = [], False

    def fetched(self, trades: Sequence[StoredTrade]) -> None:
        """Trades were put into the file. The same may still come live."""
        self.last_row = max(self.last_row, trades[-1].row)
        self.late_us = max(self.late_us, *(one.row - one.ts_us for one in trades))
        self._known_until_us = max(self._known_until_us, *(one.ts_us + 1 for one in trades))

    def counts_minute_of(self, ts_us: int) -> bool:
        """Return whether the candle of this minute is counted from trades: no hole of candles is in it."""
        minute_us = ts_us - ts_us % MINUTE_US
        unsaved = self.holes["candles"].unsaved
        holes = hole_list.read(
            self._connection, self.number, "candles", unsaved, minute_us, minute_us + MINUTE_US
        )
        return next(holes, None) is None

    # --- candles of the venue -------------------------------------------------------------------------

    def candle_holes(self, level: CandleLevel, from_us: int, to_us: int) -> list[Hole]:
        """Return the holes that are left of this time in the candles of a level, the oldest first."""
        return self._holes_left("candles", level.number, from_us, to_us)

    def _holes_left(self, kind: HoleKind, level: int, from_us: int, to_us: int) -> list[Hole]:
        holes = hole_list.read(self._connection, self.number, kind, self.holes[kind].unsaved, from_us, to_us)
        return [
            hole
            for hole in unfilled(holes, self.filled.of(level))
            if hole.from_us < to_us and (hole.to_us is None or hole.to_us > from_us)
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

    def add(self, level: CandleLevel, units: StoredUnits, figures: CandleState) -> None:
        """Add figures of one second, given in these units, to the candle that has it."""
        start_us = level.interval.start_of(figures.start_us)
        block = self.block(level, level.block_start(start_us))
        block.extend_units(units)
        block.add(start_us, figures, Origin.COUNTED)
        block.extend_units(self._units)

    def changed(self) -> None:
        """Let it be written: candles or trades were put."""
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
            run.put(self._connection, self.number, units.number(run.units))
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


def _seconds(trades: TradeColumns, *, is_sorted: bool) -> list[CandleState]:
    """Return a candle of each second that has trades in a row."""
    times_us = trades.times_us
    if times_us[0] // SECOND_US == times_us[-1] // SECOND_US and (is_sorted or times_us == sorted(times_us)):
        return [_second(trades)]
    seconds: list[CandleState] = []
    for ts_us, price, size in zip(times_us, trades.prices, trades.sizes, strict=True):
        start_us = ts_us - ts_us % SECOND_US
        figures = CandleState(start_us, ts_us, ts_us, price, price, price, price, size, 1)
        if seconds and seconds[-1].start_us == start_us:
            seconds[-1].merge(figures)
        else:
            seconds.append(figures)
    return seconds


def _second(trades: TradeColumns) -> CandleState:
    """Return the candle of trades of one second, which are in order."""
    times_us, prices = trades.times_us, trades.prices
    return CandleState(
        times_us[0] - times_us[0] % SECOND_US,
        times_us[0],
        times_us[-1],
        prices[0],
        max(prices),
        min(prices),
        prices[-1],
        sum(trades.sizes),
        len(prices),
    )
