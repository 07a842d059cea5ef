"""Execution reports: what a trading venue reports about orders, in the order in which it happened.

The venue knows the ids of orders, and the order manager knows their accounts. The first report after a
``Place`` is ``Working`` or ``Refused``. Any number of others follow. The last is ``Filled`` with nothing
left, ``Ended``, or ``Refused`` of the place. The answer to amend and cancel is ``Amended``, ``Ended`` or
``Refused``.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from floorwire.core.codes import Code
from floorwire.core.orders import Liquidity


class Working(msgspec.Struct, frozen=True, gc=False):
    """The venue has the order. It matches, rests, or (a stop order) waits."""

    order_id: int
    ts_us: int


class Filled(msgspec.Struct, frozen=True, gc=False):
    """Lots of the order were traded. ``trade_id`` is the one on the trades channel."""

    order_id: int
    trade_id: str
    price_ticks: int
    lots: int
    left_lots: int
    """What stays open after the fill."""
    liquidity: Liquidity
    ts_us: int


class Amended(msgspec.Struct, frozen=True, gc=False):
    """The order has this price and quantity (including filled lots) now. Fills at them follow."""

    order_id: int
    price_ticks: int
    lots: int
    ts_us: int


class Triggered(msgspec.Struct, frozen=True, gc=False):
    """The stop price was traded: the stop order is in the market now."""

    order_id: int
    ts_us: int


class Ended(msgspec.Struct, frozen=True, gc=False):
    """The rest is cancelled or expired. ``code`` is the reason, if its client did not request it."""

    order_id: int
    lots: int
    state: Literal["cancelled", "expired"]
    code: Code | None
    ts_us: int


class Refused(msgspec.Struct, frozen=True, gc=False):
    """The command had no effect. A refused place rejects the order; others leave it unchanged."""

    order_id: int
    action: Literal["place", "amend", "cancel"]
    code: Code
    ts_us: int


Report: TypeAlias = Working | Filled | Amended | Triggered | Ended | Refused
