"""Decimals at the edges: the longest, the finest, and what a refusal says."""

from __future__ import annotations

import pytest

from floorwire.core.units import MAX_DECIMALS, MAX_DIGITS, InexactError, Scale


def test_as_many_digits_as_may_be_and_one_more() -> None:
    whole = Scale(0, 1)
    assert whole.parse("9" * MAX_DIGITS) == 10**MAX_DIGITS - 1
    with pytest.raises(InexactError):
        whole.parse("9" * (MAX_DIGITS + 1))
    assert whole.floor("9." + "9" * (MAX_DIGITS - 1)) == 9


def test_as_many_decimals_as_may_be_and_one_more() -> None:
    finest = "0." + "1".zfill(MAX_DECIMALS)
    assert Scale.of(finest) == Scale(MAX_DECIMALS, 1)
    with pytest.raises(InexactError):
        Scale.of("0." + "1".zfill(MAX_DECIMALS + 1))


@pytest.mark.parametrize(
    ("scale", "text"), [(Scale(2, 2), "0.03"), (Scale(2, 2), "0.015"), (Scale(0, 2), "1")]
)
def test_half_a_step_of_two_is_no_step(scale: Scale, text: str) -> None:
    with pytest.raises(InexactError):
        scale.parse(text)


def test_a_refusal_says_the_text_and_the_step() -> None:
    with pytest.raises(InexactError, match=r"^'0\.03' is not a whole number of 0\.02$") as caught:
        Scale(2, 2).parse("0.03")
    assert (caught.value.text, caught.value.step) == ("0.03", "0.02")
