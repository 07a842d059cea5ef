from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorwire.auth.replay_cache import ReplayCache, ReplayCacheFullError, SignedLogin, UsedLogins

NOW = 1_000


def cache(limit: int = 100, spare: int = 0) -> ReplayCache:
    return ReplayCache(keep_us=60, limit=limit, spare=spare)


def login(ts_us: int, key: str = "k") -> SignedLogin:
    return SignedLogin(key, ts_us)


@given(st.lists(st.tuples(st.integers(-30, 30), st.integers(0, 40))), st.integers(0, 5))
def test_a_login_works_once_in_its_time(uses: list[tuple[int, int]], spare: int) -> None:
    """Each is signed within 30 of the date, as the caller has checked."""
    replays, now, used = cache(spare=spare), NOW, set[int]()
    for off, later in uses:
        now += later
        assert replays.use(login(now + off), now) is (now + off not in used)
        used.add(now + off)


def test_it_refuses_rather_than_forgets() -> None:
    replays = cache(limit=2)
    assert replays.use(login(1), 0)
    assert replays.use(login(2), 1)
    assert not replays.use(login(1), 2)
    with pytest.raises(ReplayCacheFullError):
        replays.use(login(3), 60)
    assert replays.use(login(3), 61)
    assert len(replays) == 2


def test_what_is_spare_is_remembered_when_the_clock_is_set_back() -> None:
    replays = cache(spare=2)
    for now in (NOW, NOW + 1, NOW + 500):
        assert replays.use(login(now), now)
    assert len(replays) == 3
    assert replays.use(login(NOW + 501), NOW + 501), "one is forgotten"
    assert not replays.use(login(NOW + 1), NOW), "remembered"
    assert not replays.use(login(NOW), NOW), "forgotten, so nothing up to its date is taken"
    assert replays.is_too_old(login(NOW, "other"))
    assert replays.use(login(NOW + 1, "other"), NOW), "nobody else is locked out"


def test_what_survives_is_a_date_and_the_logins_signed_later() -> None:
    replays = cache()
    for ts in (NOW - 5, NOW, NOW + 3, NOW + 2):
        replays.use(login(ts), NOW)
    assert replays.state(NOW, 10) == UsedLogins(NOW, (login(NOW + 2), login(NOW + 3)))
    assert replays.state(NOW + 2, 10) == UsedLogins(NOW + 2, (login(NOW + 3),))
    assert replays.state(NOW, 1) == UsedLogins(NOW + 2, (login(NOW + 3),)), "the clock was set back"
    assert replays.state(NOW, 10).later == (login(NOW + 2), login(NOW + 3))


def test_after_a_restart_nothing_that_was_used_is_good() -> None:
    replays = cache()
    replays.restore(UsedLogins(NOW, (login(NOW + 3),)), NOW + 1)
    for ts in (NOW - 5, NOW, NOW + 3):
        assert not replays.use(login(ts), NOW + 1)
    assert replays.use(login(NOW + 2), NOW + 1)
    assert replays.use(login(NOW + 3, "other"), NOW + 1)


@given(
    st.lists(st.tuples(st.integers(-30, 30), st.integers(-90, 90), st.booleans()), max_size=40),
    st.integers(0, 4),
    st.integers(0, 4),
)
def test_no_login_is_good_twice_whatever_the_clock_and_restarts_do(
    uses: list[tuple[int, int, bool]], most: int, spare: int
) -> None:
    """Each use is kept before it counts. Restarts lose all else; the clock goes ahead and back."""
    replays, now, used = cache(spare=spare), 10_000, set[int]()
    for off, step, is_restarted in uses:
        now += step
        ts = now + off
        if replays.use(login(ts), now):
            assert ts not in used
            used.add(ts)
        kept = replays.state(now, most)
        assert len(kept.later) <= most
        if is_restarted:
            replays = cache(spare=spare)
            replays.restore(kept, now)
            assert not any(replays.use(login(each), now) for each in used)
