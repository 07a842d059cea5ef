"""The limits of an account or a key, as an operator sets them."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

SelfTrade: TypeAlias = Literal["cancel_newest", "allow"]


class Limits(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """The limits of an account or a key. None (or an asset that is left out): no limit is set here.

    Where an account sets no limit, the gateway's default counts. A key has limits beside those of its
    account: both must allow an order. Amounts are decimal text, in the quote currency of the instrument or
    per asset.
    """

    max_order_notional: str | None = None
    """The largest value of one order, in the quote currency."""
    max_order_quantity: dict[str, str] | None = None
    """Base asset -> the largest quantity of one order."""
    max_open_orders: int | None = None
    orders_per_second: int | None = None
    """Rate limit of places and amends. As many may come at once."""
    max_position: dict[str, str] | None = None
    """Base asset -> the largest position, counting all that open buys would add."""
    price_collar: str | None = None
    """How far an order may trade through the best price of the other side, as a fraction of it (below 1).

    It is also the worst price of market orders, so the gateway's default must have one.
    """
    self_trade: SelfTrade | None = None
    """Self-trade prevention: what happens to an order that would trade with its own account."""
