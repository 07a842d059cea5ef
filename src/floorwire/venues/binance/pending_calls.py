"""Requests to Binance that are not answered yet, on sessions and by REST."""

from __future__ import annotations

from floorwire.venues.binance.order_requests import REST, Call, Cancelling


class _Pending:
    __slots__ = ("call", "due_us", "is_told", "late_us", "link")

    def __init__(self, call: Call, link: str, due_us: int, late_us: int) -> None:
        self.call = call
        self.link = link
        self.due_us = due_us
        """When its outcome is unknown; later, when it is forgotten."""
        self.late_us = late_us
        self.is_told = False
        """Whether its sender knows that its time is over."""


class PendingCalls:
    """Requests on their way, by number. Numbers are used once. The caller limits how many there are.

    A request may be kept after its time is over, because a late answer is better than none.
    """

    __slots__ = ("_by_number", "_last")

    def __init__(self) -> None:
        self._by_number: dict[int, _Pending] = {}
        self._last = 0

    def add(self, call: Call, link: str, now_us: int, timeout_us: int, late_us: int = 0) -> int:
        """Return the number of a request. ``link``: what carries it; "" for REST.

        ``late_us``: how long its answer is still taken after ``timeout_us``.
        """
        self._last += 1
        self._by_number[self._last] = _Pending(call, link, now_us + timeout_us, late_us)
        return self._last

    def is_late(self, number: int) -> bool:
        """Return whether the time of a request is over, and its answer is still taken."""
        pending = self._by_number.get(number)
        return pending is not None and pending.is_told

    def answered(self, number: int) -> Call | None:
        """Return the request that an answer is for. None where there is none, or it was given up."""
        pending = self._by_number.pop(number, None)
        return None if pending is None else pending.call

    def expired(self, now_us: int) -> list[Call]:
        """Return the requests whose time is over, each once. Forget those that no answer is taken for."""
        found: list[Call] = []
        for number, pending in list(self._by_number.items()):
            if now_us < pending.due_us:
                continue
            if not pending.is_told:
                found.append(pending.call)
            if pending.is_told or not pending.late_us:
                del self._by_number[number]
            else:
                pending.is_told = True
                pending.due_us += pending.late_us
        return found

    def lost(self, link: str) -> list[Call]:
        """Forget the requests on a link that is down. Return those whose time is not over."""
        gone = [number for number, pending in self._by_number.items() if pending.link == link]
        pending = [self._by_number.pop(number) for number in gone]
        return [one.call for one in pending if not one.is_told]

    def is_waiting(self, link: str) -> bool:
        """Return whether an answer is to come on the link, in time."""
        return any(one.link == link and not one.is_told for one in self._by_number.values())

    def reads(self) -> int:
        """Return how many reads are on their way."""
        calls = (one.call for one in self._by_number.values())
        return sum(call.method in REST and not isinstance(call.purpose, Cancelling) for call in calls)

    def __len__(self) -> int:
        return len(self._by_number)
