from __future__ import annotations

import pytest

from floorwire.core.microseconds import SECOND_US
from floorwire.venues.common.backoff import Backoff, no_jitter


def test_the_longest_wait_grows_with_each_failure_and_begins_anew_after_a_success() -> None:
    waits = Backoff((1, 2, 4), no_jitter)
    assert [waits.next_us() // SECOND_US for _ in range(5)] == [1, 2, 4, 4, 4]
    waits.succeeded()
    assert waits.next_us() == SECOND_US


@pytest.mark.parametrize(("share", "wait_us"), [(0.0, 0), (0.5, SECOND_US), (1.0, 2 * SECOND_US)])
def test_a_wait_is_anywhere_up_to_the_longest(share: float, wait_us: int) -> None:
    assert Backoff((2,), lambda: share).next_us() == wait_us
