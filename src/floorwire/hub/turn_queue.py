"""Turn queue: long work of clients, cut into short turns of the event loop.

One turn does ``TURN_US`` of the queue's work. Then everything else has its turn: venues, orders, and the
fan-out. The steps of all clients alternate, so that nobody waits for the end of another one's work.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TypeAlias

TURN_US = 1_000
"""How long the queue works in one turn. The last step may go over it, by about a millisecond at most."""

Step: TypeAlias = Callable[[], bool]
"""Does a part of some work. Returns whether more is left."""


class TurnQueue:
    """Runs steps round robin. It has at most one step of each client and wire: their owners see to that."""

    def __init__(
        self, now_us: Callable[[], int], at_turn_end: Callable[[Callable[[], None]], object]
    ) -> None:
        self._now_us = now_us
        self._at_turn_end = at_turn_end
        self._steps: deque[Step] = deque()
        self._is_scheduled = False

    def add(self, step: Step) -> None:
        """Run the step from the next turn on, until it returns False."""
        self._steps.append(step)
        self._schedule()

    def _schedule(self) -> None:
        if self._steps and not self._is_scheduled:
            self._is_scheduled = True
            self._at_turn_end(self._run_turn)

    def _run_turn(self) -> None:
        self._is_scheduled = False
        end_us = self._now_us() + TURN_US
        try:
            while self._steps:
                step = self._steps.popleft()
                if step():
                    self._steps.append(step)
                if self._now_us() >= end_us:
                    break
        finally:  # A step that raises is dropped. The others go on.
            self._schedule()

    def __len__(self) -> int:
        return len(self._steps)
