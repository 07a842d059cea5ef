"""Messages and rows for tests of bots."""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from floorwire.bot import FillRow, OrderRow, SymbolRow, Ticker, Trades
from floorwire.core.instrument import Side
from floorwire.core.orders import OrderState

SYMBOL = SymbolRow("ABC-USDT", "ABC", "USDT", "0.01", "0.001", "0", "0", "open", "here")


def ticker(bid: str | None = "99", ask: str | None = "101", last: str | None = None) -> Ticker:
    return Ticker(
        epoch="e",
        seq=1,
        ts=0,
        recv=0,
        sent=0,
        symbol="ABC-USDT",
        bid=bid,
        bid_size="1",
        ask=ask,
        ask_size="1",
        last=last,
        last_size=None,
        open=None,
        high=None,
        low=None,
        volume=None,
        quote_volume=None,
        change=None,
    )


def trade(price: str) -> Trades:
    return Trades(
        epoch="e",
        seq=1,
        ts=0,
        recv=0,
        sent=0,
        symbol="ABC-USDT",
        trade_id="1",
        price=price,
        size="1",
        side="buy",
    )


def fill(
    side: Side, quantity: str, price: str, fee: str = "0", fee_asset: str = "USDT", name: str = "bot-1"
) -> FillRow:
    return FillRow(
        fill_id="1",
        order_id="1",
        client_order_id=name,
        trade_id="t",
        symbol="ABC-USDT",
        side=side,
        price=price,
        quantity=quantity,
        fee=fee,
        fee_asset=fee_asset,
        liquidity="taker",
        time=7,
    )


def order_row(
    state: OrderState = "new",
    *,
    side: Side = "buy",
    quantity: str = "1",
    filled: str = "0",
    remaining: str = "1",
    code: str | UnsetType = UNSET,
) -> OrderRow:
    return OrderRow(
        order_id="1",
        client_order_id="bot-1",
        symbol="ABC-USDT",
        side=side,
        type="limit",
        state=state,
        quantity=quantity,
        filled_quantity=filled,
        remaining_quantity=remaining,
        price="100",
        average_price=None,
        time_in_force="gtc",
        post_only=False,
        reduce_only=False,
        code=code,
        created=1,
        updated=2,
    )
