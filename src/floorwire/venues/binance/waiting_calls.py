"""Cancels and reads of Binance that wait until they may be sent."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from floorwire.venues.binance.order_requests import Call, Cancelling

MOST_WAITING = 1_000
"""Requests in each of the two queues. One more is refused, and its sender asks again later."""


class WaitingCalls:
    """Two queues, each in the order in which requests came. Cancels go first."""

    __slots__ = ("_cancels", "_reads")

    def __init__(self) -> None:
        self._cancels: deque[tuple[int, Call]] = deque()
        self._reads: deque[tuple[int, Call]] = deque()

    def add(self, call: Call, from_us: int) -> bool:
        """Add a request that may be sent from this time on. False, and not added, where the queue is full."""
        queue = self._cancels if isinstance(call.purpose, Cancelling) else self._reads
        if len(queue) >= MOST_WAITING:
            return False
        queue.append((from_us, call))
        return True

    def take(self, now_us: int, may_send: Callable[[Call], bool]) -> Call | None:
        """Return the next request that may be sent now; None where there is none.

        ``may_send`` is asked about the first one of a queue. It may spend a budget: what it allows is sent.
        """
        for queue in (self._cancels, self._reads):
            if queue and queue[0][0] <= now_us and may_send(queue[0][1]):
                return queue.popleft()[1]
        return None

    def __len__(self) -> int:
        return len(self._cancels) + len(self._reads)
