"""Rows: an order, a fill, a balance, a position, as they stand on the wire; decimals as text."""

from __future__ import annotations

from typing import TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from floorwire.core.account_events import Cause
from floorwire.core.instrument import Side
from floorwire.core.orders import Liquidity, OrderState, OrderType, TimeInForce


class OrderRow(msgspec.Struct, frozen=True, kw_only=True):
    """What an order is now; ``code`` says why it ended where its client did not ask for it."""

    order_id: str
    client_order_id: str
    symbol: str
    side: Side
    type: OrderType
    state: OrderState
    quantity: str
    filled_quantity: str
    remaining_quantity: str
    price: str | None
    average_price: str | None
    quote_quantity: str | UnsetType = UNSET
    stop_price: str | UnsetType = UNSET
    triggered: bool | UnsetType = UNSET
    time_in_force: TimeInForce
    expires: int | UnsetType = UNSET
    post_only: bool
    reduce_only: bool
    code: str | UnsetType = UNSET
    created: int
    updated: int


class FillRow(msgspec.Struct, frozen=True, kw_only=True):
    """One fill of one order; ``trade_id`` is the print's on the trades channel."""

    fill_id: str
    order_id: str
    client_order_id: str
    trade_id: str
    symbol: str
    side: Side
    price: str
    quantity: str
    fee: str
    fee_asset: str
    liquidity: Liquidity
    time: int


class BalanceRow(msgspec.Struct, frozen=True):
    """What an account has of an asset; ``held`` is what open orders hold of ``total``."""

    asset: str
    total: str
    available: str
    held: str


class PositionRow(msgspec.Struct, frozen=True):
    """What an account holds of an instrument's base asset, and what its trades there made of it.

    ``average_price`` is what was paid on average for the part that was bought here and not sold again; None
    where there is none. ``realised``, in the quote asset, is what sales brought over what they had cost.
    """

    symbol: str
    quantity: str
    average_price: str | None
    realised: str


class LedgerRow(msgspec.Struct, frozen=True, kw_only=True):
    """One change of a balance: why, by how much, and the balance after it.

    ``symbol``, ``order_id`` and ``fill_id`` are those of a fill and its fee. ``reference`` is the id of a
    deposit or of an operator's request; ``account`` is the other one of a transfer.
    """

    entry_id: str
    cause: Cause
    asset: str
    amount: str
    balance: str
    symbol: str | UnsetType = UNSET
    order_id: str | UnsetType = UNSET
    fill_id: str | UnsetType = UNSET
    reference: str | UnsetType = UNSET
    account: str | UnsetType = UNSET
    time: int


class ValuedBalanceRow(msgspec.Struct, frozen=True):
    """A balance and its value; ``value`` is None where no current price leads to the currency."""

    asset: str
    total: str
    value: str | None


class ProfitRow(msgspec.Struct, frozen=True):
    """The profit of an account in one instrument, in its quote asset; ``unrealised`` is None without a price.

    ``price`` is the one that it was worked out with: between the best bid and ask, or the last one.
    """

    symbol: str
    quote: str
    realised: str
    unrealised: str | None
    price: str | None


class DayRow(msgspec.Struct, frozen=True):
    """What an account traded and paid in one asset on one day (UTC)."""

    date: str
    asset: str
    turnover: str
    fees: str
    fills: int


AnyRow: TypeAlias = OrderRow | FillRow | BalanceRow | PositionRow
