"""Read turns: each address has a share of a turn, and those who wait alternate by address."""

from __future__ import annotations

from collections import Counter
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorwire.hub.read_turns import READ_BYTES, TURN_BYTES, ReadShare, ReadTurns
from floorwire.hub.turn_queue import TURN_US, TurnQueue

STEP_US = TURN_US // 4


class Loop:
    """The turns of an event loop. Each step that is noted takes ``STEP_US``."""

    def __init__(self) -> None:
        self.now_us = 0
        self.noted: list[str] = []
        self._next: list[object] = []
        self.turns = TurnQueue(lambda: self.now_us, self._next.append)

    def note(self, name: str) -> None:
        self.now_us += STEP_US
        self.noted.append(name)

    def turn(self) -> list[str]:
        """Do one turn. Return what was noted in it."""
        calls, self._next[:] = list(self._next), []
        self.noted = []
        for call in calls:
            assert callable(call)
            call()
        return self.noted


@pytest.fixture
def loop() -> Loop:
    return Loop()


@pytest.fixture
def reads(loop: Loop) -> ReadTurns:
    return ReadTurns(loop.turns.add)


def spend(share: ReadShare) -> int:
    """Take what there is, in the smallest reads. Return how many there were."""
    count = 0
    while share.allow(1):
        count += 1
    return count


def test_an_address_is_read_so_much_in_a_turn_and_again_in_the_next(loop: Loop, reads: ReadTurns) -> None:
    share = reads.share("192.0.2.1")
    for _ in range(3):
        assert spend(share) == -(-TURN_BYTES // (READ_BYTES + 1))
        loop.turn()


def test_one_large_read_is_not_refused(reads: ReadTurns) -> None:
    share = reads.share("192.0.2.1")
    assert share.allow(10 * TURN_BYTES)
    assert not share.allow(1)


def test_connections_of_an_address_share_and_others_do_not(reads: ReadTurns) -> None:
    spend(reads.share("192.0.2.1"))
    assert not reads.share("192.0.2.1").allow(1)
    assert reads.share("192.0.2.2").allow(1)


def test_one_customer_of_ipv6_is_one_address(reads: ReadTurns) -> None:
    assert reads.share("2001:db8::1") is reads.share("2001:db8::2")


def test_those_who_wait_alternate_by_address(loop: Loop, reads: ReadTurns) -> None:
    greedy, other = reads.share("192.0.2.1"), reads.share("192.0.2.2")
    for number in range(8):
        greedy.wait(partial(loop.note, f"greedy {number}"))
    other.wait(partial(loop.note, "other"))
    assert loop.turn() == ["greedy 0", "other", "greedy 1", "greedy 2"]
    assert loop.turn() == [f"greedy {number}" for number in (3, 4, 5, 6)]


def test_nobody_overtakes_those_who_wait(loop: Loop, reads: ReadTurns) -> None:
    share = reads.share("192.0.2.1")
    for _ in range(8):
        share.wait(partial(loop.note, "waits"))
    loop.turn()
    assert not share.allow(1)
    loop.turn()
    assert share.allow(1)


def test_a_step_that_raises_stops_nobody_else(loop: Loop, reads: ReadTurns) -> None:
    def fail() -> None:
        raise LookupError

    share = reads.share("192.0.2.1")
    share.wait(fail)
    share.wait(partial(loop.note, "next"))
    with pytest.raises(LookupError):
        loop.turn()
    assert loop.turn() == ["next"]
    assert share.allow(1)


def test_a_step_that_waits_again_goes_to_the_end(loop: Loop, reads: ReadTurns) -> None:
    share = reads.share("192.0.2.1")

    def again() -> None:
        loop.note("first")
        share.wait(partial(loop.note, "again"))

    share.wait(again)
    share.wait(partial(loop.note, "second"))
    assert loop.turn() == ["first", "second", "again"]


def test_the_shares_of_too_many_addresses_are_forgotten_unless_they_wait(loop: Loop) -> None:
    reads = ReadTurns(loop.turns.add, limit=3)
    waiting = reads.share("192.0.2.1")
    waiting.wait(partial(loop.note, "waits"))
    others = [reads.share(f"192.0.2.{number}") for number in (2, 3, 4)]
    assert reads.share("192.0.2.1") is waiting
    assert reads.share("192.0.2.2") is not others[0]
    spend(others[0])
    loop.turn()
    assert others[0].allow(1), "its connections still have it"


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(1, 600)), max_size=300))
def test_no_turn_handles_more_than_its_share(asked: list[tuple[str, int]]) -> None:
    loop = Loop()
    reads = ReadTurns(loop.turns.add)
    direct: Counter[str] = Counter()
    for name, size in asked:
        share = reads.share(name)
        if share.allow(size):
            direct[name] += size + READ_BYTES
        else:
            share.wait(partial(loop.note, name))
    assert all(handled < TURN_BYTES + 600 + READ_BYTES for handled in direct.values())
    waiting = sum(len(reads.share(name).waiting) for name in "abcd")
    while waiting:
        handled = len(loop.turn())
        assert 0 < handled <= TURN_US // STEP_US
        waiting -= handled
    loop.turn()
    assert all(reads.share(name).allow(1) for name in "abcd")
