"""Matching events: the results of a command, in the order in which they happened.

The first event answers the command: ``Accepted``, ``Amended``, ``Cancelled`` or ``Rejected``. Events from the
first ``Triggered`` on belong to stop orders that the command's trades triggered. The market is the command's.

Compare with ``type(event) is ...``: isinstance takes five times as long for these classes.
"""

from __future__ import annotations

from typing import TypeAlias, final

import msgspec

from floorwire.core.codes import Code
from floorwire.core.instrument import Side


@final
class Accepted(msgspec.Struct, frozen=True, gc=False):
    """The market has the order. What does not match at once rests, or is cancelled if it may not rest.

    A stop order waits outside the book instead.
    """

    order_id: int
    owner: int


@final
class Rejected(msgspec.Struct, frozen=True, gc=False):
    """The command changed nothing."""

    order_id: int
    code: Code


@final
class Amended(msgspec.Struct, frozen=True, gc=False):
    """From now on the order has this price and this total quantity."""

    order_id: int
    price_ticks: int
    lots: int
    kept_priority: bool


@final
class Triggered(msgspec.Struct, frozen=True, gc=False):
    """The price of a stop order was traded. The order enters the market now, or is cancelled."""

    order_id: int


@final
class Expired(msgspec.Struct, frozen=True, gc=False):
    """The order's expiry time has come: its ``lots`` that were open are removed."""

    order_id: int
    lots: int


@final
class Cancelled(msgspec.Struct, frozen=True, gc=False):
    """The order's open ``lots`` are removed. ``code`` says why, if its client did not ask for it."""

    order_id: int
    lots: int
    code: Code | None


@final
class TradeMatched(msgspec.Struct, frozen=True, gc=False):
    """A taker traded with a maker at the maker's price. ``left`` is what stays open of each, 0 if filled."""

    match_id: int
    """Counts up from 1 in each market, without gaps."""
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
    """A level's new total in lots; 0 if it is removed. One event for each level that a command changes."""

    side: Side
    price_ticks: int
    lots: int


MatchingEvent: TypeAlias = (
    Accepted | Rejected | Amended | Cancelled | Triggered | Expired | TradeMatched | LevelChanged
)
