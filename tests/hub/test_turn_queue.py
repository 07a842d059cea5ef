"""The turn queue: short turns of all clients together, owners by turns, a failed step is dropped alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from floorwire.hub.turn_queue import AT_ONCE_US, TURN_US, Step, TurnQueue


class Loop:
    """An event loop whose turns end, and whose time passes, when the test says so."""

    def __init__(self) -> None:
        self.now_us = 0
        self.due: list[Callable[[], None]] = []
        self.queue = TurnQueue(lambda: self.now_us, self.due.append)
        self.done: list[str] = []

    def work(self, name: str, steps: int, step_us: int) -> Step:
        """Return work of so many steps."""
        left = iter(range(steps - 1, -1, -1))

        def step() -> bool:
            self.done.append(name)
            self.now_us += step_us
            return next(left) > 0

        return step

    def add(self, name: str, steps: int, step_us: int, owner: str = "x") -> None:
        """Add such work to the queue."""
        self.queue.add(self.work(name, steps, step_us), owner)

    def turn(self) -> str:
        """End one turn; return whose steps were done in it."""
        due, self.due[:] = list(self.due), []
        for callback in due:
            callback()
        done, self.done = "".join(self.done), []
        return done


def test_steps_alternate_and_a_turn_is_short() -> None:
    loop = Loop()
    loop.add("a", 3, TURN_US // 3)
    loop.add("b", 4, TURN_US // 3)
    assert loop.done == [], "nothing is done at once"
    assert [loop.turn() for _ in range(4)] == ["abab", "abb", "", ""]
    assert loop.due == [], "an empty queue asks for no turn"


def test_a_long_step_ends_the_turn() -> None:
    loop = Loop()
    loop.add("a", 2, 10 * TURN_US)
    loop.add("b", 1, 1)
    assert [loop.turn() for _ in range(3)] == ["a", "ba", ""]


def test_a_step_that_fails_is_dropped_and_the_others_go_on() -> None:
    loop = Loop()

    def fails() -> bool:
        raise LookupError

    loop.queue.add(fails, "x")
    loop.add("b", 2, 1)
    with pytest.raises(LookupError):
        loop.turn()
    assert loop.turn() == "bb"
    assert len(loop.queue) == 0


# --- owners -----------------------------------------------------------------------------------------


def test_owners_take_turns_however_many_steps_each_has() -> None:
    loop = Loop()
    for name in "abc":
        loop.add(name, 2, TURN_US // 2, owner="many")
    loop.add("N", 2, TURN_US // 2, owner="one")
    assert [loop.turn() for _ in range(5)] == ["aN", "bN", "ca", "bc", ""]


def test_who_comes_later_waits_for_one_step_of_each_other_owner() -> None:
    loop = Loop()
    for owner in "abc":
        for _ in range(100):
            loop.add(owner, 1, TURN_US, owner=owner)
    assert loop.turn() == "a"
    loop.add("N", 1, TURN_US, owner="n")
    assert [loop.turn() for _ in range(4)] == ["b", "c", "a", "N"]


def test_a_step_that_fails_costs_others_of_its_owner_nothing() -> None:
    loop = Loop()

    def fails() -> bool:
        raise LookupError

    loop.queue.add(fails, "x")
    loop.add("a", 1, 1, owner="x")
    loop.add("b", 1, 1, owner="y")
    with pytest.raises(LookupError):
        loop.turn()
    assert loop.turn() == "ba"


# --- what is done at once, and what a step causes ---------------------------------------------------


def test_what_all_may_have_done_at_once_is_bounded_in_each_turn() -> None:
    loop = Loop()
    for _ in range(3):
        admitted = [loop.queue.admits(AT_ONCE_US // 10) for _ in range(100)]
        assert admitted == [True] * 10 + [False] * 90
        loop.turn()


def test_work_of_any_price_may_be_the_first() -> None:
    loop = Loop()
    for _ in range(2):
        assert loop.queue.admits(10 * AT_ONCE_US)
        assert not loop.queue.admits(1)
        loop.turn()


def test_what_a_step_makes_others_do_counts_as_its_own_work() -> None:
    loop = Loop()

    def starts_something() -> bool:
        loop.done.append("s")
        loop.queue.charge(TURN_US // 2)
        return False

    for _ in range(5):
        loop.queue.add(starts_something, "x")
    assert [loop.turn() for _ in range(4)] == ["ss", "ss", "s", ""]


async def test_who_waits_is_woken_in_its_turn_and_who_left_costs_nothing() -> None:
    loop = Loop()
    woken: list[str] = []

    async def wait(name: str) -> None:
        await loop.queue.wait(name, TURN_US)
        woken.append(name)

    tasks = [asyncio.create_task(wait(name)) for name in "abc"]
    await asyncio.sleep(0)
    tasks[0].cancel()
    await asyncio.sleep(0)
    loop.turn()
    await asyncio.sleep(0)
    assert woken == ["b"]
    loop.turn()
    await asyncio.sleep(0)
    assert woken == ["b", "c"]
    assert len(loop.queue) == 0
