"""Blocks of candles: what is packed is read back, and other units leave the figures as they are."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from floorwire.core.candle_state import CandleState
from floorwire.core.common_units import CommonUnits
from floorwire.core.market_history import StoredUnits
from floorwire.core.units import Scale
from floorwire.history import candle_block
from floorwire.history.candle_block import CandleBlock, Origin
from tests.history.market import MINUTE_US, START_US, instrument

BLOCK_US = START_US - START_US % (60 * MINUTE_US)

figures = st.builds(
    lambda first, last, prices, volume, trades: CandleState(
        0, first, last, prices[0], max(prices), min(prices), prices[1], volume, trades
    ),
    st.integers(BLOCK_US, BLOCK_US + MINUTE_US),
    st.integers(BLOCK_US, BLOCK_US + MINUTE_US),
    st.tuples(st.integers(1, 1 << 70), st.integers(1, 1 << 70)),
    st.integers(0, 1 << 80),
    st.integers(0, 1 << 40),
)


@given(st.dictionaries(st.integers(0, 59), st.tuples(figures, st.sampled_from(Origin)), min_size=1))
def test_what_is_packed_is_read_back(candles: dict[int, tuple[CandleState, Origin]]) -> None:
    block = CandleBlock(CommonUnits.of(instrument()))
    for minute, (one, origin) in candles.items():
        block.add(BLOCK_US + minute * MINUTE_US, one, origin)
    data = candle_block.encode(BLOCK_US, block.bars.values())
    read = candle_block.decode(BLOCK_US, data)
    assert read == [block.bars[start_us] for start_us in sorted(block.bars)]


def test_other_units_divide_both() -> None:
    block = CandleBlock(CommonUnits.of(instrument("0.5", "0.01")))
    block.add(BLOCK_US, CandleState(0, 1, 1, 201, 201, 201, 201, 7, 1), Origin.COUNTED)
    block.extend_units(StoredUnits(Scale.of("0.2"), Scale.of("0.1")))
    block.add(BLOCK_US, CandleState(0, 2, 2, 502, 502, 502, 502, 7, 1), Origin.COUNTED)
    (bar,) = block.bars.values()
    price, size = block.stored_units.price, block.stored_units.size
    assert (price.format(bar.open_ticks), price.format(bar.close_ticks)) == ("100.5", "100.4")
    assert size.format(bar.volume_lots) == "0.77"
