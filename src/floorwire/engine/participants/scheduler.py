"""The agenda: whose turn is next, in simulated time."""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import Protocol


class Actor(Protocol):
    """Who takes turns."""

    due_us: int
    """When the next turn is; the agenda writes it. Turns entered for another time were replaced."""

    def act(self, now_us: int) -> int:
        """Do what there is to do; return when to come back."""
        ...


class Scheduler:
    """Turns in order of time; at one time in the order in which they were entered."""

    def __init__(self) -> None:
        self._turns: list[tuple[int, int, Actor]] = []
        self._entered = 0

    def enter(self, actor: Actor, at_us: int) -> None:
        """Give the actor its next turn at this time, and no other."""
        self._entered += 1
        actor.due_us = at_us
        heappush(self._turns, (at_us, self._entered, actor))

    def hasten(self, actor: Actor, at_us: int) -> None:
        """Give the actor its turn at this time where it would come later."""
        if at_us < actor.due_us:
            self.enter(actor, at_us)

    def next_us(self) -> int:
        """Return when the next turn is. Somebody is always entered."""
        turns = self._turns
        while turns[0][0] != turns[0][2].due_us:
            heappop(turns)
        return turns[0][0]

    def run_next(self) -> None:
        """Let the next actor take its turn. Comes after ``next_us``."""
        at_us, _, actor = heappop(self._turns)
        self.enter(actor, max(actor.act(at_us), at_us + 1))

    def postpone(self, by_us: int) -> None:
        """Move every turn into the future: nothing happened in between."""
        self._turns = [(at_us + by_us, n, actor) for at_us, n, actor in self._turns if actor.due_us == at_us]
        heapify(self._turns)
        for at_us, _, actor in self._turns:
            actor.due_us = at_us
