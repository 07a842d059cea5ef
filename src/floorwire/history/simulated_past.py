"""Candles made for the time before a simulated market first started, and the prices to go on from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

from floorwire.core.candle_state import CandleState
from floorwire.core.common_units import CommonUnits
from floorwire.core.instrument import Instrument
from floorwire.core.market_history import MOST_US, Hole, StoredUnits
from floorwire.history import candle_block, history_file
from floorwire.history.candle_block import CandleBlock, Origin
from floorwire.history.candle_levels import LEVELS
from floorwire.history.history_file import Connection, UnitNumbers

START: Final = "start"
"""The reason of the hole before a symbol was followed."""
CandlesByInterval: TypeAlias = Mapping[str, Sequence[CandleState]]
"""The candles of the stored intervals, the oldest first, in ticks and lots."""


def put(
    connection: Connection,
    units: UnitNumbers,
    number: int,
    instrument: Instrument,
    candles: CandlesByInterval,
    complete_until_us: int,
) -> int:
    """Store the past of a symbol, with holes before it and after ``complete_until_us``. Return its end."""
    of_steps = units.number(StoredUnits(instrument.price, instrument.size))
    first_us, until_us = complete_until_us, 0
    for level in LEVELS:
        blocks: dict[int, CandleBlock] = {}
        for candle in candles.get(level.interval.name, ()):
            first_us, until_us = min(first_us, candle.start_us), max(until_us, candle.last_us)
            block_us = level.block_start(candle.start_us)
            block = blocks.get(block_us)
            if block is None:
                block = blocks[block_us] = CandleBlock(CommonUnits.of(instrument))
            block.add(candle.start_us, candle, Origin.SIMULATED)
        for block_us, block in blocks.items():
            data = candle_block.encode(block_us, block.bars.values())
            end_us = block_us + level.span_us
            history_file.put_block(connection, number, level.number, block_us, end_us, of_steps, data)
    history_file.put_hole(connection, number, "candles", Hole(0, first_us, START))
    history_file.put_hole(connection, number, "candles", Hole(complete_until_us, None, START))
    return until_us


def last_prices(connection: Connection, venue: str) -> dict[str, str]:
    """Return the last price of each symbol of a venue, as text."""
    prices = {}
    for row in history_file.symbols(connection):
        if row.venue == venue:
            # The finest level may be deleted by its age, and begins later than a past that was made.
            latest: tuple[int, str] | None = None
            for level in LEVELS:
                block = next(history_file.blocks_before(connection, row.number, level.number, MOST_US), None)
                bars = [] if block is None else candle_block.decode(block.first, block.data)
                if block is not None and bars and (latest is None or bars[-1].last_us > latest[0]):
                    latest = bars[-1].last_us, block.units.price.format(bars[-1].close_ticks)
            if latest is not None:
                prices[row.symbol] = latest[1]
    return prices
