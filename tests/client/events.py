"""Events as a server sends them, with only what matters given."""

from __future__ import annotations

from zlib import crc32

from msgspec import UNSET, UnsetType

from floorwire.protocol.account_rows import FillRow, OrderRow
from floorwire.protocol.channel_events import BookEvent, SkippedNotice, Ticker, Trades, WireLevel
from floorwire.protocol.private_events import OrderNews, OrdersSnapshot, OrdersUpdate
from floorwire.protocol.replies import Gap, Subscribed

SYMBOL = "BTC-USDT"


def ticker(seq: int, epoch: str = "a", conflated: int | UnsetType = UNSET, symbol: str = SYMBOL) -> Ticker:
    """Return a ticker whose bid is its seq."""
    return Ticker(
        epoch=epoch,
        seq=seq,
        conflated=conflated,
        ts=seq,
        recv=seq,
        sent=seq,
        symbol=symbol,
        bid=str(seq),
        bid_size=None,
        ask=None,
        ask_size=None,
        last=None,
        last_size=None,
        open=None,
        high=None,
        low=None,
        volume=None,
        quote_volume=None,
        change=None,
    )


def trade(seq: int, epoch: str = "a") -> Trades:
    """Return a trade whose id is its seq."""
    return Trades(
        epoch=epoch,
        seq=seq,
        ts=seq,
        recv=seq,
        sent=seq,
        symbol=SYMBOL,
        trade_id=str(seq),
        price="1",
        size="1",
        side="buy",
    )


def skipped(first: int, last: int, epoch: str = "a") -> SkippedNotice:
    """Return the notice that these trades were skipped."""
    return SkippedNotice(
        channel="trades", symbol=SYMBOL, epoch=epoch, seq=last, gap=Gap(first, last, "slow"), sent=last
    )


def subscribed(
    channel: str,
    seq: int,
    epoch: str = "a",
    gap: Gap | UnsetType = UNSET,
    instrument: str | UnsetType = SYMBOL,
) -> Subscribed:
    """Return the reply to a subscription."""
    return Subscribed(
        channel=channel,
        symbol=instrument,
        instrument=instrument,
        on_slow="conflate",
        epoch=epoch,
        seq=seq,
        feed="live",
        gap=gap,
    )


def book(
    seq: int,
    bids: tuple[WireLevel, ...] = (),
    asks: tuple[WireLevel, ...] = (),
    *,
    prev: int | UnsetType = UNSET,
    whole: tuple[tuple[WireLevel, ...], tuple[WireLevel, ...]] | None = None,
    epoch: str = "a",
) -> BookEvent:
    """Return a snapshot, or with ``prev`` an update. ``whole``: both sides after it, for the checksum."""
    sides = (bids, asks) if whole is None else whole
    levels = "|".join(f"{price}:{size}" for side in sides for price, size in side[:10])
    return BookEvent(
        epoch=epoch,
        seq=seq,
        ts=seq,
        recv=seq,
        sent=seq,
        symbol=SYMBOL,
        type="snapshot" if prev is UNSET else "update",
        depth=10,
        prev=prev,
        bids=bids,
        asks=asks,
        checksum=crc32(levels.encode()),
    )


def order_row(name: str, state: str = "new", filled: str = "0", updated: int = 1) -> OrderRow:
    """Return an order of 1."""
    row: dict[str, object] = order_fields(name, state, filled, updated)
    return OrderRow(**row)  # type: ignore[arg-type]


def order_fields(name: str, state: str, filled: str, updated: int) -> dict[str, object]:
    """Return the fields of an order of 1."""
    return {
        "order_id": f"1{len(name)}",
        "client_order_id": name,
        "symbol": SYMBOL,
        "side": "buy",
        "type": "limit",
        "state": state,
        "quantity": "1",
        "filled_quantity": filled,
        "remaining_quantity": "0",
        "price": "10",
        "average_price": None,
        "time_in_force": "gtc",
        "post_only": False,
        "reduce_only": False,
        "created": 1,
        "updated": updated,
    }


def orders_update(
    seq: int,
    name: str,
    event: OrderNews = "new",
    state: str = "new",
    *,
    filled: str = "0",
    fill: str | None = None,
) -> OrdersUpdate:
    """Return an event of an order; with ``fill`` one fill of this quantity."""
    return OrdersUpdate(
        **order_fields(name, state, filled, seq),  # type: ignore[arg-type]
        epoch="j",
        seq=seq,
        event=event,
        fill=UNSET if fill is None else fill_row(name, seq, fill),
        ts=seq,
        sent=seq,
    )


def fill_row(name: str, number: int, quantity: str) -> FillRow:
    """Return a fill of an order."""
    return FillRow(
        fill_id=str(number),
        order_id=f"1{len(name)}",
        client_order_id=name,
        trade_id="1",
        symbol=SYMBOL,
        side="buy",
        price="10",
        quantity=quantity,
        fee="0",
        fee_asset="USDT",
        liquidity="maker",
        time=number,
    )


def orders_snapshot(seq: int, *names: str, more: bool = False, epoch: str = "j") -> OrdersSnapshot:
    """Return a snapshot of open orders, or a part of one."""
    return OrdersSnapshot(
        epoch=epoch,
        seq=seq,
        more=True if more else UNSET,
        orders=[order_row(name) for name in names],
        ts=seq,
        sent=seq,
    )
