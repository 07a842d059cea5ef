from __future__ import annotations

from floorwire.engine.participants.scheduler import Scheduler


class RecordingActor:
    """Records its turns; asks for the next one after the same wait each time."""

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


def test_turns_come_in_order_of_time_and_then_of_scheduling() -> None:
    scheduler, done = Scheduler(), list[tuple[str, int]]()
    scheduler.schedule(RecordingActor("late", done), 30)
    scheduler.schedule(RecordingActor("first", done), 10)
    scheduler.schedule(RecordingActor("second", done), 10)
    run(scheduler, 115)
    assert done == [("first", 10), ("second", 10), ("late", 30), ("first", 110), ("second", 110)]


def test_an_actor_scheduled_sooner_has_one_turn_and_no_other() -> None:
    scheduler, done = Scheduler(), list[tuple[str, int]]()
    actor = RecordingActor("actor", done, wait_us=80)
    scheduler.schedule(actor, 100)
    scheduler.schedule_sooner(actor, 20)  # its next turn is at 100, the time of the turn that was replaced
    run(scheduler, 150)
    assert done == [("actor", 20), ("actor", 100)]


def test_schedule_sooner_never_makes_a_turn_later() -> None:
    scheduler, done = Scheduler(), list[tuple[str, int]]()
    actor = RecordingActor("actor", done)
    scheduler.schedule(actor, 10)
    scheduler.schedule_sooner(actor, 50)
    assert scheduler.next_us() == 10


def test_time_moves_on_even_if_an_actor_asks_for_no_wait() -> None:
    scheduler, done = Scheduler(), list[tuple[str, int]]()
    scheduler.schedule(RecordingActor("eager", done, wait_us=0), 5)
    run(scheduler, 7)
    assert done == [("eager", 5), ("eager", 6), ("eager", 7)]


def test_postponed_turns_keep_their_order_and_their_distances() -> None:
    scheduler, done = Scheduler(), list[tuple[str, int]]()
    sooner = RecordingActor("sooner", done)
    scheduler.schedule(sooner, 90)
    scheduler.schedule(RecordingActor("b", done), 20)
    scheduler.schedule(RecordingActor("a", done), 10)
    scheduler.schedule_sooner(sooner, 30)
    scheduler.postpone(1000)
    assert sooner.due_us == 1030
    run(scheduler, 1100)
    assert done == [("a", 1010), ("b", 1020), ("sooner", 1030)]
