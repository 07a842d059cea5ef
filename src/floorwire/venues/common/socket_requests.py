"""Order requests on a WebSocket that have no answer yet."""

from __future__ import annotations

from floorwire.core.remote_orders import PlaceAnswer, PlaceOrder
from floorwire.venues.common.order_outcomes import OrderOutcome, OrderRequest, unknown
from floorwire.venues.common.pending_requests import PendingRequests

MOST_PENDING = 1_000


class SocketRequests:
    """At most ``MOST_PENDING``. The adapter looks at ``is_full`` first.

    It rejects one more order, refuses one more amend, and lets one more cancel wait.

    An order that the private stream shows is accepted, whether its answer has come or not.
    """

    def __init__(self, wait_us: int) -> None:
        """``wait_us``: how long to wait for an answer. After that the outcome is unknown."""
        self._pending: PendingRequests[OrderRequest] = PendingRequests(MOST_PENDING, wait_us)
        self._placing: dict[str, int] = {}
        """By client id: the number of the request that places it."""

    @property
    def is_full(self) -> bool:
        """Whether no more may be sent."""
        return self._pending.is_full

    def add(self, request: OrderRequest, now_us: int) -> int:
        """Return the number of a new request."""
        number = self._pending.add(request, now_us)
        if isinstance(request, PlaceOrder):
            self._placing[request.client_id] = number
        return number

    def get(self, number: int) -> OrderRequest | None:
        """Return the request with this number, if it waits for its answer."""
        return self._pending.get(number)

    def take(self, number: int) -> OrderRequest | None:
        """Return the request with this number, if it waits for its answer; it has come."""
        request = self._pending.take(number)
        if isinstance(request, PlaceOrder):
            self._placing.pop(request.client_id, None)
        return request

    def shown(self, client_id: str, venue_order_id: str) -> list[PlaceAnswer]:
        """The private stream shows the order: return the outcome of its request, if that waits."""
        number = self._placing.pop(client_id, None)
        if number is None:
            return []
        self._pending.take(number)
        return [PlaceAnswer(client_id, "accepted", venue_order_id)]

    def overdue(self, now_us: int) -> list[OrderOutcome]:
        """Return the outcomes of requests whose answers are overdue."""
        outcomes: list[OrderOutcome] = []
        for request in self._pending.take_overdue(now_us):
            if isinstance(request, PlaceOrder):
                self._placing.pop(request.client_id, None)
            outcomes.append(unknown(request))
        return outcomes

    def lost(self) -> list[OrderOutcome]:
        """Return the outcomes of all requests: the socket is down, and no answer comes on it."""
        self._placing.clear()
        return [unknown(request) for request in self._pending.take_all()]

    def due_us(self) -> int:
        """Return when an answer is overdue."""
        return self._pending.due_us()

    def __len__(self) -> int:
        return len(self._pending)
