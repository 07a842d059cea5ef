"""Early orders: an order's identity before it is decided, and its booking where only that is on the disk.

``docs/live-orders.md`` has their states.
"""

from __future__ import annotations

import msgspec

from floorwire.core.remote_order_messages import ClientIdForm
from floorwire.engine.accounts import Accounts
from floorwire.engine.remote_orders import RemoteOrders


class EarlyOrder(msgspec.Struct, frozen=True, array_like=True):
    """The id that the next order gets, and the form of the id that its venue gets."""

    order_id: int
    form: ClientIdForm


def next_order(
    accounts: Accounts, remote: RemoteOrders | None, account: str, client_order_id: str, order_id: int
) -> EarlyOrder | None:
    """Return the identity of the account's next order; None where the request would not become a new order.

    ``remote``: the orders at its venue, if that is outside this process. ``order_id``: the next one.
    """
    if remote is None or remote.account != account or not remote.is_ready:
        return None
    known = accounts.by_name.get(account)
    if known is None or client_order_id in known.by_client:
        return None
    return EarlyOrder(order_id, remote.policy.client_ids)
