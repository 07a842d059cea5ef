"""Orders: what an account requested (the ticket), and the state of the order.

The journal stores them as MessagePack arrays: add new fields at the end, with a default.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from floorwire.core.codes import Code
from floorwire.core.instrument import Side

OrderType: TypeAlias = Literal["limit", "market", "stop", "stop_limit"]
TimeInForce: TypeAlias = Literal["gtc", "ioc", "fok", "gtd"]
"""Good till cancelled; immediate or cancel; fill or kill; good till its date."""
OrderState: TypeAlias = Literal[
    "new", "partially_filled", "filled", "cancelled", "rejected", "expired", "unknown", "submitting"
]
"""``submitting``: accepted here, and on its way to a venue outside this process. ``unknown``: such a venue
did not say whether it has the order; only the venue's own word ends that. ``docs/live-orders.md`` has all
of them. The exchanges in this process (simulated, paper) answer at once and use neither."""
Liquidity: TypeAlias = Literal["maker", "taker"]
OPEN: frozenset[OrderState] = frozenset({"new", "partially_filled", "unknown", "submitting"})


class OrderTicket(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What an account requested, in whole numbers. It never changes. Two with the same content are equal.

    ``engine.order_parsing.parse_order`` makes a ticket from decimal texts. It refuses prices and
    quantities between the steps.
    """

    account: str
    client_order_id: str
    symbol: str
    """The canonical symbol."""
    side: Side
    type: OrderType
    lots: int | None
    """None if ``spend`` has the amount (market buys only)."""
    spend: int | None = None
    """The most to spend, without fees, in ticks x lots."""
    price_ticks: int | None = None
    """For limit and stop_limit only."""
    stop_ticks: int | None = None
    """For stop and stop_limit only."""
    time_in_force: TimeInForce = "gtc"
    """Market and stop orders are ``ioc``, unless ``fok`` was requested."""
    expires_us: int | None = None
    """For ``gtd`` only, in microseconds since the epoch."""
    post_only: bool = False
    reduce_only: bool = False


class Order(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An order after one event. It never changes: a later event has a new ``Order``."""

    order_id: int
    """Counts up over the whole exchange. On the wire it is a string."""
    ticket: OrderTicket
    """The first request. Amended values are in ``lots`` and ``price_ticks``."""
    key: str
    """The key that placed it."""
    lots: int
    """The present quantity, including filled lots. For a ``spend`` order: how many lots the amount buys."""
    price_ticks: int
    """The present limit. For market and stop orders: the worst price at which they may trade (the collar)."""
    state: OrderState
    created_us: int
    updated_us: int
    filled_lots: int = 0
    filled_turnover: int = 0
    """Ticks x lots of all fills. Divided by ``filled_lots`` it is the average price in ticks."""
    code: Code | None = None
    """Why it was rejected, or cancelled without a request of its client. While ``cancelling``: why."""
    triggered: bool = False
    """For stop orders: it was triggered and is in the market."""
    held: int = 0
    """Its reserve of the balance, in units of the quote asset for buys, of the base asset for sells."""
    fee_ppm: int = 0
    """The highest fee rate, in millionths of the turnover. A fill is never charged more."""
    fee_credit: int = 0
    """Millionths of a unit by which its fees were rounded up so far. The next fee is reduced by them."""
    amending: int = 0
    """How many amends were sent to the venue and not answered yet."""
    asked_ticks: int = 0
    """The highest price among amends that are not answered; ``held`` covers it."""
    asked_lots: int = 0
    """The largest quantity among amends that are not answered; ``held`` covers it."""
    cancelling: bool = False
    """A cancel was sent to the venue. The order may still fill, but is never placed again."""

    @property
    def is_open(self) -> bool:
        """Whether it may still fill."""
        return self.state in OPEN

    @property
    def left_lots(self) -> int:
        """The lots that may still fill; 0 if the order is closed."""
        return self.lots - self.filled_lots if self.state in OPEN else 0
