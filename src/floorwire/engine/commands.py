"""Commands: what may be asked of a market, in integer ticks and lots.

Order ids and owners are given by the caller, unique over the exchange: the journal must know an order's id
before the order exists. Accounts count up from 1; simulated participants count down from -1.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from floorwire.core.instrument import Side

TimeInForce: TypeAlias = Literal["gtc", "ioc", "fok"]
"""Good till cancelled; immediate or cancel; fill or kill."""


class Place(msgspec.Struct, frozen=True, gc=False):
    """Place an order. Without ``price_ticks`` it is a market order, which never rests."""

    symbol: str
    order_id: int
    owner: int
    side: Side
    lots: int
    price_ticks: int | None = None
    time_in_force: TimeInForce = "gtc"
    post_only: bool = False


class Cancel(msgspec.Struct, frozen=True, gc=False):
    """Cancel what is open of an order."""

    symbol: str
    order_id: int


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
