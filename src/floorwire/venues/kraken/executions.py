"""The channel ``executions`` of Kraken: what its rows say about orders.

After the first row of an order only what changed is in a row. So what was said before is kept, as long as the
order is open.
"""

from __future__ import annotations

from floorwire.core.codes import Code
from floorwire.core.remote_order_messages import Executed, OrderSeen, SeenState
from floorwire.venues.common.decimals import rfc3339_us
from floorwire.venues.common.order_amounts import is_zero
from floorwire.venues.kraken.account_requests import end_of
from floorwire.venues.kraken.order_messages import ExecutionRow, is_given, number

MOST_ORDERS = 10_000
"""How many orders are kept. The one of which nothing came for the longest time is forgotten."""

BY_STATUS: dict[str, SeenState] = {
    "pending_new": "open",
    "new": "open",
    "partially_filled": "open",
    "filled": "filled",
    "canceled": "cancelled",
    "expired": "expired",
}
LIMITED = ("limit", "stop-loss-limit")
FIRST = ("pending_new", "new")
BY_TYPE: dict[str, SeenState] = {"canceled": "cancelled", "expired": "expired", "filled": "filled"}


class _Known:
    """What rows have said about an order."""

    __slots__ = ("client_id", "filled", "is_limit", "price", "quantity", "time_in_force")

    def __init__(self) -> None:
        self.client_id = ""
        self.filled: str | None = None
        self.price: str | None = None
        self.quantity: str | None = None
        self.is_limit = False
        self.time_in_force = ""

    def take(self, row: ExecutionRow) -> None:
        """Take in a row. Raises AmountError."""
        self.client_id = row.cl_ord_id or self.client_id
        self.time_in_force = row.time_in_force or self.time_in_force
        self.is_limit = row.order_type in LIMITED if row.order_type else self.is_limit
        if is_given(row.cum_qty):
            self.filled = number(row.cum_qty)
        elif self.filled is None and row.exec_type in FIRST:
            self.filled = "0"
        if is_given(row.limit_price):
            self.price = number(row.limit_price)
        if is_given(row.order_qty):
            self.quantity = number(row.order_qty)


class Executions:
    """What the channel has said. A new link begins a new one: its snapshot has all open orders."""

    def __init__(self) -> None:
        self._orders: dict[str, _Known] = {}
        self._sequence = 0

    def follows(self, sequence: int | None) -> bool:
        """Return whether a frame is the next one. Kraken counts 1, 2, 3; a gap is a lost frame."""
        if sequence is None:
            return True
        is_next = sequence == self._sequence + 1
        self._sequence = sequence
        return is_next

    def read(self, row: ExecutionRow, *, is_snapshot: bool) -> list[Executed | OrderSeen]:
        """Return what a row says: an execution first, then the state that counts it. Raises ValueError."""
        before = self._orders.get(row.order_id)
        client_id = row.cl_ord_id or (before.client_id if before is not None else "")
        executed = _executed(row, client_id)
        if executed is not None and is_snapshot:
            return [executed]  # of the past: its state is not the present one
        known = self._orders.pop(row.order_id, None) or _Known()
        known.take(row)
        seen = _seen(row, known)
        if seen is None or seen.state == "open":
            self._keep(row.order_id, known)
        return [report for report in (executed, seen) if report is not None]

    def _keep(self, order_id: str, known: _Known) -> None:
        if len(self._orders) >= MOST_ORDERS:
            del self._orders[next(iter(self._orders))]
        self._orders[order_id] = known


def _executed(row: ExecutionRow, client_id: str) -> Executed | None:
    if (
        row.exec_type != "trade"
        or not row.exec_id
        or not is_given(row.last_qty)
        or not is_given(row.last_price)
    ):
        return None
    fee, asset = (number(row.fees[0].qty), row.fees[0].asset) if row.fees else ("0", "")
    return Executed(
        client_id=client_id,
        venue_order_id=row.order_id,
        execution_id=row.exec_id,
        trade_id="" if row.trade_id is None else str(row.trade_id),
        price=number(row.last_price),
        quantity=number(row.last_qty),
        liquidity="maker" if row.liquidity_ind == "m" else "taker",
        fee=fee,
        fee_asset=asset,
    )


def _seen(row: ExecutionRow, known: _Known) -> OrderSeen | None:
    """Return the state of the order; None where the row says none, or how much is filled is not known.

    A row of an execution may say ``partially_filled`` of the last one too: the end has a row of its own.
    """
    state = BY_STATUS.get(row.order_status) or BY_TYPE.get(row.exec_type)
    if state is None or known.filled is None:
        return None
    code: Code | None = None
    if state == "cancelled":
        state, code = end_of(known.filled, row.reason, known.time_in_force)
    return OrderSeen(
        client_id=known.client_id,
        venue_order_id=row.order_id,
        state=state,
        filled=known.filled,
        updated=rfc3339_us(row.timestamp) if row.timestamp else 0,
        price=known.price if known.is_limit and known.price and not is_zero(known.price) else None,
        quantity=known.quantity if known.is_limit else None,
        code=code,
    )
