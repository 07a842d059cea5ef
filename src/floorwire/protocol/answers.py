"""Answers to requests about orders and money; errors about an order say what became of it."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from floorwire.core.refusal import Refusal
from floorwire.protocol.replies import Error, Gap
from floorwire.protocol.requests import RequestId
from floorwire.protocol.rows import BalanceRow, FillRow, OrderRow, PositionRow

Fate: TypeAlias = Literal["rejected", "unknown"]
"""Of an order that was asked for: it does not exist; or only asking again will tell."""


class OrderAcceptedReply(msgspec.Struct, frozen=True, kw_only=True):
    """The order, amend or cancel is checked and durably journalled; what happens next is events.

    ``duplicate``: the same was asked before, and this is what came of it then.
    """

    status: str = "accepted"
    id: RequestId | UnsetType = UNSET
    order_id: str
    client_order_id: str
    duplicate: bool | UnsetType = UNSET


class AllCancelled(msgspec.Struct, frozen=True, kw_only=True):
    """These orders were open and are no more."""

    status: str = "accepted"
    id: RequestId | UnsetType = UNSET
    order_ids: list[str]


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator asked for is done."""

    status: str = "ok"
    id: RequestId | UnsetType = UNSET


class OrderReply(msgspec.Struct, frozen=True, kw_only=True):
    """One order."""

    status: str = "ok"
    id: RequestId | UnsetType = UNSET
    order: OrderRow


class OrderList(msgspec.Struct, frozen=True, kw_only=True):
    """The open orders."""

    status: str = "ok"
    id: RequestId | UnsetType = UNSET
    orders: list[OrderRow]


class FillList(msgspec.Struct, frozen=True, kw_only=True):
    """Fills, the latest first.

    ``next``: there are older ones; give it as ``before``. ``gap``: there were older ones, with these seqs on
    the channel ``fills``, and they are not kept any more.
    """

    status: str = "ok"
    id: RequestId | UnsetType = UNSET
    fills: list[FillRow]
    next: str | UnsetType = UNSET
    gap: Gap | UnsetType = UNSET


class BalanceList(msgspec.Struct, frozen=True, kw_only=True):
    """What the account has."""

    status: str = "ok"
    id: RequestId | UnsetType = UNSET
    balances: list[BalanceRow]


class PositionList(msgspec.Struct, frozen=True, kw_only=True):
    """What the account holds."""

    status: str = "ok"
    id: RequestId | UnsetType = UNSET
    positions: list[PositionRow]


class Guarded(msgspec.Struct, frozen=True, kw_only=True):
    """The guard is set as asked; ``cancels_at``, of a dead man's timer: microseconds since the epoch, UTC."""

    status: str = "ok"
    id: RequestId | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
    grace_s: float | UnsetType = UNSET
    timeout_s: float | UnsetType = UNSET
    cancels_at: int | UnsetType = UNSET


class OrderError(Error, frozen=True, kw_only=True):
    """An error about an order, and what became of the order."""

    order: Fate
    duplicate: bool | UnsetType = UNSET


TradingReply: TypeAlias = (
    OrderAcceptedReply
    | AllCancelled
    | Done
    | OrderReply
    | OrderList
    | FillList
    | BalanceList
    | PositionList
    | Guarded
    | OrderError
    | Error
)


def order_error(
    refusal: Refusal, request_id: RequestId | UnsetType, fate: Fate, *, duplicate: bool = False
) -> OrderError:
    """Return the refusal of an order as a reply; ``duplicate``: it was refused before, as now."""
    return OrderError(
        id=request_id,
        code=refusal.code.value,
        message=refusal.message,
        retry=refusal.code.retry,
        retry_after_ms=-(-refusal.wait_us // 1000) if refusal.wait_us else UNSET,
        order=fate,
        duplicate=duplicate or UNSET,
        details=refusal.details or UNSET,
    )
