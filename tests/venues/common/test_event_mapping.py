from __future__ import annotations

import pytest

from floorwire.core.instrument import Instrument
from floorwire.core.market_events import Candle, DayStats
from floorwire.venues.common import event_mapping
from floorwire.venues.common.event_mapping import BookLevels, Ohlc
from floorwire.venues.common.level_reader import LevelReader

ABC = Instrument("x:ABC-USD", "ABC", "USD", "kind", "0.1", "0.01", "5", "open")
MINUTE = 60_000_000
PRICES = Ohlc("1.05", "2", "1", "1.5")


def test_an_instrument_has_trimmed_steps() -> None:
    found = event_mapping.instrument("kind", "x:", ("ABC", "USD"), ("0.10", "0.0100"), "open", ("0.0", "5.0"))
    assert found == ABC


@pytest.mark.parametrize(
    ("assets", "steps"),
    [
        (("", "USD"), ("0.1", "1")),
        (("ABC", ""), ("0.1", "1")),
        (("ABC", "USD"), ("0", "1")),
        (("ABC", "USD"), ("0.1", "")),
    ],
)
def test_what_has_no_assets_or_no_steps_is_no_instrument(
    assets: tuple[str, str], steps: tuple[str, str]
) -> None:
    with pytest.raises(ValueError, match=r".+"):
        event_mapping.instrument("kind", "", assets, steps, "open")


def test_an_unlisted_instrument_has_eight_decimals() -> None:
    found = event_mapping.unlisted_instrument("kind", "x:", ("ABC", "USD"))
    assert (found.symbol, found.tick_size, found.lot_size) == ("x:ABC-USD", "0.00000001", "0.00000001")


def test_levels_off_the_ticks_are_counted_on_both_sides() -> None:
    bids, asks = [("1.0", "2"), ("0.95", "1")], [("1.25", "1")]
    found = event_mapping.book(LevelReader(ABC), ABC, bids, asks, 7)
    assert found == BookLevels(((10, 200),), (), 2, 7)


def test_a_day_is_floored_and_may_lack_its_turnover() -> None:
    found = event_mapping.day(ABC, ("1.05", "2", "1"), "3.005", None, 7)
    assert found == DayStats("x:ABC-USD", 10, 20, 10, 300, None, 7)
    assert event_mapping.day(ABC, ("1", "2", "1"), "3", "6", 7).turnover == 6_000


def test_a_candle_has_a_fixed_length_and_begins_at_a_multiple_of_it() -> None:
    found = event_mapping.candle(ABC, MINUTE, 2 * MINUTE, PRICES, "3", closed=True, ts_us=9, trades=4)
    assert found == Candle("x:ABC-USD", MINUTE, 2 * MINUTE, 10, 20, 10, 15, 300, 4, closed=True, ts_us=9)
    assert event_mapping.candle(ABC, None, 0, PRICES, "3", closed=False, ts_us=9) is None
    assert event_mapping.candle(ABC, MINUTE, 1, PRICES, "3", closed=False, ts_us=9) is None
