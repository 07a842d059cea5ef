"""Requests about orders and money, one Struct for each action.

Decimals are text here. The order checks parse them: the instrument decides how many digits are allowed.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeAlias

from msgspec import UNSET, Meta, UnsetType

from floorwire.core.instrument import Side
from floorwire.core.orders import OrderType, TimeInForce
from floorwire.protocol.requests import SAFE, Request

ClientOrderId: TypeAlias = Annotated[
    str, Meta(min_length=1, max_length=36, extra_json_schema={"pattern": r"^[A-Za-z0-9._-]{1,36}$"})
]
"""Idempotency: the client's own name for an order. The same request sent again is the same order.

1 to 36 of A-Z a-z 0-9 . _ -. The order manager refuses other characters and finds no such order.
"""
ID_PATTERN: Final = r"^[1-9][0-9]{0,18}(?![\s\S])"
ID_FORM: Final = "an id that the server gave: digits, without a leading zero"
"""What a client is told whose id does not fit the pattern."""
OrderId: TypeAlias = Annotated[str, Meta(pattern=ID_PATTERN)]
Amount: TypeAlias = Annotated[
    str,
    Meta(max_length=40, extra_json_schema={"pattern": r"^[0-9]+(\.[0-9]+)?$", "description": "a decimal"}),
]
"""The order checks decide whether it is a decimal that fits the tick and the lot."""
Symbol: TypeAlias = Annotated[str, Meta(max_length=64)]
Time: TypeAlias = Annotated[int, Meta(ge=0, le=SAFE, description="microseconds since the epoch, UTC")]
Flag: TypeAlias = Annotated[bool, Meta(extra_json_schema={"default": False})]
OrderFilter: TypeAlias = Literal["open", "closed", "all", "filled", "cancelled", "rejected", "expired"]
"""Which orders a list has: those in one state, all that are closed, or all."""
TIMES: Final = {"from_us": "from", "to_us": "to"}
"""The names on the wire of the two fields that limit a list by dates."""
MAX_GRACE_S = 600
MIN_DEADMAN_S = 0.1
"""A shorter dead man's timer would run out before the next request can arrive."""
MAX_DEADMAN_S = 86_400
MAX_FILLS = 1_000
MAX_ORDERS = 1_000
"""Orders in one reply."""
MAX_CHANGES = 1_000
"""Changes of balances in one reply."""
MAX_DAYS = 366
"""Days in one reply."""


class OrderPlace(Request, frozen=True, tag="order.place", kw_only=True):
    """Place an order. ``type`` is ``limit`` where it is left out, the flags are false.

    Left out is UNSET here, so that the fields that were given can be counted (``distinct_fields``).
    """

    client_order_id: ClientOrderId
    symbol: Symbol
    side: Side
    type: Annotated[OrderType, Meta(extra_json_schema={"default": "limit"})] | UnsetType = UNSET
    quantity: Amount | UnsetType = UNSET
    quote_quantity: Amount | UnsetType = UNSET
    price: Amount | UnsetType = UNSET
    stop_price: Amount | UnsetType = UNSET
    time_in_force: TimeInForce | UnsetType = UNSET
    expires: Time | UnsetType = UNSET
    post_only: Flag | UnsetType = UNSET
    reduce_only: Flag | UnsetType = UNSET
    deadline: Time | UnsetType = UNSET


class OneOrder(Request, frozen=True, kw_only=True):
    """Names one order: by the gateway's id, or by the client's."""

    order_id: OrderId | UnsetType = UNSET
    client_order_id: ClientOrderId | UnsetType = UNSET


class OrderAmend(OneOrder, frozen=True, tag="order.amend", kw_only=True):
    """Change an open order's price, its quantity, or both."""

    price: Amount | UnsetType = UNSET
    quantity: Amount | UnsetType = UNSET
    deadline: Time | UnsetType = UNSET


class OrderCancel(OneOrder, frozen=True, tag="order.cancel", kw_only=True):
    """Cancel what is open of an order."""


class OrderStatus(OneOrder, frozen=True, tag="order.status", kw_only=True):
    """Return the state of an order."""


class OrderCancelAll(Request, frozen=True, tag="order.cancel_all", kw_only=True):
    """Cancel every open order that the key may see, or those of one symbol."""

    symbol: Symbol | UnsetType = UNSET


class Orders(Request, frozen=True, tag="orders", kw_only=True, rename=TIMES):
    """List orders, or those of one symbol. Without ``state``: open ones, the oldest first, after ``after``.

    With another ``state`` than open: the latest created first, those before the order ``before``, created
    from ``from_us`` on and before ``to_us``.
    """

    limit: Annotated[int, Meta(ge=1, le=MAX_ORDERS)] = MAX_ORDERS
    after: OrderId | UnsetType = UNSET
    symbol: Symbol | UnsetType = UNSET
    state: Annotated[OrderFilter, Meta(extra_json_schema={"default": "open"})] | UnsetType = UNSET
    before: OrderId | UnsetType = UNSET
    from_us: Time | UnsetType = UNSET
    to_us: Time | UnsetType = UNSET


class Fills(Request, frozen=True, tag="fills", kw_only=True, rename=TIMES):
    """List fills, or those of one symbol, the latest first; ``before``: only those older than this fill."""

    limit: Annotated[int, Meta(ge=1, le=MAX_FILLS)] = 100
    before: OrderId | UnsetType = UNSET
    symbol: Symbol | UnsetType = UNSET
    from_us: Time | UnsetType = UNSET
    to_us: Time | UnsetType = UNSET


class Ledger(Request, frozen=True, tag="ledger", kw_only=True, rename=TIMES):
    """List every change of a balance, or those of one asset, the latest first; ``before``: of a change."""

    limit: Annotated[int, Meta(ge=1, le=MAX_CHANGES)] = 100
    before: OrderId | UnsetType = UNSET
    asset: Symbol | UnsetType = UNSET
    from_us: Time | UnsetType = UNSET
    to_us: Time | UnsetType = UNSET


class AccountSummary(Request, frozen=True, tag="account", kw_only=True):
    """Value the account in one currency at the prices of now, and add up its latest days."""

    currency: Symbol | UnsetType = UNSET
    days: Annotated[int, Meta(ge=0, le=MAX_DAYS)] = 30


class Balances(Request, frozen=True, tag="balances", kw_only=True):
    """List what the account has."""


class Positions(Request, frozen=True, tag="positions", kw_only=True):
    """List what the account holds of each instrument."""


class CancelOnDisconnect(Request, frozen=True, tag="session.cancel_on_disconnect", kw_only=True):
    """Cancel the key's open orders when this connection ends and does not come back within the grace."""

    enabled: bool
    grace_s: Annotated[float, Meta(ge=0, le=MAX_GRACE_S)] = 0.0


class Deadman(Request, frozen=True, tag="session.deadman", kw_only=True):
    """Cancel the key's open orders unless asked again within the time; 0 disarms."""

    timeout_s: Annotated[float, Meta(ge=0, le=MAX_DEADMAN_S)]


CommandRequest: TypeAlias = OrderPlace | OrderAmend | OrderCancel | OrderCancelAll
"""Requests that change orders."""
Query: TypeAlias = OrderStatus | Orders | Fills | Balances | Positions | Ledger | AccountSummary
"""Requests that only read."""
GuardRequest: TypeAlias = CancelOnDisconnect | Deadman
"""Requests for protection: cancel orders when the client is gone."""
TradingRequest: TypeAlias = CommandRequest | Query | GuardRequest
