"""Requests to an exchange that are not answered yet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

RequestT = TypeVar("RequestT")
NEVER_US = 1 << 62


class _Pending(Generic[RequestT]):
    __slots__ = ("due_us", "is_told", "late_us", "link", "request")

    def __init__(self, request: RequestT, link: str, due_us: int, late_us: int) -> None:
        self.request = request
        self.link = link
        self.due_us = due_us
        """When its outcome is unknown; later, when it is forgotten."""
        self.late_us = late_us
        self.is_told = False
        """Whether the caller knows that its time is over."""


class PendingRequests(Generic[RequestT]):
    """Requests on their way, by number. Numbers are used once.

    The caller limits how many there are (``len``). A request may be kept after its time is over, because a
    late answer is better than none.
    """

    __slots__ = ("_by_number", "_last")

    def __init__(self) -> None:
        self._by_number: dict[int, _Pending[RequestT]] = {}
        self._last = 0

    def add(self, request: RequestT, link: str, now_us: int, timeout_us: int, late_us: int = 0) -> int:
        """Return the number of a request. ``link``: what carries it; "" for an HTTP request.

        ``late_us``: how long its answer is still taken after ``timeout_us``.
        """
        self._last += 1
        self._by_number[self._last] = _Pending(request, link, now_us + timeout_us, late_us)
        return self._last

    def is_late(self, number: int) -> bool:
        """Return whether the time of a request is over, and its answer is still taken."""
        pending = self._by_number.get(number)
        return pending is not None and pending.is_told

    def answered(self, number: int) -> RequestT | None:
        """Return the request that an answer is for. None where there is none, or it was given up."""
        pending = self._by_number.pop(number, None)
        return None if pending is None else pending.request

    def expired(self, now_us: int) -> list[RequestT]:
        """Return the requests whose time is over, each once. Forget those that no answer is taken for."""
        found: list[RequestT] = []
        for number, pending in list(self._by_number.items()):
            if now_us < pending.due_us:
                continue
            if not pending.is_told:
                found.append(pending.request)
            if pending.is_told or not pending.late_us:
                del self._by_number[number]
            else:
                pending.is_told = True
                pending.due_us += pending.late_us
        return found

    def lost(self, link: str) -> list[RequestT]:
        """Forget the requests on a link that is down. Return those whose time is not over."""
        gone = [number for number, pending in self._by_number.items() if pending.link == link]
        pending = [self._by_number.pop(number) for number in gone]
        return [one.request for one in pending if not one.is_told]

    def is_waiting(self, link: str) -> bool:
        """Return whether an answer is to come on the link, in time."""
        return any(one.link == link and not one.is_told for one in self._by_number.values())

    def count(self, is_counted: Callable[[RequestT], bool]) -> int:
        """Return how many requests are of a kind."""
        return sum(is_counted(one.request) for one in self._by_number.values())

    def due_us(self) -> int:
        """Return when ``expired`` has something to do."""
        return min((one.due_us for one in self._by_number.values()), default=NEVER_US)

    def __len__(self) -> int:
        return len(self._by_number)
