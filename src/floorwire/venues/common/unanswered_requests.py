"""Requests about orders that have no answer yet, on links and by REST."""

from __future__ import annotations

from floorwire.core.microseconds import SECOND_US
from floorwire.core.remote_order_messages import PlaceAnswer, PlaceOrder
from floorwire.venues.common.order_outcomes import OrderOutcome, OrderRequest, unknown
from floorwire.venues.common.pending_requests import NEVER_US
from floorwire.venues.common.request_sequences import LONGEST_US

ANSWER_US = 10 * SECOND_US
"""How long to wait for an answer on a link."""
MOST_PENDING = 1_000
"""Requests on links. ``RequestSequences`` limits those by REST."""


class _Group:
    """Requests that all have the same time to be answered: the oldest is the first that is overdue."""

    __slots__ = ("sent", "wait_us")

    def __init__(self, wait_us: int) -> None:
        self.wait_us = wait_us
        self.sent: dict[int, tuple[OrderRequest, str, int]] = {}
        """By number: the request, its link, and when its answer is overdue."""

    def due_us(self) -> int:
        """Return when the first answer is overdue."""
        return next((due_us for _, _, due_us in self.sent.values()), NEVER_US)


class UnansweredRequests:
    """By number. The adapter looks at ``is_full`` before it sends one more on a link.

    An order that the private stream shows is accepted, whether its answer has come or not.
    """

    __slots__ = ("_by_rest", "_last", "_on_links", "_placing")

    def __init__(self) -> None:
        self._on_links = _Group(ANSWER_US)
        self._by_rest = _Group(LONGEST_US)
        self._last = 0
        self._placing: dict[str, int] = {}
        """By client id: the number of the request that places it."""

    @property
    def is_full(self) -> bool:
        """Whether no more may be sent on a link."""
        return len(self._on_links.sent) >= MOST_PENDING

    @property
    def next_number(self) -> int:
        """The number that the next request gets. No number comes twice."""
        return self._last + 1

    def add(self, request: OrderRequest, link: str, now_us: int) -> int:
        """Return the number of a request. ``link``: what carries it; "" for REST."""
        self._last += 1
        group = self._on_links if link else self._by_rest
        group.sent[self._last] = request, link, now_us + group.wait_us
        if isinstance(request, PlaceOrder):
            self._placing[request.client_id] = self._last
        return self._last

    def get(self, number: int) -> OrderRequest | None:
        """Return the request with this number, if it waits for its answer."""
        found = self._on_links.sent.get(number) or self._by_rest.sent.get(number)
        return None if found is None else found[0]

    def take(self, number: int) -> OrderRequest | None:
        """Return the request with this number, if it waits for its answer; it has come."""
        found = self._on_links.sent.pop(number, None) or self._by_rest.sent.pop(number, None)
        if found is None:
            return None
        request = found[0]
        if isinstance(request, PlaceOrder) and self._placing.get(request.client_id) == number:
            del self._placing[request.client_id]
        return request

    def shown(self, client_id: str, venue_order_id: str) -> list[PlaceAnswer]:
        """The private stream shows the order: return the outcome of its request, if that waits."""
        number = self._placing.get(client_id)
        if number is None:
            return []
        self.take(number)
        return [PlaceAnswer(client_id, "accepted", venue_order_id)]

    def overdue(self, now_us: int) -> list[OrderOutcome]:
        """Return the outcomes of requests whose answers are overdue."""
        late = [
            number
            for group in (self._on_links, self._by_rest)
            if group.due_us() <= now_us
            for number, (_, _, due_us) in group.sent.items()
            if due_us <= now_us
        ]
        return self._give_up(late)

    def lost(self, link: str) -> list[OrderOutcome]:
        """Return the outcomes of all requests on a link: it is down, and no answer comes on it."""
        return self._give_up([number for number, sent in self._on_links.sent.items() if sent[1] == link])

    def give_up(self, number: int) -> list[OrderOutcome]:
        """Return the outcome of a request whose answer is of no use; none if it was told already."""
        return self._give_up([number])

    def is_idle(self, link: str) -> bool:
        """Return whether no answer is to come on a link."""
        return all(on != link for _, on, _ in self._on_links.sent.values())

    def due_us(self) -> int:
        """Return when an answer is overdue."""
        return min(self._on_links.due_us(), self._by_rest.due_us())

    def _give_up(self, numbers: list[int]) -> list[OrderOutcome]:
        taken = (self.take(number) for number in numbers)
        return [unknown(request) for request in taken if request is not None]

    def __len__(self) -> int:
        return len(self._on_links.sent) + len(self._by_rest.sent)
