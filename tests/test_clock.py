"""The process's clock: monotonic time, dates that follow the system's clock, and dates that never go back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorwire.clock import HOLD_US, LOOK_US, SLEW_MOST_US, TOLERANCE_US
from floorwire.core.dates import ForwardDate
from tests.clocks import SECOND_US, START_US, Times

HOUR_US = 3_600 * SECOND_US
DAY_US = 24 * HOUR_US
LARGE = [HOUR_US, -HOUR_US, DAY_US, -DAY_US]
steps = st.one_of(
    st.integers(-3 * SECOND_US, 3 * SECOND_US), st.sampled_from(LARGE), st.integers(-DAY_US, DAY_US)
)
sleeps = st.one_of(st.integers(0, SECOND_US), st.integers(0, 100 * SECOND_US))


def test_it_begins_at_the_systems_date() -> None:
    times = Times()
    clock = times.clock()
    times.sleep(5)
    at = clock.moment()
    assert (at.now_us, at.wall_us, at.stamp_us) == (START_US + 5,) * 3
    assert (clock.monotonic_us(), clock.wall_us(), clock.stamp_us()) == (START_US + 5,) * 3


@given(st.lists(st.tuples(sleeps, steps), max_size=40))
def test_steps_change_no_monotonic_time_and_no_stamp_goes_back(moves: list[tuple[int, int]]) -> None:
    times = Times()
    clock = times.clock()
    last, slept_us = clock.moment(), 0
    for sleep_us, step_us in moves:
        times.step(step_us)
        times.sleep(sleep_us)
        slept_us += sleep_us
        at = clock.moment()
        assert at.now_us == START_US + slept_us
        assert at.stamp_us >= last.stamp_us + sleep_us // 2 - 1, "it goes back, or stands still"
        is_set = at.wall_us == times.system_us
        assert at.wall_us >= last.wall_us or is_set, "it goes back, but not to the date"
        last = at


@pytest.mark.parametrize("step_us", [3 * SECOND_US, -3 * SECOND_US, SLEW_MOST_US, -SLEW_MOST_US])
def test_a_small_step_is_followed_smoothly(step_us: int) -> None:
    times = Times()
    clock = times.clock()
    times.step(step_us)
    last_us = clock.wall_us()
    assert last_us == START_US
    for _ in range(2 * abs(step_us) // 100_000):
        assert clock.error_us() != 0
        times.sleep(100_000)
        now_us = clock.wall_us()
        assert now_us - last_us in (50_000, 150_000)
        last_us = now_us
    assert clock.error_us() == 0


@pytest.mark.parametrize("step_us", LARGE)
def test_a_large_step_is_followed_when_it_lasts(step_us: int) -> None:
    times = Times()
    clock = times.clock()
    times.step(step_us)
    times.sleep(LOOK_US)
    for second in range(HOLD_US // SECOND_US):
        assert clock.wall_us() == START_US + LOOK_US + second * SECOND_US
        times.sleep(SECOND_US)
    assert clock.wall_us() == times.system_us
    assert clock.error_us() == 0


@pytest.mark.parametrize("step_us", LARGE)
def test_a_large_step_that_is_taken_back_changes_nothing(step_us: int) -> None:
    times = Times()
    clock = times.clock()
    for _ in range(10):
        times.step(step_us)
        clock.wall_us()
        times.sleep(HOLD_US - SECOND_US)
        clock.wall_us()
        times.step(-step_us)
        times.sleep(SECOND_US)
        assert clock.wall_us() == times.system_us
    times.step(step_us)
    clock.wall_us()
    times.sleep(HOLD_US - 1)
    times.step(-2 * step_us)
    clock.wall_us()
    times.sleep(HOLD_US - 1)
    assert clock.wall_us() == times.system_us + step_us, "each side has its own time"


def test_ahead_for_two_seconds_is_forgotten_as_fast() -> None:
    times = Times()
    clock = times.clock()
    times.step(2 * SECOND_US)
    times.sleep(LOOK_US)
    assert clock.wall_us() == START_US + LOOK_US
    times.sleep(2 * SECOND_US)
    assert clock.wall_us() == START_US + LOOK_US + 3 * SECOND_US
    times.step(-2 * SECOND_US)
    times.sleep(2 * SECOND_US)
    assert clock.wall_us() == times.system_us


def test_what_is_off_by_less_than_a_reading_takes_is_left() -> None:
    times = Times()
    clock = times.clock()
    times.step(TOLERANCE_US)
    times.sleep(SECOND_US)
    assert clock.wall_us() == START_US + SECOND_US


def test_dates_go_on_at_half_speed_until_the_wall_has_caught_up() -> None:
    dates = ForwardDate(0, 1_000)
    assert dates.at(10, 1_010) == 1_010
    assert dates.at(20, 10) == 1_015
    assert [dates.at(20 + odd, 10) for odd in range(1, 5)] == [1_015, 1_016, 1_016, 1_017]
    assert dates.at(24, 1_017) == 1_017
    assert dates.at(25, 2_000) == 2_000
