"""Commands: what may be asked of a market, in integer ticks and lots.

Order ids and owners are given by the caller, unique over the exchange: the journal must know an order's id
before the order exists. Accounts count up from 1; simulated participants count down from -1.
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

    An account's market orders come with a price all the same: the worst that they may take at (``ioc``).
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
    """Wait outside the book until the market trades at this price or beyond (buy: at or above)."""
    expires_us: int | None = None
    """With ``gtd``: what still rests at this time expires."""
    spend: int | None = None
    """Ticks x lots that the order may spend at most; then ``lots`` is only an upper bound, and the market
    says with ``Amended``, before any fill, how many lots the money comes to."""
    filled_lots: int = 0
    """How many of ``lots`` were filled before: an order that comes back after a restart."""
    no_self_trade: bool = False
    """Where it would take from an order of the same owner, cancel what is left of it instead."""


@final
class Cancel(msgspec.Struct, frozen=True, gc=False):
    """Cancel what is open of an order."""

    symbol: str
    order_id: int
    code: Code | None = None
    """Why, where its client did not ask for it."""


@final
class Amend(msgspec.Struct, frozen=True, gc=False):
    """Change an open order's price, its quantity (the total, filled lots included), or both.

    The order keeps its place in the queue where the price stays and the quantity does not rise. A quantity
    of no more than is already filled cancels the rest (what the owner wanted to hold, he holds).
    """

    symbol: str
    order_id: int
    price_ticks: int | None = None
    lots: int | None = None


Command: TypeAlias = Place | Cancel | Amend
