"""Samples of the profit: thinned out, but the greatest fall is of all of them."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from floorwire.bot.equity_curve import MAX_SAMPLES, EquityCurve, Sample


def curve(profits: list[int], exposures: list[int] | None = None) -> EquityCurve:
    made = EquityCurve()
    for number, profit in enumerate(profits):
        exposure = exposures[number] if exposures else 0
        made.add(Sample(number * 1_000, Decimal(profit), Decimal(exposure)))
    return made


@given(st.lists(st.integers(-100, 100), min_size=1, max_size=50))
def test_drawdown_is_the_greatest_fall_from_a_peak_or_from_nothing(profits: list[int]) -> None:
    falls = [max([0, *profits[: end + 1]]) - profit for end, profit in enumerate(profits)]
    assert curve(profits).max_drawdown == max(falls)


def test_few_samples_are_kept_of_many() -> None:
    made = curve([*range(3 * MAX_SAMPLES), 0, 5])
    assert len(made.samples) <= MAX_SAMPLES
    assert made.points[-1] == made.last
    assert made.max_drawdown == 3 * MAX_SAMPLES - 1
    times = [sample.ts_us for sample in made.points]
    assert times == sorted(set(times))


def test_exposure_counts_by_time() -> None:
    made = curve([0, 0, 0, 0], [0, 5, 7, 0])
    assert made.max_exposure == 7
    assert made.exposed_share == 2 / 3
    assert EquityCurve().exposed_share == curve([1]).exposed_share == 0
    assert EquityCurve().points == []
