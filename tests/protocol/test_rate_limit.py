"""The token bucket against one that counts tokens in fractions."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorwire.protocol.rate_limit import BURST_S, KeyedRateLimit, TokenBucket

START_US = 1_000_000_000
NOW = 1_800_000_000_000_000
DAY_US = 86_400_000_000


class Naive:
    """Tokens that drip into a bucket, exactly."""

    def __init__(self, interval_us: int, burst: int) -> None:
        self.interval_us, self.burst = interval_us, burst
        self.tokens, self.at_us = Fraction(burst), START_US

    def allow(self, now_us: int) -> bool:
        self.tokens = min(Fraction(self.burst), self.tokens + Fraction(now_us - self.at_us, self.interval_us))
        self.at_us = now_us
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


@given(
    st.sampled_from([1, 4, 1000, 1_000_000]),
    st.integers(1, 5),
    st.lists(st.one_of(st.just(0), st.integers(0, 3_000_000)), max_size=60),
)
def test_it_allows_what_a_dripping_bucket_allows(rate: int, burst: int, pauses_us: list[int]) -> None:
    bucket, naive, now_us = TokenBucket(rate, burst), Naive(1_000_000 // rate, burst), START_US
    for pause_us in pauses_us:
        now_us += pause_us
        assert bucket.allow(now_us) == naive.allow(now_us)


@given(st.integers(1, 1000), st.integers(1, 10), st.integers(0, 20))
def test_after_the_wait_one_token_is_there_and_not_before(rate: int, burst: int, taken: int) -> None:
    bucket = TokenBucket(rate, burst)
    for _ in range(taken):
        bucket.allow(START_US)
    wait_us = bucket.wait_us(START_US)
    assert (wait_us == 0) == (taken < burst)
    if wait_us:
        assert not bucket.allow(START_US + wait_us - 1)
    assert bucket.allow(START_US + wait_us)


def test_it_is_full_again_when_all_tokens_are_back() -> None:
    bucket = TokenBucket(per_second=10, burst=2)
    assert bucket.is_full(START_US)
    bucket.allow(START_US)
    bucket.allow(START_US)
    assert not bucket.is_full(START_US + 199_999)
    assert bucket.is_full(START_US + 200_000)


def test_a_refused_take_takes_nothing() -> None:
    bucket = TokenBucket(per_second=1, burst=1)
    assert bucket.allow(START_US)
    assert not any(bucket.allow(START_US + at_us) for at_us in range(0, 1_000_000, 100_000))
    assert bucket.allow(START_US + 1_000_000)


@given(
    st.integers(1, 1_000),
    st.integers(1, 50),
    st.lists(st.one_of(st.integers(-DAY_US, DAY_US), st.integers(-5_000, 5_000)), max_size=60),
)
def test_no_wait_is_longer_than_an_interval_whatever_the_time_does(
    per_second: int, burst: int, moves: list[int]
) -> None:
    bucket, now_us = TokenBucket(per_second, burst), START_US
    interval_us = round(1_000_000 / per_second)
    for move_us in moves:
        now_us = max(0, now_us + move_us)
        assert bucket.wait_us(now_us) <= interval_us
        if not bucket.allow(now_us):
            wait_us = bucket.wait_us(now_us)
            assert 0 < wait_us <= interval_us
            assert bucket.allow(now_us + wait_us), "who has waited is let in"
            now_us += wait_us


@pytest.mark.parametrize("now_us", [0, 1, 1_800_000_000_000_000])
def test_a_new_bucket_is_full_whatever_the_time(now_us: int) -> None:
    bucket = TokenBucket(per_second=1, burst=1)
    assert bucket.is_full(now_us)
    assert bucket.wait_us(now_us) == 0
    assert bucket.allow(now_us)
    assert not bucket.is_full(now_us)
    assert not bucket.allow(now_us)
    assert bucket.wait_us(now_us) == 1_000_000


def test_each_subject_has_its_own_rate() -> None:
    rates = KeyedRateLimit(per_second=10)
    allowed = sum(rates.allow("a", NOW) for _ in range(100))
    assert allowed == 10 * BURST_S
    assert rates.wait_us("a", NOW) == 100_000
    assert rates.allow("b", NOW)
    assert rates.wait_us("b", NOW) == rates.wait_us("c", NOW) == 0
    assert rates.allow("a", NOW + 100_000)


def test_subjects_at_rest_make_room_first() -> None:
    rates = KeyedRateLimit(per_second=1, limit=4)
    for subject in "abc":
        rates.allow(subject, NOW)
    for _ in range(BURST_S):
        rates.allow("busy", NOW + 1_000_000)
    rates.allow("new", NOW + 1_000_000)
    assert not rates.allow("busy", NOW + 1_000_000)


def test_where_all_are_busy_the_later_half_stays() -> None:
    rates = KeyedRateLimit(per_second=1, limit=4)
    for subject in "abcd":
        while rates.allow(subject, NOW):
            pass
    rates.allow("e", NOW)
    assert [rates.allow(subject, NOW) for subject in "dcba"] == [False, False, True, True]
