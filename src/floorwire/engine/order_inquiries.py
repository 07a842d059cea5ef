"""Order inquiries: when a remote venue is asked about which order, and what it said so far.

Nothing of this is journalled. A query has a number. An answer with an unknown number, such as one to a query
from before the accounts were read again, counts for nothing.
"""

from __future__ import annotations

from heapq import heappop, heappush

from floorwire.core.remote_order_messages import OrderSeen, RemotePolicy

NEVER_US = 1 << 62
MOST_LATE = 64
"""Queries without an answer in time whose late answers count. The oldest one is forgotten first."""


class OrderInquiry:
    """What is going on about one order."""

    __slots__ = (
        "amend_sent_us",
        "asked_amend",
        "cancel_sent_us",
        "due_us",
        "end",
        "end_lots",
        "is_asked",
        "is_cancel_sent",
        "is_sent",
        "misses",
        "sent_us",
        "shown_us",
        "updated",
    )

    def __init__(self, now_us: int) -> None:
        self.sent_us = now_us
        """When the order was sent; after a start, when it was found in the journal. "Not found" counts
        from it."""
        self.cancel_sent_us = self.amend_sent_us = now_us
        self.asked_amend = (0, 0)
        """Price and lots of the amend on its way."""
        self.due_us = NEVER_US
        """When to ask the venue about the order."""
        self.is_asked = False
        """Whether a query is on its way."""
        self.is_cancel_sent = False
        """Whether this process sent a cancel of the order."""
        self.is_sent = False
        """Whether this process sent the order. It is sent once."""
        self.misses = 0
        """How many queries in a row did not find the order."""
        self.shown_us = 0
        """When the venue last showed that it has the order. A query that was asked before proves nothing."""
        self.end: OrderSeen | None = None
        """The venue's word that the order is over, while fills of it are missing."""
        self.end_lots = 0
        """How many lots it says are filled."""
        self.updated = 0
        """The latest time or sequence of the order that the venue told."""


class OrderInquiries:
    """The inquiries about all orders of an account at a venue. At most ``policy.queries`` are on their
    way."""

    def __init__(self, policy: RemotePolicy, now_us: int) -> None:
        self._policy = policy
        self._by_order: dict[int, OrderInquiry] = {}
        """Bounded by the open orders: an order that closes is forgotten."""
        self._due: list[tuple[int, int]] = []
        """A heap of times and order ids. An entry counts only if it is the order's present time."""
        self._queries: dict[int, tuple[int, int]] = {}
        """By number: the order id, and when it was asked."""
        self._late: dict[int, tuple[int, int]] = {}
        """The same of queries that were given up."""
        self._last_query = now_us  # above those of an earlier opening of the journal

    def of(self, order_id: int, now_us: int) -> OrderInquiry:
        """Return the order's inquiry."""
        inquiry = self._by_order.get(order_id)
        if inquiry is None:
            inquiry = self._by_order[order_id] = OrderInquiry(now_us)
        return inquiry

    def ask_at(self, order_id: int, at_us: int, now_us: int) -> None:
        """Ask about the order at this time. An earlier time that was set before counts."""
        inquiry = self.of(order_id, now_us)
        if at_us < inquiry.due_us:
            inquiry.due_us = at_us
            heappush(self._due, (at_us, order_id))

    def settle(self, order_id: int) -> None:
        """The venue has said what was asked."""
        inquiry = self._by_order.get(order_id)
        if inquiry is not None:
            inquiry.due_us = NEVER_US
            inquiry.misses = 0

    def forget(self, order_id: int) -> None:
        """The order is closed."""
        self._by_order.pop(order_id, None)

    def due_us(self) -> int:
        """Return when the next order is due."""
        while self._due:
            due_us, order_id = self._due[0]
            inquiry = self._by_order.get(order_id)
            if inquiry is not None and inquiry.due_us == due_us:
                return due_us
            heappop(self._due)
        return NEVER_US

    def pop_due(self, now_us: int) -> list[int]:
        """Return the ids of the orders that are due, and that may be asked about now."""
        self._expire(now_us)
        taken: list[int] = []
        while self.due_us() <= now_us:
            _, order_id = heappop(self._due)
            inquiry = self._by_order[order_id]
            inquiry.due_us = NEVER_US
            if len(self._queries) + len(taken) >= self._policy.queries:
                self.ask_at(order_id, now_us + self._policy.query_us, now_us)
            else:
                taken.append(order_id)
        return taken

    def ask(self, order_id: int, now_us: int) -> int | None:
        """Return the number of a new query; None where one is on its way."""
        inquiry = self.of(order_id, now_us)
        # asked again then, if no answer comes
        self.ask_at(order_id, now_us + self._policy.answer_us, now_us)
        if inquiry.is_asked:
            return None
        inquiry.is_asked = True
        self._last_query += 1
        self._queries[self._last_query] = order_id, now_us
        return self._last_query

    def answered(self, query: int) -> tuple[int, int] | None:
        """Return the order of a query, and when it was asked. None where the order closed meanwhile."""
        is_late = query in self._late
        asked = self._late.pop(query) if is_late else self._queries.pop(query, None)
        inquiry = None if asked is None else self._by_order.get(asked[0])
        if inquiry is None:
            return None
        if not is_late:
            inquiry.is_asked = False
        inquiry.due_us = NEVER_US
        return asked

    def is_waiting_for_fills(self) -> bool:
        """Return whether fills are missing that the venue has counted."""
        return any(inquiry.end is not None for inquiry in self._by_order.values())

    def _expire(self, now_us: int) -> None:
        """Ask again where no answer came in time. A late answer counts all the same: where a query waits long
        for the venue's budget, each one would be late. It proves no more than was true when it was asked."""
        for query, (order_id, asked_us) in list(self._queries.items()):
            if now_us - asked_us < self._policy.answer_us:
                return  # they are in the order in which they were asked
            self._late[query] = self._queries.pop(query)
            if len(self._late) > MOST_LATE:
                del self._late[next(iter(self._late))]
            inquiry = self._by_order.get(order_id)
            if inquiry is not None:
                inquiry.is_asked = False
