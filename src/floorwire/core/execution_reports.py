"""Reports: what a trading venue says of an account's order, in the order in which it happened.

The venue knows orders by their ids and names no account; the house does. For each ``Place`` the first report
is ``Working`` or ``Refused``; after it any number of the others; the last is ``Filled`` with nothing left,
``Ended``, or ``Refused`` of the place itself. Amend and cancel are answered by ``Amended``, ``Ended`` or
``Refused``.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from floorwire.core.codes import Code
from floorwire.core.orders import Liquidity


class Working(msgspec.Struct, frozen=True, gc=False):
    """The venue has the order: it matches, rests, or (a stop) waits."""

    order_id: int
    ts_us: int


class Filled(msgspec.Struct, frozen=True, gc=False):
    """Lots of it were traded. ``trade_id`` is the print's, as on the trades channel."""

    order_id: int
    trade_id: str
    price_ticks: int
    lots: int
    left_lots: int
    """What stays open after it."""
    liquidity: Liquidity
    ts_us: int


class Amended(msgspec.Struct, frozen=True, gc=False):
    """It has this price and quantity (filled lots included) now. Fills at them come after it."""

    order_id: int
    price_ticks: int
    lots: int
    ts_us: int


class Triggered(msgspec.Struct, frozen=True, gc=False):
    """A stop order's price was traded: it is in the market now."""

    order_id: int
    ts_us: int


class Ended(msgspec.Struct, frozen=True, gc=False):
    """What was left is cancelled or expired. ``code`` says why where its client did not ask for it."""

    order_id: int
    lots: int
    state: Literal["cancelled", "expired"]
    code: Code | None
    ts_us: int


class Refused(msgspec.Struct, frozen=True, gc=False):
    """The command changed nothing; a refused place rejects the order, the others leave it as it is."""

    order_id: int
    action: Literal["place", "amend", "cancel"]
    code: Code
    ts_us: int


Report: TypeAlias = Working | Filled | Amended | Triggered | Ended | Refused
