from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorwire.auth.replay_cache import ReplayCache, ReplayCacheFullError


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 40))))
def test_a_thing_works_once_in_its_time(uses: list[tuple[int, int]]) -> None:
    once: ReplayCache[int] = ReplayCache(keep_us=60, limit=100)
    now, used = 0, dict[int, int]()
    for thing, later in uses:
        now += later
        is_fresh = thing not in used or now - used[thing] > 60
        assert once.use(thing, now) is is_fresh
        if is_fresh:
            used[thing] = now


def test_it_refuses_rather_than_forgets() -> None:
    once: ReplayCache[int] = ReplayCache(keep_us=60, limit=2)
    assert once.use(1, 0)
    assert once.use(2, 1)
    assert not once.use(1, 2)
    with pytest.raises(ReplayCacheFullError):
        once.use(3, 60)
    assert once.use(3, 61)
    assert len(once) == 2
