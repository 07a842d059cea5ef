from __future__ import annotations

from floorwire.auth.keyed_rate_limit import BURST_S, KeyedRateLimit

NOW = 1_800_000_000_000_000


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
