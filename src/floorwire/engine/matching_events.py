"""Events: what came of a command, in the order in which it happened.

The first event answers the command: ``Accepted``, ``Amended``, ``Cancelled`` or ``Rejected``. From the first
``Triggered`` on they are of stops that its trades let in. The market they belong to is the command's.

Told apart by ``type(event) is ...``: where it is not, isinstance takes five times as long.
"""

from __future__ import annotations

from typing import TypeAlias, final

import msgspec

from floorwire.core.codes import Code
from floorwire.core.instrument import Side


@final
class Accepted(msgspec.Struct, frozen=True, gc=False):
    """The order is in the market; what is not matched at once rests (or is cancelled, where it may not).

    A stop order waits instead."""

    order_id: int
    owner: int


@final
class Rejected(msgspec.Struct, frozen=True, gc=False):
    """The command changed nothing."""

    order_id: int
    code: Code


@final
class Amended(msgspec.Struct, frozen=True, gc=False):
    """The order has this price and total quantity from now on."""

    order_id: int
    price_ticks: int
    lots: int
    kept_priority: bool


@final
class Triggered(msgspec.Struct, frozen=True, gc=False):
    """A stop order's price was traded: it enters the market now, or is cancelled where it may not."""

    order_id: int


@final
class Expired(msgspec.Struct, frozen=True, gc=False):
    """``lots`` were open and are no more: the order's time has come."""

    order_id: int
    lots: int


@final
class Cancelled(msgspec.Struct, frozen=True, gc=False):
    """``lots`` were open and are no more; ``code`` says why where its client did not ask for it."""

    order_id: int
    lots: int
    code: Code | None


@final
class TradeMatched(msgspec.Struct, frozen=True, gc=False):
    """A taker met a maker at the maker's price; ``left`` is what is open after it, 0 where filled."""

    match_id: int
    """Counts up from 1 in each market, without a gap."""
    taker_side: Side
    price_ticks: int
    lots: int
    maker_id: int
    maker_owner: int
    maker_left: int
    taker_id: int
    taker_owner: int
    taker_left: int


@final
class LevelChanged(msgspec.Struct, frozen=True, gc=False):
    """The level's new total; 0 where it is gone. Once per level and order that enters or leaves."""

    side: Side
    price_ticks: int
    lots: int


Event: TypeAlias = (
    Accepted | Rejected | Amended | Cancelled | Triggered | Expired | TradeMatched | LevelChanged
)
