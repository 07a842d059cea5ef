"""Limits: how much an account or a key may do, as an operator sets them."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

SelfTrade: TypeAlias = Literal["cancel_newest", "allow"]


class Limits(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Limits, each None (an asset: left out) where there is none here.

    What an account's own leaves out is as the house's default says. A key's come on top of its account's:
    both have to allow an order. Amounts are decimal text, in each instrument's quote currency or per asset.
    """

    max_order_notional: str | None = None
    """The most that one order may be worth."""
    max_order_quantity: dict[str, str] | None = None
    """Base asset -> the largest order."""
    max_open_orders: int | None = None
    orders_per_second: int | None = None
    """Places and amends; as many at once."""
    max_position: dict[str, str] | None = None
    """Base asset -> the most that may be held, with everything that open buys would add."""
    price_collar: str | None = None
    """How far, as a fraction of the price and less than all of it, an order may trade through the best price
    of the other side. Also the worst price of market orders, so that the house's default must have one."""
    self_trade: SelfTrade | None = None
    """What happens to an order that would trade with its own account."""
