from __future__ import annotations

from decimal import ROUND_FLOOR, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorwire.core.instrument import Instrument
from floorwire.core.units import InexactError
from floorwire.venues.common import decimals
from floorwire.venues.common.decimals import BadTimeError, OffTickError

OF = Instrument("A-B", "A", "B", "x", "0.05", "0.2")


def test_times_are_exact() -> None:
    assert decimals.rfc3339_us("2021-04-17T16:44:07.859760Z") == 1_618_677_847_859_760
    assert decimals.rfc3339_us("2021-04-17T18:44:07.859760+02:00") == 1_618_677_847_859_760
    with pytest.raises(BadTimeError):
        decimals.rfc3339_us("1969-12-31T00:00:00Z")


@pytest.mark.parametrize("text", ["2021-04-17T16:44:07.859760", "2021-04-17", "20210417T164407", "", "x"])
def test_a_time_that_does_not_say_how_far_it_is_from_utc_is_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"UTC|isoformat"):
        decimals.rfc3339_us(text)


@pytest.mark.parametrize("digits", ["999999", "9999991", "999999999", "999999999999"])
def test_what_is_finer_than_a_microsecond_is_cut_off(digits: str) -> None:
    assert decimals.rfc3339_us(f"2021-04-17T16:44:59.{digits}Z") == 1_618_677_899_999_999


@given(st.integers(1_000_000_000_000_000, 2_000_000_000_000_000))
def test_a_number_of_milliseconds_or_of_microseconds_is_the_same_time(us: int) -> None:
    assert decimals.epoch_us(us) == us
    assert decimals.epoch_us(us // 1000) == us // 1000 * 1000


def test_prices_are_whole_ticks_or_left_out() -> None:
    assert decimals.price_ticks(OF, "1.05") == 21
    with pytest.raises(OffTickError) as raised:
        decimals.price_ticks(OF, "1.06")
    assert (raised.value.text, raised.value.symbol) == ("1.06", "A-B")


@pytest.mark.parametrize("text", ["0", "0.00", "-1.05", "1e5", "", "nan", "1.0.0", "٣"])
def test_what_is_no_price_is_an_error(text: str) -> None:
    with pytest.raises(InexactError):
        decimals.price_ticks(OF, text)


@given(st.decimals("0", "1000000", places=8))
def test_sizes_are_floored_to_lots(size: Decimal) -> None:
    lots = decimals.floor_lots(OF, f"{size:f}")
    assert lots == (size / Decimal("0.2")).to_integral_value(ROUND_FLOOR)


def test_a_negative_size_and_a_trade_of_nothing_are_errors() -> None:
    with pytest.raises(InexactError):
        decimals.floor_lots(OF, "-1")
    with pytest.raises(OffTickError):
        decimals.traded_lots(OF, "0.1")
    assert decimals.traded_lots(OF, "0.5") == 2


def test_turnover_is_in_ticks_times_lots() -> None:
    assert decimals.turnover(OF, "2.1") == 210  # 0.05 x 0.2 = 0.01
    fine = Instrument("A-B", "A", "B", "x", "0.0000000001", "0.0000000001")
    assert decimals.turnover(fine, "2.1") is None


def test_amounts_lose_trailing_zeros() -> None:
    assert decimals.amount("10.500") == "10.5"
    for text in ("x", "-1"):
        with pytest.raises(InexactError):
            decimals.amount(text)
