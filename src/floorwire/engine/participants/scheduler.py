"""Which participant acts next, in simulated time."""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import Protocol


class Actor(Protocol):
    """Something that the scheduler calls at its times."""

    due_us: int
    """When it acts next. Only the scheduler writes it; a turn in the queue for another time is void."""

    def act(self, now_us: int) -> int:
        """Act once; return the time of the next turn, in microseconds."""
        ...


class Scheduler:
    """A queue of turns in order of time; turns of the same time in the order in which they were scheduled."""

    def __init__(self) -> None:
        self._turns: list[tuple[int, int, Actor]] = []
        """A heap of time, number and actor. It may hold turns that a later call has replaced."""
        self._last_number = 0

    def schedule(self, actor: Actor, at_us: int) -> None:
        """Give the actor one turn, at this time, in place of any other."""
        self._last_number += 1
        actor.due_us = at_us
        heappush(self._turns, (at_us, self._last_number, actor))

    def schedule_sooner(self, actor: Actor, at_us: int) -> None:
        """Move the actor's turn to this time, unless it comes sooner already."""
        if at_us < actor.due_us:
            self.schedule(actor, at_us)

    def next_us(self) -> int:
        """Return the time of the next turn. At least one actor must be scheduled."""
        turns = self._turns
        while turns[0][0] != turns[0][2].due_us:
            heappop(turns)
        return turns[0][0]

    def run_next(self) -> None:
        """Let the next actor act, and schedule its next turn. Call ``next_us`` first: it drops void turns."""
        at_us, _, actor = heappop(self._turns)
        self.schedule(actor, max(actor.act(at_us), at_us + 1))

    def postpone(self, by_us: int) -> None:
        """Move every turn by ``by_us`` microseconds into the future, as if that time had not passed."""
        self._turns = [(at_us + by_us, n, actor) for at_us, n, actor in self._turns if actor.due_us == at_us]
        heapify(self._turns)
        for at_us, _, actor in self._turns:
            actor.due_us = at_us
