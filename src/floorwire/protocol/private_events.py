"""Private events: what the gateway tells an account about itself, in the order of its journal.

Each channel of each account counts its own ``seq``; the ``epoch`` is the journal's. The first event is a
snapshot as of its seq, then each event has the next. A key that may not see every symbol is not sent what
others are about: ``hidden`` says how many events before this one that were.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from floorwire.protocol.account_rows import BalanceRow, FillRow, OrderRow, PositionRow

OrderNews: TypeAlias = Literal[
    "new",
    "fill",
    "amended",
    "amend_refused",
    "triggered",
    "cancelled",
    "rejected",
    "expired",
    "submitting",
    "unknown",
    "filled",
]
Kind: TypeAlias = Literal["snapshot", "update"]


class OrdersSnapshot(msgspec.Struct, frozen=True, kw_only=True, tag_field="channel", tag="orders"):
    """Every open order. ``more``: the next event has further orders of the same snapshot."""

    epoch: str
    seq: int
    type: Literal["snapshot"] = "snapshot"
    event: Literal["snapshot"] = "snapshot"
    more: bool | UnsetType = UNSET
    orders: list[OrderRow]
    ts: int
    sent: int


class OrdersUpdate(OrderRow, frozen=True, kw_only=True, tag_field="channel", tag="orders"):
    """What happened to one order (``event``), and all that it is now."""

    epoch: str
    seq: int
    hidden: int | UnsetType = UNSET
    event: OrderNews
    fill: FillRow | UnsetType = UNSET
    ts: int
    sent: int


class FillsSnapshot(msgspec.Struct, frozen=True, kw_only=True, tag_field="channel", tag="fills"):
    """The latest fills, the latest first."""

    epoch: str
    seq: int
    type: Literal["snapshot"] = "snapshot"
    event: Literal["snapshot"] = "snapshot"
    fills: list[FillRow]
    ts: int
    sent: int


class FillsUpdate(FillRow, frozen=True, kw_only=True, tag_field="channel", tag="fills"):
    """One fill."""

    epoch: str
    seq: int
    hidden: int | UnsetType = UNSET
    event: Literal["fill"] = "fill"
    ts: int
    sent: int


class BalancesEvent(msgspec.Struct, frozen=True, kw_only=True, tag_field="channel", tag="balances"):
    """Every balance, or those that changed."""

    epoch: str
    seq: int
    hidden: int | UnsetType = UNSET
    type: Literal["snapshot"] | UnsetType = UNSET
    event: Kind
    balances: list[BalanceRow]
    ts: int
    sent: int


class PositionsEvent(msgspec.Struct, frozen=True, kw_only=True, tag_field="channel", tag="positions"):
    """Every position, or those that changed."""

    epoch: str
    seq: int
    hidden: int | UnsetType = UNSET
    type: Literal["snapshot"] | UnsetType = UNSET
    event: Kind
    positions: list[PositionRow]
    ts: int
    sent: int


PrivateEvent: TypeAlias = (
    OrdersSnapshot | OrdersUpdate | FillsSnapshot | FillsUpdate | BalancesEvent | PositionsEvent
)
