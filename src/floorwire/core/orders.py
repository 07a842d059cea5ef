"""Orders: what an account asks for, and what became of it.

Written as MessagePack arrays in the journal: new fields go to the end, with a default.
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
    "new", "partially_filled", "filled", "cancelled", "rejected", "expired", "unknown"
]
"""``unknown``: sent to a venue that has not confirmed it; only the venue's own word ends it. The exchanges of
this process (simulated, paper) answer at once and know no such state."""
Liquidity: TypeAlias = Literal["maker", "taker"]
OPEN: frozenset[OrderState] = frozenset({"new", "partially_filled", "unknown"})


class Ticket(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What an account asks for, in integers; never changes. Two with the same content are equal.

    ``engine.ticket.write`` makes one of decimal texts and refuses what does not fit the instrument's steps.
    """

    account: str
    client_order_id: str
    symbol: str
    """Canonical."""
    side: Side
    type: OrderType
    lots: int | None
    """None where ``spend`` says how much (market buys only)."""
    spend: int | None = None
    """The most to spend, fees apart, in ticks x lots."""
    price_ticks: int | None = None
    """Limit and stop_limit only."""
    stop_ticks: int | None = None
    """Stop and stop_limit only."""
    time_in_force: TimeInForce = "gtc"
    """Market and stop orders are always ``ioc``, unless ``fok`` was asked for."""
    expires_us: int | None = None
    """``gtd`` only."""
    post_only: bool = False
    reduce_only: bool = False


class Order(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An order as of one event: a later event has a new ``Order``, so this may be kept and encoded later."""

    order_id: int
    """Counts up over the whole exchange; on the wire a string of it."""
    ticket: Ticket
    """As first asked for; what was amended stands below."""
    key: str
    """The key that placed it."""
    lots: int
    """The quantity now, filled lots included. Of a ``spend`` order: what the money comes to."""
    price_ticks: int
    """The limit now; of market and stop orders the worst price that they may take at (the collar)."""
    state: OrderState
    created_us: int
    updated_us: int
    filled_lots: int = 0
    filled_turnover: int = 0
    """Ticks x lots of all fills; divided by ``filled_lots`` it is the average price in ticks."""
    code: Code | None = None
    """Why it was rejected, or cancelled where its client did not ask for it; where it
    is ``cancelling``, why that is."""
    triggered: bool = False
    """Of stops: it has left the waiting room and is in the market like any other."""
    held: int = 0
    """What it holds, in units: of the quote asset for buys, of the base asset for sells."""
    fee_ppm: int = 0
    """The worst fee rate, in millionths of the turnover; a fill is never charged more."""
    fee_credit: int = 0
    """Millionths of a unit by which its fees so far were rounded up: the next fee is less by them."""
    amending: int = 0
    """Amends on their way to the venue."""
    asked_ticks: int = 0
    """While amends are on their way: the highest price among them; ``held`` covers it."""
    asked_lots: int = 0
    """While amends are on their way: the largest quantity among them; ``held`` covers it."""
    cancelling: bool = False
    """A cancel was accepted and is on its way to the venue: it may still fill, but never rests anew."""

    @property
    def is_open(self) -> bool:
        """Whether it may still fill."""
        return self.state in OPEN

    @property
    def left_lots(self) -> int:
        """What may still fill, 0 where it is closed."""
        return self.lots - self.filled_lots if self.state in OPEN else 0
