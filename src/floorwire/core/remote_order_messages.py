"""Orders at a venue outside this process: what is sent to it, and what it reports.

``engine.remote_orders`` decides what is sent and what a report means. A connector sends it, and turns what
the venue says into reports. ``docs/live-orders.md`` has the states of an order.

Prices and quantities are decimal text in both directions. An order keeps the steps that it was made with, and
only the accounts know these. A report that names no whole steps quarantines its order and does no other harm.
Symbols in commands have no venue: ``BTC-USDT``.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from floorwire.core.codes import Code
from floorwire.core.instrument import Side
from floorwire.core.microseconds import SECOND_US
from floorwire.core.orders import Liquidity, OrderType, TimeInForce

ClientIdForm: TypeAlias = Literal["text", "hex", "uuid"]
"""``text``: at most 27 lower case letters and digits. ``hex``: 32 hexadecimal digits. ``uuid``: these with
dashes.
"""
SeenState: TypeAlias = Literal["open", "filled", "cancelled", "rejected", "expired"]
"""What a venue says that an order is."""


class RemotePolicy(msgspec.Struct, frozen=True):
    """What a venue promises about orders, as its sheet says."""

    client_ids: ClientIdForm = "text"
    can_amend: bool = False
    """Whether an amend of an order exists that keeps the order."""
    amends_stops: bool = True
    """Whether it exists for stop orders, too."""
    misses: int = 3
    """How often a query has to answer "not found" until that is believed."""
    lag_us: int = 10 * SECOND_US
    """"Not found" proves nothing this long after a request was sent: it may still arrive."""
    answer_us: int = 10 * SECOND_US
    """How long to wait for the answer to a request. After that its outcome is unknown."""
    query_us: int = 2 * SECOND_US
    """The time between two queries about the same order."""
    fills_us: int = SECOND_US
    """How long fills may be missing that a state of the order counts. Then they are asked for."""
    reconcile_us: int = 60 * SECOND_US
    """How often the account is reconciled while nothing happens."""
    queries: int = 8
    """How many queries may be on their way. Further ones wait."""


# --- what is sent ------------------------------------------------------------------------------------


class PlaceOrder(msgspec.Struct, frozen=True):
    """Place an order. Its intent is durable. It is sent once, whatever the answer is."""

    client_id: str
    """Unique for ever. ``order_id`` is in it."""
    order_id: int
    symbol: str
    side: Side
    type: OrderType
    time_in_force: TimeInForce
    quantity: str | None
    """None: ``quote_quantity`` has the amount to spend."""
    quote_quantity: str | None
    price: str | None
    worst_price: str
    """The order may not trade at a worse price: the balance that it holds is for this one. The limit of a
    limit order; for a market order send a limit order that takes or ends (ioc), where the venue has no better
    way."""
    stop_price: str | None
    post_only: bool
    reduce_only: bool
    expires_us: int | None


class CancelOrder(msgspec.Struct, frozen=True):
    """Cancel an order. It may be sent again: to cancel twice does no harm."""

    client_id: str
    venue_order_id: str
    symbol: str


class AmendOrder(msgspec.Struct, frozen=True):
    """Change the price, the quantity (filled parts included) or both. It is sent once."""

    client_id: str
    venue_order_id: str
    symbol: str
    price: str
    quantity: str


class QueryOrder(msgspec.Struct, frozen=True):
    """Ask what the venue has of an order, with its executions. An ``OrderAnswer`` with the number follows."""

    query: int
    client_id: str
    venue_order_id: str
    symbol: str


class Reconcile(msgspec.Struct, frozen=True):
    """Ask for open orders, then executions since ``cursor``, then balances, in this order of requests.

    A ``ReconcileAnswer`` or ``ReconcileFailed`` with the number follows. ``cursor`` is the venue's own
    text: the last that came with an answer, "" for the first time.
    """

    request: int
    cursor: str
    is_second_look: bool = False
    """All was read a moment ago, and only balances may differ: these are enough, where reads are few."""


RemoteCommand: TypeAlias = PlaceOrder | CancelOrder | AmendOrder | QueryOrder | Reconcile

# --- what is reported --------------------------------------------------------------------------------


class LinkUp(msgspec.Struct, frozen=True):
    """The account's private stream is up, with all its subscriptions."""


class LinkDown(msgspec.Struct, frozen=True):
    """The private stream is down: reports may be lost, and answers on it do not come any more."""


class PlaceAnswer(msgspec.Struct, frozen=True):
    """The answer to a ``PlaceOrder``.

    ``unknown``: no answer came, or one that does not say whether the order exists. ``code``: why it is
    rejected. ``message``: the venue's own words.
    """

    client_id: str
    outcome: Literal["accepted", "rejected", "unknown"]
    venue_order_id: str = ""
    code: Code = Code.VENUE_REJECTED
    message: str = ""


class CancelAnswer(msgspec.Struct, frozen=True):
    """The answer to a ``CancelOrder``. ``over``: the venue has no such open order."""

    client_id: str
    outcome: Literal["taken", "over", "refused", "unknown"]


class AmendAnswer(msgspec.Struct, frozen=True):
    """The answer to an ``AmendOrder``. ``amended``: the order is now as it was asked for."""

    client_id: str
    outcome: Literal["amended", "refused", "unknown"]
    code: Code = Code.VENUE_REJECTED
    updated: int = 0
    """As in ``OrderSeen``."""


class OrderSeen(msgspec.Struct, frozen=True):
    """The venue's own word about an order, from the stream or from a query."""

    client_id: str
    """"" where the venue leaves it out; then ``venue_order_id`` names the order."""
    venue_order_id: str
    state: SeenState
    filled: str
    """All that was filled so far."""
    updated: int = 0
    """Counts up with the changes of the order: the venue's time or sequence. 0: it gives none."""
    price: str | None = None
    """The present limit; None where the venue does not say it."""
    quantity: str | None = None
    code: Code | None = None
    """Why it ended, where nobody of ours asked for it."""


class Executed(msgspec.Struct, frozen=True):
    """One execution of an order. It may be reported any number of times."""

    client_id: str
    venue_order_id: str
    execution_id: str
    """Unique at the venue together with the symbol; the adapter adds the symbol where that is needed."""
    trade_id: str
    price: str
    quantity: str
    liquidity: Liquidity
    fee: str
    """Negative for a rebate."""
    fee_asset: str
    """As the venue names it."""


class OrderAnswer(msgspec.Struct, frozen=True):
    """The answer to a ``QueryOrder``. ``seen`` is None where the venue says that there is no such order."""

    query: int
    seen: OrderSeen | None
    executions: tuple[Executed, ...] = ()


class QueryFailed(msgspec.Struct, frozen=True):
    """No answer came to a ``QueryOrder``."""

    query: int


class VenueBalance(msgspec.Struct, frozen=True):
    """What the account has of an asset, free and locked together."""

    asset: str
    total: str


class ReconcileAnswer(msgspec.Struct, frozen=True):
    """The answer to a ``Reconcile``. All balances that are not zero, and all open orders, are in it."""

    request: int
    open_orders: tuple[OrderSeen, ...]
    executions: tuple[Executed, ...]
    balances: tuple[VenueBalance, ...]
    cursor: str
    is_second_look: bool = False
    """Only balances were asked for: no open orders and no executions are in it."""


class ReconcileFailed(msgspec.Struct, frozen=True):
    """No complete answer came to a ``Reconcile``."""

    request: int


RemoteReport: TypeAlias = (
    LinkUp
    | LinkDown
    | PlaceAnswer
    | CancelAnswer
    | AmendAnswer
    | OrderSeen
    | Executed
    | OrderAnswer
    | QueryFailed
    | ReconcileAnswer
    | ReconcileFailed
)
