from __future__ import annotations

from floorwire.engine.participants.scheduler import Scheduler


class Doer:
    """Notes its turns; comes back after the same wait each time."""

    def __init__(self, name: str, done: list[tuple[str, int]], wait_us: int = 100) -> None:
        self.due_us = 0
        self._name = name
        self._done = done
        self._wait_us = wait_us

    def act(self, now_us: int) -> int:
        self._done.append((self._name, now_us))
        return now_us + self._wait_us


def run(scheduler: Scheduler, until_us: int) -> None:
    while scheduler.next_us() <= until_us:
        scheduler.run_next()


def test_turns_come_in_order_of_time_and_then_of_entry() -> None:
    scheduler, done = Scheduler(), list[tuple[str, int]]()
    scheduler.enter(Doer("late", done), 30)
    scheduler.enter(Doer("first", done), 10)
    scheduler.enter(Doer("second", done), 10)
    run(scheduler, 115)
    assert done == [("first", 10), ("second", 10), ("late", 30), ("first", 110), ("second", 110)]


def test_a_hastened_actor_has_one_turn_and_no_other() -> None:
    scheduler, done = Scheduler(), list[tuple[str, int]]()
    doer = Doer("doer", done, wait_us=80)
    scheduler.enter(doer, 100)
    scheduler.hasten(doer, 20)  # and is back at 100, when the turn that was replaced would have been
    run(scheduler, 150)
    assert done == [("doer", 20), ("doer", 100)]


def test_nobody_is_hastened_to_later() -> None:
    scheduler, done = Scheduler(), list[tuple[str, int]]()
    doer = Doer("doer", done)
    scheduler.enter(doer, 10)
    scheduler.hasten(doer, 50)
    assert scheduler.next_us() == 10


def test_time_goes_on_even_for_who_does_not_want_to_wait() -> None:
    scheduler, done = Scheduler(), list[tuple[str, int]]()
    scheduler.enter(Doer("eager", done, wait_us=0), 5)
    run(scheduler, 7)
    assert done == [("eager", 5), ("eager", 6), ("eager", 7)]


def test_postponed_turns_keep_their_order_and_their_distances() -> None:
    scheduler, done = Scheduler(), list[tuple[str, int]]()
    hastened = Doer("hastened", done)
    scheduler.enter(hastened, 90)
    scheduler.enter(Doer("b", done), 20)
    scheduler.enter(Doer("a", done), 10)
    scheduler.hasten(hastened, 30)
    scheduler.postpone(1000)
    assert hastened.due_us == 1030
    run(scheduler, 1100)
    assert done == [("a", 1010), ("b", 1020), ("hastened", 1030)]
