from __future__ import annotations

from itertools import pairwise

from floorwire.auth.failure_throttle import FORGET_US, FREE, LONGEST_US, FailureThrottle

NOW = 1_800_000_000_000_000


def test_the_wait_grows_to_its_bound() -> None:
    throttle: FailureThrottle[str] = FailureThrottle()
    waits = []
    for _ in range(FREE + 40):
        waits.append(throttle.wait_us("a", NOW))
        throttle.fail("a", NOW)
    assert waits[: FREE + 1] == [0] * (FREE + 1)
    growing = waits[FREE + 1 :]
    assert growing[0] > 0
    assert all(later == min(2 * earlier, LONGEST_US) for earlier, later in pairwise(growing))
    assert growing[-1] == LONGEST_US


def test_the_wait_passes() -> None:
    throttle: FailureThrottle[str] = FailureThrottle()
    for _ in range(FREE + 1):
        throttle.fail("a", NOW)
    wait_us = throttle.wait_us("a", NOW)
    assert throttle.wait_us("a", NOW + wait_us - 1) == 1
    assert throttle.wait_us("a", NOW + wait_us) == 0
    assert throttle.wait_us("b", NOW) == 0


def test_failures_are_forgiven_after_a_quiet_while() -> None:
    throttle: FailureThrottle[str] = FailureThrottle()
    for _ in range(FREE + 1):
        throttle.fail("a", NOW)
    throttle.fail("a", NOW + FORGET_US)
    assert throttle.wait_us("a", NOW + FORGET_US) == 0


def test_the_longest_ago_is_forgotten_when_full() -> None:
    throttle: FailureThrottle[str] = FailureThrottle(limit=2)
    for subject in ["a"] * (FREE + 1) + ["b"] * (FREE + 1):
        throttle.fail(subject, NOW)
    throttle.fail("a", NOW)
    throttle.fail("c", NOW)
    assert throttle.wait_us("a", NOW) > 0
    assert throttle.wait_us("b", NOW) == 0
