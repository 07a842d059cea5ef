"""Admission: limits in all, by address and by time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from floorwire.access.admission import (
    HANDSHAKE_BURST_S,
    KEPT_SHARE,
    MAX_REJECTED,
    Admission,
    AdmissionVerdict,
)

NOW_US = 1_700_000_000_000_000


def test_so_many_connections_and_one_leaves_for_another() -> None:
    admission = Admission(
        connections=2, per_address=9, handshakes_per_second=100, handshakes_per_address=9_999
    )
    assert [admission.admit(address, NOW_US) for address in "abc"] == [
        AdmissionVerdict.ADMITTED,
        AdmissionVerdict.ADMITTED,
        AdmissionVerdict.TOO_MANY,
    ]
    admission.release("a", AdmissionVerdict.ADMITTED)
    admission.release("c", AdmissionVerdict.TOO_MANY)
    assert admission.admit("c", NOW_US) is AdmissionVerdict.ADMITTED


def test_so_many_connections_from_one_address() -> None:
    admission = Admission(
        connections=9, per_address=1, handshakes_per_second=100, handshakes_per_address=9_999
    )
    assert [admission.admit(address, NOW_US) for address in "aab"] == [
        AdmissionVerdict.ADMITTED,
        AdmissionVerdict.TOO_MANY,
        AdmissionVerdict.ADMITTED,
    ]
    admission.release("a", AdmissionVerdict.ADMITTED)
    assert admission.admit("a", NOW_US) is AdmissionVerdict.ADMITTED


def test_an_address_over_its_limit_takes_nobody_elses_place() -> None:
    admission = Admission(
        connections=3, per_address=1, handshakes_per_second=100, handshakes_per_address=9_999
    )
    assert {admission.admit("greedy", NOW_US) for _ in range(50)} == {
        AdmissionVerdict.ADMITTED,
        AdmissionVerdict.TOO_MANY,
    }
    assert [admission.admit(address, NOW_US) for address in "ab"] == [AdmissionVerdict.ADMITTED] * 2


def test_so_many_handshakes_a_second() -> None:
    admission = Admission(
        connections=99, per_address=99, handshakes_per_second=2, handshakes_per_address=9_999
    )
    burst = 2 * HANDSHAKE_BURST_S
    assert [admission.admit(f"192.0.2.{number}", NOW_US) for number in range(burst + 1)] == [
        *[AdmissionVerdict.ADMITTED] * burst,
        AdmissionVerdict.TOO_FAST,
    ]
    assert admission.admit("192.0.2.99", NOW_US + 500_000) is AdmissionVerdict.ADMITTED


def test_an_address_that_connects_all_the_time_leaves_handshakes_to_others() -> None:
    admission = Admission(
        connections=9_999, per_address=9_999, handshakes_per_second=32, handshakes_per_address=32
    )
    burst, now_us = 32 * HANDSHAKE_BURST_S, NOW_US
    verdicts = [admission.admit("192.0.2.1", now_us) for _ in range(burst)]
    kept = burst // KEPT_SHARE
    assert verdicts == [AdmissionVerdict.ADMITTED] * (burst - kept) + [AdmissionVerdict.TOO_FAST] * kept
    for number in range(kept):
        assert admission.admit(f"198.51.100.{number}", now_us) is AdmissionVerdict.ADMITTED
    for _ in range(1_000):
        now_us += 10_000
        admission.admit("192.0.2.1", now_us)
    assert admission.admit("198.51.100.1", now_us) is AdmissionVerdict.ADMITTED


def test_an_address_alone_has_the_whole_rate() -> None:
    admission = Admission(
        connections=9_999, per_address=9_999, handshakes_per_second=32, handshakes_per_address=32
    )
    now_us, admitted = NOW_US, 0
    for _ in range(100 * 60):
        now_us += 10_000
        admitted += admission.admit("192.0.2.1", now_us) is AdmissionVerdict.ADMITTED
    assert admitted >= 32 * 60


def test_only_so_many_are_told_at_once() -> None:
    admission = Admission(connections=1, per_address=1, handshakes_per_second=1, handshakes_per_address=9_999)
    verdicts = [admission.admit("a", NOW_US) for _ in range(1 + MAX_REJECTED + 2)]
    assert verdicts[-3:] == [AdmissionVerdict.TOO_MANY, AdmissionVerdict.DROPPED, AdmissionVerdict.DROPPED]
    admission.release("a", AdmissionVerdict.DROPPED)
    assert admission.admit("a", NOW_US) is AdmissionVerdict.DROPPED
    admission.release("a", AdmissionVerdict.TOO_MANY)
    assert admission.admit("a", NOW_US) is AdmissionVerdict.TOO_MANY


@given(
    st.lists(
        st.one_of(
            st.tuples(st.sampled_from("abc"), st.sampled_from([0, 300_000, 2_000_000])),
            st.integers(0, 20),
        ),
        max_size=60,
    )
)
def test_the_limits_hold_whoever_comes_and_goes(steps: list[tuple[str, int] | int]) -> None:
    admission, now_us = (
        Admission(connections=5, per_address=3, handshakes_per_second=3, handshakes_per_address=9_999),
        NOW_US,
    )
    here: list[tuple[str, AdmissionVerdict]] = []
    for step in steps:
        if isinstance(step, tuple):
            now_us += step[1]
            here.append((step[0], admission.admit(step[0], now_us)))
        elif here:
            admission.release(*here.pop(step % len(here)))
        admitted = [address for address, verdict in here if verdict is AdmissionVerdict.ADMITTED]
        assert admission.admitted == len(admitted) <= 5
        assert max((admitted.count(address) for address in admitted), default=0) <= 3
        assert admission.rejected == len(here) - len(admitted)
    for address, verdict in here:
        admission.release(address, verdict)
    assert [admission.admit(address, now_us + 10_000_000) for address in "abc"] == [
        AdmissionVerdict.ADMITTED
    ] * 3


def test_so_many_handshakes_a_second_from_one_address() -> None:
    admission = Admission(
        connections=999, per_address=999, handshakes_per_second=999, handshakes_per_address=2
    )
    verdicts = [admission.admit("192.0.2.1", NOW_US) for _ in range(2 * HANDSHAKE_BURST_S + 1)]
    assert verdicts[-1] is AdmissionVerdict.TOO_FAST
    assert set(verdicts[:-1]) == {AdmissionVerdict.ADMITTED}
    assert admission.admit("192.0.2.2", NOW_US) is AdmissionVerdict.ADMITTED


def test_one_customer_of_ipv6_is_one_address() -> None:
    admission = Admission(connections=9, per_address=2, handshakes_per_second=100, handshakes_per_address=100)
    assert admission.admit("2001:db8::1", NOW_US) is AdmissionVerdict.ADMITTED
    assert admission.admit("2001:db8::2", NOW_US) is AdmissionVerdict.ADMITTED
    assert admission.admit("2001:db8::3", NOW_US) is AdmissionVerdict.TOO_MANY
    assert admission.admit("2001:db8:0:1::1", NOW_US) is AdmissionVerdict.ADMITTED
    admission.release("2001:db8::1", AdmissionVerdict.ADMITTED)
    assert admission.admit("2001:db8::3", NOW_US) is AdmissionVerdict.ADMITTED


def test_a_proxys_connections_count_in_all_only() -> None:
    admission = Admission(connections=3, per_address=1, handshakes_per_second=1, handshakes_per_address=1)
    assert [admission.admit_proxy() for _ in range(4)] == [
        *[AdmissionVerdict.PROXIED] * 3,
        AdmissionVerdict.TOO_MANY,
    ]
    admission.release("10.0.0.1", AdmissionVerdict.PROXIED)
    assert admission.admitted == 2
    assert admission.admit("192.0.2.1", NOW_US) is AdmissionVerdict.ADMITTED
