"""Remote state: what the journal has of orders at venues outside this process, besides the orders themselves.

It follows from the events alone, like all of ``Accounts``.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from msgspec.structs import replace

from floorwire.core.account_events import (
    AccountEvent,
    OrderFilled,
    OrderSubmitting,
    OrderWorking,
    Quarantined,
    QuarantineReleased,
    VenueCursorSet,
)


class RemoteOrder(msgspec.Struct, frozen=True, array_like=True):
    """An order at a venue outside this process: its ids there, and which of its executions are booked."""

    order_id: int
    venue: str
    account: str
    client_id: str
    venue_order_id: str = ""
    """"" while the venue has not told it."""
    executions: tuple[str, ...] = ()


class RemoteSnapshot(msgspec.Struct, frozen=True, array_like=True):
    """The remote state in a snapshot."""

    orders: list[RemoteOrder] = []
    cursors: list[tuple[str, str, str]] = []
    quarantine: list[Quarantined] = []
    last_number: int = 0


class VenueOrderIndex:
    """Finds an order by its ids at a venue."""

    __slots__ = ("_by_client", "_by_venue", "orders")

    def __init__(self) -> None:
        self.orders: dict[int, RemoteOrder] = {}
        """By order id. As long as the accounts keep the order."""
        self._by_client: dict[tuple[str, str], int] = {}
        self._by_venue: dict[tuple[str, str], int] = {}

    def add(self, remote: RemoteOrder) -> None:
        """Add an order, or the ids that it has now."""
        self.orders[remote.order_id] = remote
        self._by_client[remote.venue, remote.client_id] = remote.order_id
        if remote.venue_order_id:
            self._by_venue[remote.venue, remote.venue_order_id] = remote.order_id

    def find(self, venue: str, client_id: str, venue_order_id: str) -> RemoteOrder | None:
        """Return the order with this id of ours, or with this id of the venue; None where there is none."""
        order_id = self._by_client.get((venue, client_id)) if client_id else None
        if order_id is None and venue_order_id:
            order_id = self._by_venue.get((venue, venue_order_id))
        return None if order_id is None else self.orders[order_id]

    def forget(self, order_id: int) -> None:
        """Forget an order that the accounts do not keep any more."""
        remote = self.orders.pop(order_id, None)
        if remote is not None:
            self._by_client.pop((remote.venue, remote.client_id), None)
            self._by_venue.pop((remote.venue, remote.venue_order_id), None)


class RemoteState:
    """The orders at remote venues, how far their executions were read, and the quarantine."""

    __slots__ = ("cursors", "index", "last_number", "quarantine")

    def __init__(self) -> None:
        self.index = VenueOrderIndex()
        self.cursors: dict[tuple[str, str], str] = {}
        """By venue and account: the cursor up to which all executions are booked."""
        self.quarantine: dict[int, Quarantined] = {}
        """By number: what was not released yet."""
        self.last_number = 0
        """The highest number that the quarantine has used."""

    def apply(self, event: AccountEvent, venue_of: Callable[[str], str]) -> None:
        """Take in an event of the journal. ``venue_of`` returns the venue of a symbol."""
        if isinstance(event, OrderSubmitting):
            order = event.order
            venue = venue_of(order.ticket.symbol)
            self.index.add(RemoteOrder(order.order_id, venue, event.account, event.client_id))
        elif isinstance(event, OrderWorking):
            remote = self.index.orders[event.order.order_id]
            if event.venue_order_id:
                self.index.add(replace(remote, venue_order_id=event.venue_order_id))
        elif isinstance(event, OrderFilled):
            remote = self.index.orders[event.order.order_id]
            self.index.add(replace(remote, executions=(*remote.executions, event.execution_id)))
        elif isinstance(event, VenueCursorSet):
            self.cursors[event.venue, event.account] = event.cursor
        elif isinstance(event, Quarantined):
            self.quarantine[event.number] = event
            self.last_number = max(self.last_number, event.number)
        elif isinstance(event, QuarantineReleased):
            del self.quarantine[event.number]

    def snapshot(self) -> RemoteSnapshot:
        """Return the state. Later events do not change it."""
        return RemoteSnapshot(
            [remote for _, remote in sorted(self.index.orders.items())],
            sorted((venue, account, cursor) for (venue, account), cursor in self.cursors.items()),
            [one for _, one in sorted(self.quarantine.items())],
            self.last_number,
        )

    @classmethod
    def restored(cls, snapshot: RemoteSnapshot) -> RemoteState:
        """Return the state of a snapshot."""
        state = cls()
        for remote in snapshot.orders:
            state.index.add(remote)
        state.cursors = {(venue, account): cursor for venue, account, cursor in snapshot.cursors}
        state.quarantine = {one.number: one for one in snapshot.quarantine}
        state.last_number = snapshot.last_number
        return state
