from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorwire.core.ports import Close, Open
from floorwire.venues.common.private_link import (
    LEAST_WAIT_US,
    MOST_WAIT_US,
    STUCK_US,
    LinkTimes,
    PrivateLink,
    PrivateLinkState,
)
from tests.venues.order_driver import FixedRandom

SECOND = 1_000_000
TIMES = LinkTimes(silent_us=25 * SECOND, ping_us=10 * SECOND)


def link() -> PrivateLink:
    return PrivateLink("private", TIMES, FixedRandom())


def up(now_us: int = 0) -> PrivateLink:
    one = link()
    one.open("wss://a", now_us)
    one.opened(now_us)
    one.accepted(now_us)
    return one


def test_life_of_a_link() -> None:
    one = link()
    assert one.due(0) == "open"
    assert one.open("wss://a", 0) == Open("private", "wss://a")
    assert not one.received(1)  # nothing comes before it is open
    assert one.opened(1)
    assert not one.opened(2)
    assert one.due(2) == "nothing"
    one.accepted(3)
    assert one.is_up
    assert one.close("silent", 4) == [Close("private", "silent")]
    assert not one.received(5)
    assert one.close("again", 6) == []
    one.lost(7)
    assert one.state is PrivateLinkState.WAITING


def test_illegal_transitions_raise() -> None:
    one = link()
    with pytest.raises(ValueError, match="WAITING is not SIGNING_IN"):
        one.accepted(0)
    one.open("wss://a", 0)
    with pytest.raises(ValueError, match="OPENING is not WAITING"):
        one.open("wss://a", 0)


def test_quiet_link_is_pinged_then_closed() -> None:
    one = up()
    assert one.due_us() == 10 * SECOND
    assert one.due(10 * SECOND) == "ping"
    assert one.due(10 * SECOND) == "nothing"
    assert one.due(20 * SECOND) == "ping"
    assert one.due(25 * SECOND) == "silent"
    one.received(25 * SECOND)
    assert one.due(26 * SECOND) == "nothing"


def test_opening_and_signing_in_take_no_longer_than_they_may() -> None:
    one = link()
    one.open("wss://a", 0)
    assert one.due(20 * SECOND) == "not_accepted"
    one.opened(20 * SECOND)
    one.received(39 * SECOND)
    assert one.due(39 * SECOND) == "nothing"
    assert one.due(40 * SECOND) == "not_accepted"


def test_closing_that_takes_too_long_is_over() -> None:
    one = up()
    one.close("silent", 0)
    assert one.due(STUCK_US - 1) == "nothing"
    assert one.due(STUCK_US) == "lost"


def test_waits_grow_and_begin_small_again_after_a_minute_up() -> None:
    one, waits = link(), []
    now_us = 0
    for _ in range(8):
        one.open("wss://a", now_us)
        one.lost(now_us)
        waits.append(one.due_us() - now_us)
        now_us = one.due_us()
    assert waits == [n * SECOND // 2 for n in (1, 2, 4, 8, 16, 32, 60, 60)]
    one.open("wss://a", now_us)
    one.opened(now_us)
    one.accepted(now_us)
    one.lost(now_us + 60 * SECOND)
    assert one.due_us() - now_us - 60 * SECOND == SECOND // 2


def test_refusal_waits_at_least_so_long() -> None:
    one = up()
    one.close("refused", 0, 30 * SECOND)
    one.lost(1)
    assert one.due_us() == 30 * SECOND


def test_waits_of_a_crowd_differ() -> None:
    waits = set()
    for seed in range(20):
        one = PrivateLink("private", TIMES, Random(seed))
        for _ in range(5):
            one.open("wss://a", 0)
            one.lost(0)
        waits.add(one.due_us())
        assert LEAST_WAIT_US <= one.due_us() <= MOST_WAIT_US
    assert len(waits) > 15


@given(st.lists(st.tuples(st.sampled_from("orcld"), st.integers(0, 40 * SECOND)), max_size=40))
def test_whatever_happens_something_is_due_in_the_end(steps: list[tuple[str, int]]) -> None:
    one, now_us = link(), 0
    for what, pause_us in steps:
        now_us += pause_us
        if what == "o":
            one.opened(now_us)
        elif what == "r":
            one.received(now_us)
        elif what == "c":
            one.close("why", now_us)
        elif what == "l":
            one.lost(now_us)
        else:
            due = one.due(now_us)
            if due == "open":
                one.open("wss://a", now_us)
            elif due == "lost":
                one.lost(now_us)
            elif due in ("silent", "not_accepted"):
                one.close(due, now_us)
            assert one.due(now_us) == "nothing"
        assert one.due(one.due_us()) != "nothing"
