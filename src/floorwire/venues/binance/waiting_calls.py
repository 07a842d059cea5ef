"""Requests to an exchange that wait until they may be sent."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

RequestT = TypeVar("RequestT")
MOST_WAITING = 1_000
"""Requests in each of the two queues. One more is refused."""


class WaitingRequests(Generic[RequestT]):
    """Two queues, each in the order in which requests came. The urgent ones go first."""

    __slots__ = ("_others", "_urgent")

    def __init__(self) -> None:
        self._urgent: deque[tuple[int, RequestT]] = deque()
        self._others: deque[tuple[int, RequestT]] = deque()

    def add(self, request: RequestT, from_us: int, *, is_urgent: bool) -> bool:
        """Add a request that may be sent from this time on. False, and not added, where the queue is full."""
        queue = self._urgent if is_urgent else self._others
        if len(queue) >= MOST_WAITING:
            return False
        queue.append((from_us, request))
        return True

    def take(self, now_us: int, may_send: Callable[[RequestT], bool]) -> RequestT | None:
        """Return the next request that may be sent now; None where there is none.

        ``may_send`` is asked about the first one of a queue. It may spend a budget: what it allows is sent.
        """
        for queue in (self._urgent, self._others):
            if queue and queue[0][0] <= now_us and may_send(queue[0][1]):
                return queue.popleft()[1]
        return None

    def __len__(self) -> int:
        return len(self._urgent) + len(self._others)
