"""Rows of candles as exact figures, and of which time an answer tells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorwire.core.candle_intervals import INTERVALS, CandleInterval
from floorwire.core.instrument import Instrument
from floorwire.venues.common.candle_history import CandleRow, page, told

MINUTE = 60_000_000
HOUR = 60 * MINUTE
OF = Instrument("v:A-B", "A", "B", "v", "0.5", "0.01")


class History:
    """An exchange's past, with what a test says."""

    weight = 1
    most_rows = 10
    intervals: Mapping[str, CandleInterval] = {"1m": INTERVALS["1m"]}

    def __init__(self, *, has_all_rows: bool, is_latest_only: bool = False) -> None:
        self.has_all_rows = has_all_rows
        self.is_latest_only = is_latest_only

    def url(self, instrument: Instrument, native: str, interval: str, from_us: int, to_us: int) -> str:
        raise NotImplementedError

    def rows(self, body: bytes) -> Sequence[CandleRow]:
        raise NotImplementedError


def row(minute: int, *prices: str, volume: str = "1", trades: int = 1) -> CandleRow:
    opened, high, low, close = prices or ("10", "10", "10", "10")
    return CandleRow(minute * MINUTE, opened, high, low, close, volume, trades)


def test_figures_on_the_steps_are_in_ticks_and_lots() -> None:
    made = page(OF, INTERVALS["1m"], [row(1, "10.5", "12", "9.500", "11.0", volume="0.030")], 0, 9 * MINUTE)
    (candle,) = made.candles
    assert (candle.open_units, candle.high_units, candle.low_units, candle.close_units) == (21, 24, 19, 22)
    assert (candle.volume_units, candle.trades, candle.start_us) == (3, 1, MINUTE)
    assert (made.units.price, made.units.size) == (OF.price, OF.size)


def test_figures_between_the_steps_make_the_units_of_the_page_finer_and_stay_exact() -> None:
    rows = [row(1, "10.5", "12", "9.25", "11"), row(2, volume="0.015")]
    made = page(OF, INTERVALS["1m"], rows, 0, 9 * MINUTE)
    assert str(made.units.price) == "0.25"
    assert str(made.units.size) == "0.005"
    assert made.units.price.format(made.candles[0].low_units) == "9.25"
    assert made.units.size.format(made.candles[1].volume_units) == "0.015"


def test_figures_too_fine_for_any_unit_are_refused_and_named() -> None:
    rows = [row(1), row(2, "10.0000001", "11", "10", "11"), row(3)]
    made = page(OF, INTERVALS["1m"], rows, 0, 9 * MINUTE)
    assert [candle.start_us for candle in made.candles] == [MINUTE, 3 * MINUTE]
    assert made.refused == [2 * MINUTE]


def test_an_interval_without_trades_has_no_candle() -> None:
    made = page(OF, INTERVALS["1m"], [row(1), row(2, volume="0.000", trades=0)], 0, 9 * MINUTE)
    assert [candle.start_us for candle in made.candles] == [MINUTE]


def test_rows_of_a_shorter_interval_are_merged() -> None:
    rows = [
        CandleRow(0, "10", "12", "9", "11", "1", 2),
        CandleRow(HOUR, "11", "15", "11", "13", "2", 3),
        CandleRow(2 * HOUR, "13", "13", "13", "13", "4", 5),
    ]
    made = page(OF, INTERVALS["2h"], rows, 0, 4 * HOUR)
    first, second = made.candles
    assert (first.open_units, first.high_units, first.low_units, first.close_units) == (20, 30, 18, 26)
    assert (first.volume_units, first.trades, second.start_us) == (300, 5, 2 * HOUR)


def test_a_longer_candle_of_which_a_part_is_refused_is_refused() -> None:
    rows = [CandleRow(0, "10", "12", "9", "11", "1"), CandleRow(HOUR, "10.0000001", "11", "10", "11", "1")]
    made = page(OF, INTERVALS["2h"], rows, 0, 4 * HOUR)
    assert (made.candles, made.refused) == ([], [0])


@pytest.mark.parametrize(
    "broken",
    [
        row(1, "x", "12", "9", "11"), row(1, "10", "9", "8", "9"), row(1, "10", "12", "11", "11"),
        row(1, "0", "1", "0", "1"), row(1, "-1", "12", "-1", "11"), row(1, volume="-1"), row(1, trades=-1),
        row(1, volume="1e5"), row(1, "NaN", "NaN", "NaN", "NaN"),
    ],
)  # fmt: skip
def test_what_is_no_candle_is_refused_as_a_whole(broken: CandleRow) -> None:
    with pytest.raises(ValueError, match="is no"):
        page(OF, INTERVALS["1m"], [row(0), broken], 0, 9 * MINUTE)


prices = st.integers(1, 10**9).map(lambda units: Decimal(units) / 10**4)


@given(st.lists(st.tuples(prices, prices, st.integers(1, 10**9)), max_size=8))
def test_every_figure_is_what_the_exchange_wrote(written: Sequence[tuple[Decimal, Decimal, int]]) -> None:
    rows = []
    for minute, (one, other, volume) in enumerate(written):
        high, low = max(one, other), min(one, other)
        texts = [format(price, "f") for price in (one, high, low, other)]
        rows.append(row(minute, *texts, volume=format(Decimal(volume) / 10**6, "f")))
    made = page(OF, INTERVALS["1m"], rows, 0, 9 * MINUTE)
    assert len(made.candles) == len(rows)
    for candle, of in zip(made.candles, rows, strict=True):
        figures = (candle.open_units, candle.high_units, candle.low_units, candle.close_units)
        read = [Decimal(made.units.price.format(figure)) for figure in figures]
        assert read == [Decimal(text) for text in of[1:5]]
        assert Decimal(made.units.size.format(candle.volume_units)) == Decimal(of.volume)


def minutes(rows: Sequence[CandleRow], history: History, first: int, last: int) -> tuple[int, int]:
    found = told(rows, history, first * MINUTE, last * MINUTE, MINUTE)
    return found.start // MINUTE, found.stop // MINUTE


def test_where_quiet_minutes_have_no_row_all_that_was_asked_for_is_told() -> None:
    assert minutes([row(5)], History(has_all_rows=False), 2, 9) == (2, 9)
    assert minutes([], History(has_all_rows=False), 2, 9) == (2, 9)


def test_where_every_minute_has_a_row_what_is_before_the_first_and_after_the_last_is_unknown() -> None:
    history = History(has_all_rows=True)
    assert minutes([row(4), row(5), row(6)], history, 2, 9) == (4, 7)
    assert minutes([row(1), row(2), row(9)], history, 2, 9) == (2, 9)
    assert minutes([], history, 2, 9) == (9, 9)


def test_rows_of_another_time_tell_nothing() -> None:
    history = History(has_all_rows=True)
    for rows in ([row(20), row(21)], [row(0), row(1)]):
        first, last = minutes(rows, history, 2, 9)
        assert first == last


def test_where_the_last_row_is_the_open_one_the_time_before_it_is_told() -> None:
    history = History(has_all_rows=True, is_latest_only=True)
    assert minutes([row(4), row(7)], history, 2, 9) == (4, 7)
    assert minutes([row(1), row(30)], history, 2, 9) == (2, 9)
