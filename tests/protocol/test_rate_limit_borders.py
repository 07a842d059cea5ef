"""A bucket whose clock begins at nothing."""

from __future__ import annotations

import pytest

from floorwire.protocol.rate_limit import TokenBucket


@pytest.mark.parametrize("now_us", [0, 1, 1_800_000_000_000_000])
def test_a_new_bucket_is_full_whatever_the_time(now_us: int) -> None:
    bucket = TokenBucket(per_second=1, burst=1)
    assert bucket.is_full(now_us)
    assert bucket.wait_us(now_us) == 0
    assert bucket.allow(now_us)
    assert not bucket.is_full(now_us)
    assert not bucket.allow(now_us)
    assert bucket.wait_us(now_us) == 1_000_000
