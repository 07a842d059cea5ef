"""A limit of requests: many at once, then one in each interval."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from floorwire.venues.common.request_bucket import RequestBucket


def test_tokens_come_back_one_in_each_interval() -> None:
    bucket = RequestBucket(3, 10, now_us=100)
    assert bucket.spend(2, 100)
    assert not bucket.spend(2, 109), "one is left, and none is taken"
    assert bucket.spend(2, 110)
    assert not bucket.spend(1, 119)
    assert bucket.spend(1, 120)


def test_no_more_come_back_than_were_there() -> None:
    bucket = RequestBucket(3, 10, now_us=0)
    assert not bucket.spend(4, 1_000)
    assert bucket.spend(3, 1_000)
    assert not bucket.spend(1, 1_009)


@given(st.lists(st.tuples(st.integers(-5, 60), st.integers(1, 3)), max_size=60))
def test_the_limit_holds_over_any_time(steps: list[tuple[int, int]]) -> None:
    bucket, now_us, last_us, taken = RequestBucket(5, 10, 0), 0, 0, 0
    for wait_us, requests in steps:
        now_us += wait_us
        last_us = max(last_us, now_us)
        taken += requests if bucket.spend(requests, now_us) else 0
        assert taken <= 5 + last_us // 10
