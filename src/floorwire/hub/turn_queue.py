"""Turn queue: what clients make the server do, cut into short turns of the event loop.

There is one for the process, so that the work of all connections together is bounded, and not that of each.

- Short work is done at once, as long as it fits into ``AT_ONCE_US`` of one turn of the loop (``admits``).
  It is counted by fixed prices.
- What does not fit, and each part of long work but the first, is a step in the queue. One turn of the loop
  does ``TURN_US`` of them. Then everything else has its turn: venues, orders, and the fan-out.

Owners are addresses, and accounts at the desk. They take turns, and so do the steps of one owner. So an
address with a thousand connections does not delay the only step of another address.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import TypeAlias

TURN_US = 500
"""How long the queue works in one turn. The last step may go over it, by about a millisecond at most."""
AT_ONCE_US = 1_000
"""The price of what all clients together may have done at once in one turn, without the queue."""

Step: TypeAlias = Callable[[], bool]
"""Does a part of some work. Returns whether more is left."""


class TurnQueue:
    """Runs steps round robin. It has a few steps of each connection at most: their owners see to that."""

    def __init__(
        self, now_us: Callable[[], int], at_turn_end: Callable[[Callable[[], None]], object]
    ) -> None:
        self._now_us = now_us
        self._at_turn_end = at_turn_end
        self._by_owner: OrderedDict[str, deque[Step]] = OrderedDict()
        """The steps of each owner, the next owner first."""
        self._is_scheduled = False
        self._at_once_us = 0
        """The price of what was admitted in this turn."""
        self._caused_us = 0
        """The price of what the steps of this turn make others do."""

    def admits(self, cost_us: int) -> bool:
        """Return whether work of this price may be done at once. It is counted then. The first always may."""
        if not self._at_once_us:
            self._at_turn_end(self._start_turn)
        elif self._at_once_us + cost_us > AT_ONCE_US:
            return False
        self._at_once_us += cost_us
        return True

    def _start_turn(self) -> None:
        self._at_once_us = 0

    def add(self, step: Step, owner: str = "") -> None:
        """Run the step from the next turn on, until it returns False. Without an owner: work of our own."""
        self._by_owner.setdefault(owner, deque()).append(step)
        self._schedule()

    def charge(self, cost_us: int) -> None:
        """Count what the step that runs makes others do in the next turn: the queue does less now."""
        self._caused_us += cost_us

    async def wait(self, owner: str, cost_us: int) -> None:
        """Return in the owner's turn, to do work of this price."""
        is_due = asyncio.get_running_loop().create_future()

        def start() -> bool:
            if not is_due.done():  # who waited was cancelled
                self.charge(cost_us)
                is_due.set_result(None)
            return False

        self.add(start, owner)
        await is_due

    def _schedule(self) -> None:
        if self._by_owner and not self._is_scheduled:
            self._is_scheduled = True
            self._at_turn_end(self._run_turn)

    def _run_turn(self) -> None:
        self._is_scheduled = False
        self._caused_us = 0
        end_us = self._now_us() + TURN_US
        try:
            while self._by_owner:
                self._run_next()
                if self._now_us() + self._caused_us >= end_us:
                    break
        finally:  # A step that raises is dropped. The others go on.
            self._schedule()

    def _run_next(self) -> None:
        owner, steps = next(iter(self._by_owner.items()))
        step = steps.popleft()
        try:
            if step():
                steps.append(step)
        finally:
            if steps:
                self._by_owner.move_to_end(owner)
            else:
                del self._by_owner[owner]

    def __len__(self) -> int:
        return sum(map(len, self._by_owner.values()))
