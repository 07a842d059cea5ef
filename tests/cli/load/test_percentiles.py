"""Nearest rank: a percentile is one of the measured times."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from floorwire.cli.load.percentiles import Percentiles


def test_percentiles_of_a_thousand_times() -> None:
    times = Percentiles.of(range(1000, 0, -1))
    assert times == Percentiles(1000, p50_us=500, p90_us=900, p99_us=990, p999_us=999, max_us=1000)


def test_percentiles_of_one_time_and_of_none() -> None:
    assert Percentiles.of([7.5]) == Percentiles(1, 7.5, 7.5, 7.5, 7.5, 7.5)
    assert Percentiles.of([]) is None


@given(st.lists(st.integers(), min_size=1))
def test_so_many_times_are_not_above_the_percentile(times_us: list[int]) -> None:
    times = Percentiles.of(times_us)
    assert times is not None
    for quantile, value in ((0.5, times.p50_us), (0.9, times.p90_us), (0.99, times.p99_us)):
        assert value in times_us
        assert sum(time <= value for time in times_us) >= quantile * len(times_us)
    assert times.max_us == max(times_us)
