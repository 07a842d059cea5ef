"""Units: decimal text to whole steps and back, exactly, or a refusal."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorwire.core.units import (
    MAX_DECIMALS,
    MAX_DIGITS,
    InexactError,
    Scale,
    format_units,
    trim,
)

scales = st.builds(Scale, st.integers(0, MAX_DECIMALS), st.integers(1, 1000))


@pytest.mark.parametrize(
    ("text", "scale"),
    [
        ("0.01", Scale(2, 1)),
        ("0.05", Scale(2, 5)),
        ("1", Scale(0, 1)),
        ("100", Scale(0, 100)),
        ("0.0100", Scale(2, 1)),
        ("1.0", Scale(0, 1)),
        (".5", Scale(1, 5)),
    ],
)
def test_a_step_has_no_more_decimals_than_it_needs(text: str, scale: Scale) -> None:
    assert Scale.of(text) == scale


@pytest.mark.parametrize("text", ["0", "0.00", "-0.01", "x", "", "1e-8", "0." + "0" * MAX_DECIMALS + "1"])
def test_a_step_is_positive_and_not_too_fine(text: str) -> None:
    with pytest.raises(InexactError):
        Scale.of(text)


@pytest.mark.parametrize(
    ("step", "text", "steps"),
    [
        ("0.01", "65432.12", 6543212),
        ("0.01", "65432.1", 6543210),
        ("0.01", "65432", 6543200),
        ("0.01", "65432.120000", 6543212),
        ("0.05", "1.15", 23),
        ("0.05", "-1.15", -23),
        ("10", "120", 12),
        ("10", "120.00", 12),
        ("0.01", "-.50", -50),
        ("0.01", "-0", 0),
    ],
)
def test_text_is_read_as_whole_steps(step: str, text: str, steps: int) -> None:
    assert Scale.of(step).parse(text) == steps


@pytest.mark.parametrize(
    ("step", "text"),
    [("0.01", "1.005"), ("0.05", "1.01"), ("10", "125"), ("10", "12.5"), ("0.05", "1.050001")],
)
def test_text_between_two_steps_is_refused_with_its_data(step: str, text: str) -> None:
    with pytest.raises(InexactError) as refused:
        Scale.of(step).parse(text)
    assert (refused.value.text, refused.value.step) == (text, step)


NOT_DECIMALS = [
    "",
    "-",
    ".",
    "1.",
    "-.",
    "--1",
    "---1",
    "+1",
    "1-",
    "1e5",
    "1_0",
    " 1",
    "1.2.3",
    "0x1",
    "NaN",
    "\u0661",
    "\u00b2",
    "1" * (MAX_DIGITS + 1),
    "0." + "1" * MAX_DIGITS,
]


@pytest.mark.parametrize("text", NOT_DECIMALS)
def test_what_is_no_plain_decimal_is_refused(text: str) -> None:
    scale = Scale.of("0.01")
    with pytest.raises(InexactError):
        scale.parse(text)
    with pytest.raises(InexactError):
        scale.floor(text)


def test_the_refusal_of_a_huge_text_is_short() -> None:
    with pytest.raises(InexactError) as refused:
        Scale.of("0.01").parse("9" * 1_000_000)
    assert len(str(refused.value)) < 100


@given(scales, st.integers(-(10**20), 10**20))
def test_what_is_written_reads_back(scale: Scale, steps: int) -> None:
    text = scale.format(steps)
    assert scale.parse(text) == scale.floor(text) == steps
    assert Fraction(text) == Fraction(steps * scale.step, 10**scale.decimals)
    assert len(text.partition(".")[2]) == scale.decimals


@given(scales, st.decimals(-(10**9), 10**9, places=12))
def test_floor_is_the_last_whole_step_below(scale: Scale, value: Decimal) -> None:
    text = f"{value:f}"
    exact = Fraction(text) * 10**scale.decimals / scale.step
    steps = scale.floor(text)
    assert steps <= exact < steps + 1
    if steps == exact:
        assert scale.parse(text) == steps
    else:
        with pytest.raises(InexactError):
            scale.parse(text)


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    scale = Scale.of("0.01")
    try:
        steps = scale.parse(text)
    except InexactError:
        return
    assert Fraction(text) == Fraction(steps, 100)


@pytest.mark.parametrize(
    ("units", "decimals", "text"),
    [(5, 0, "5"), (-5, 0, "-5"), (5, 2, "0.05"), (-5, 2, "-0.05"), (0, 3, "0.000"), (12345, 2, "123.45")],
)
def test_all_decimals_are_written(units: int, decimals: int, text: str) -> None:
    assert format_units(units, decimals) == text


@pytest.mark.parametrize(
    ("text", "short"),
    [("1.500", "1.5"), ("2.0", "2"), ("0.00", "0"), ("100", "100"), ("0.05", "0.05"), ("-3.10", "-3.1")],
)
def test_trim_leaves_the_value(text: str, short: str) -> None:
    assert trim(text) == short


def test_a_scale_reads_as_its_step() -> None:
    assert str(Scale.of("0.050")) == "0.05"


@pytest.mark.parametrize("decimals", range(2 * MAX_DECIMALS + 1))
def test_a_price_times_a_size_may_have_twice_the_decimals(decimals: int) -> None:
    scale = Scale(decimals, 1)
    assert scale.floor("1") == scale.parse("1") == 10**decimals
    assert scale.floor("0." + "0" * 28 + "9") == 9 * 10**decimals // 10**29
