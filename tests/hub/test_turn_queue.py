"""The turn queue: short turns, every owner's steps by turns, and a failed step is dropped alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from floorwire.hub.turn_queue import TURN_US, Step, TurnQueue


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

    def turn(self) -> str:
        """End one turn; return whose steps were done in it."""
        due, self.due[:] = list(self.due), []
        for callback in due:
            callback()
        done, self.done = "".join(self.done), []
        return done


def test_steps_alternate_and_a_turn_is_short() -> None:
    loop = Loop()
    loop.queue.add(loop.work("a", 3, TURN_US // 3))
    loop.queue.add(loop.work("b", 4, TURN_US // 3))
    assert loop.done == [], "nothing is done at once"
    assert [loop.turn() for _ in range(4)] == ["abab", "abb", "", ""]
    assert loop.due == [], "an empty queue asks for no turn"


def test_a_long_step_ends_the_turn() -> None:
    loop = Loop()
    loop.queue.add(loop.work("a", 2, 10 * TURN_US))
    loop.queue.add(loop.work("b", 1, 1))
    assert [loop.turn() for _ in range(3)] == ["a", "ba", ""]


def test_a_step_that_fails_is_dropped_and_the_others_go_on() -> None:
    loop = Loop()

    def fails() -> bool:
        raise LookupError

    loop.queue.add(fails)
    loop.queue.add(loop.work("b", 2, 1))
    with pytest.raises(LookupError):
        loop.turn()
    assert loop.turn() == "bb"
    assert len(loop.queue) == 0
