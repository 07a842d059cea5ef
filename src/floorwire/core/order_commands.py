"""Commands to a trading venue, in ticks and lots.

The caller gives order ids and owners, unique over the exchange, because the journal must have an order's id
before the venue has the order. Accounts are owners from 1 up, simulated participants from -1 down.
"""

from __future__ import annotations

from typing import TypeAlias, final

import msgspec

from floorwire.core.codes import Code
from floorwire.core.instrument import Side
from floorwire.core.orders import TimeInForce


@final
class Place(msgspec.Struct, frozen=True, gc=False):
    """Place an order. Without ``price_ticks`` it is a market order, which never rests.

    Market orders of accounts have a price nevertheless: the worst at which they may trade (``ioc``).
    """

    symbol: str
    order_id: int
    owner: int
    side: Side
    lots: int
    price_ticks: int | None = None
    time_in_force: TimeInForce = "gtc"
    post_only: bool = False
    stop_ticks: int | None = None
    """Stop order: wait outside the book until the market trades at it or beyond (buy: at or above)."""
    expires_us: int | None = None
    """With ``gtd``: the order expires at this time, in microseconds."""
    spend: int | None = None
    """The most that the order may spend, in ticks x lots. Then ``lots`` is only an upper bound: before any
    fill the market reports with ``Amended`` how many lots that buys."""
    filled_lots: int = 0
    """How many of ``lots`` were filled before a restart, after which the order is placed again."""
    no_self_trade: bool = False
    """Self-trade prevention: if it would trade with an order of the same owner, cancel its rest instead."""


@final
class Cancel(msgspec.Struct, frozen=True, gc=False):
    """Cancel the open rest of an order."""

    symbol: str
    order_id: int
    code: Code | None = None
    """The reason, if its client did not request it."""


@final
class Amend(msgspec.Struct, frozen=True, gc=False):
    """Change an open order's price, its quantity (the total, filled lots included), or both.

    The order keeps its queue position if the price stays and the quantity does not rise. If the quantity is
    not above what is filled already, the rest is cancelled.
    """

    symbol: str
    order_id: int
    price_ticks: int | None = None
    lots: int | None = None


Command: TypeAlias = Place | Cancel | Amend
