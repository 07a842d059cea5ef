"""Pending requests: what was sent and not answered yet, by the number that the answer will name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

What = TypeVar("What")
NEVER_US = 1 << 62


class PendingRequests(Generic[What]):
    """At most ``most`` requests. The caller looks at ``is_full`` before it sends one more.

    All of them have the same time to be answered, so the oldest is the first that is overdue.
    """

    __slots__ = ("_last", "_most", "_pending", "_wait_us")

    def __init__(self, most: int, wait_us: int) -> None:
        """``wait_us``: how long to wait for an answer."""
        self._most = most
        self._wait_us = wait_us
        self._last = 0
        self._pending: dict[int, tuple[What, int]] = {}
        """By number: the request, and when its answer is overdue."""

    @property
    def is_full(self) -> bool:
        """Whether no more may be sent."""
        return len(self._pending) >= self._most

    def add(self, what: What, now_us: int) -> int:
        """Return the number of a new request. No number comes twice."""
        self._last += 1
        self._pending[self._last] = what, now_us + self._wait_us
        return self._last

    def get(self, number: int) -> What | None:
        """Return the request that waits for this answer; None if there is none."""
        found = self._pending.get(number)
        return None if found is None else found[0]

    def take(self, number: int) -> What | None:
        """Return the request that this answer is for, and forget it; None if there is none."""
        found = self._pending.pop(number, None)
        return None if found is None else found[0]

    def take_overdue(self, now_us: int) -> Iterator[What]:
        """Yield the requests whose answers are overdue, and forget them."""
        while self.due_us() <= now_us:
            number = next(iter(self._pending))
            yield self._pending.pop(number)[0]

    def take_all(self) -> list[What]:
        """Return all requests, and forget them: their answers will not come."""
        taken = [what for what, _ in self._pending.values()]
        self._pending.clear()
        return taken

    def due_us(self) -> int:
        """Return when the next answer is overdue."""
        first = next(iter(self._pending.values()), None)
        return NEVER_US if first is None else first[1]

    def __iter__(self) -> Iterator[tuple[int, What]]:
        """Yield number and request of each, the oldest first."""
        for number, (what, _) in self._pending.items():
            yield number, what

    def __len__(self) -> int:
        return len(self._pending)
