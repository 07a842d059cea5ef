"""The limits of open orders, and the amends of them whose result is to come.

Bybit answers an amend when it is accepted for processing. That it is done shows the stream, by the new limit.
"""

from __future__ import annotations

from floorwire.core.remote_order_messages import AmendOrder, OrderSeen
from floorwire.venues.bybit import order_requests
from floorwire.venues.common.order_amounts import AmountError, amount

MOST_ORDERS = 20_000
"""Orders whose limit is known. Of others both price and quantity are sent."""


class OrderAmends:
    """By client id. Orders that ended are forgotten."""

    def __init__(self) -> None:
        self._limits: dict[str, tuple[str, str]] = {}
        """Price and quantity."""
        self._sent: dict[str, tuple[AmendOrder, int]] = {}
        """The last amend of each order that has one on its way, and the number of its request."""

    def limit(self, client_id: str, price: str | None, quantity: str | None) -> None:
        """Remember the limit of an order."""
        is_known = client_id in self._limits or len(self._limits) < MOST_ORDERS
        if is_known and price is not None and quantity is not None:
            self._limits[client_id] = price, quantity

    def argument(self, command: AmendOrder, native: str) -> order_requests.Argument | None:
        """Return the request to amend; None where nothing would change."""
        price, quantity = self._limits.get(command.client_id, ("", ""))
        is_new_price = not _is_same(price, command.price)
        is_new_quantity = not _is_same(quantity, command.quantity)
        if not (is_new_price or is_new_quantity):
            return None
        return order_requests.amend(command, native, price=is_new_price, quantity=is_new_quantity)

    def sent(self, command: AmendOrder, number: int) -> None:
        """An amend is on its way; ``number`` is that of its request."""
        if command.client_id in self._limits or len(self._sent) < MOST_ORDERS:
            self._sent[command.client_id] = command, number

    def ended(self, client_id: str) -> None:
        """The amend of an order was refused, or nobody knows what became of it."""
        self._sent.pop(client_id, None)

    def seen(self, seen: OrderSeen) -> int | None:
        """Take in what the stream says of an order. Return the number of the amend that it shows as done."""
        if seen.state != "open":
            self._limits.pop(seen.client_id, None)
            self._sent.pop(seen.client_id, None)
            return None
        self.limit(seen.client_id, seen.price, seen.quantity)
        sent, number = self._sent.get(seen.client_id, (None, 0))
        if sent is None or not (_is_same(seen.price, sent.price) and _is_same(seen.quantity, sent.quantity)):
            return None
        del self._sent[seen.client_id]
        return number


def _is_same(text: str | None, other: str) -> bool:
    try:
        return text is not None and amount(text) == amount(other)
    except AmountError:
        return False
