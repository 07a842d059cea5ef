"""The private orders channel: changes of one account's orders."""

from __future__ import annotations

from typing import TypeAlias

import msgspec
from msgspec import UNSET

from floorwire.channels import fills
from floorwire.core.account_events import (
    AmendRefused,
    OrderAccepted,
    OrderAmended,
    OrderEnded,
    OrderFilled,
    OrderSubmitting,
    OrderTriggered,
    OrderUnknown,
    OrderWorking,
)
from floorwire.core.instrument import Instrument
from floorwire.core.orders import Order
from floorwire.core.units import format_units
from floorwire.core.venue_names import NO_VENUES, VenueNames
from floorwire.protocol.account_rows import OrderRow
from floorwire.protocol.event_stamps import PrivateEventStamp
from floorwire.protocol.private_events import OrderNews, OrdersSnapshot, OrdersUpdate

OrderEvent: TypeAlias = (
    OrderAccepted
    | OrderAmended
    | AmendRefused
    | OrderTriggered
    | OrderFilled
    | OrderEnded
    | OrderSubmitting
    | OrderWorking
    | OrderUnknown
)

EVENT_NAMES: dict[type[OrderEvent], OrderNews] = {
    OrderAccepted: "new",
    OrderAmended: "amended",
    AmendRefused: "amend_refused",
    OrderTriggered: "triggered",
    OrderFilled: "fill",
    OrderSubmitting: "submitting",
    OrderWorking: "new",
    OrderUnknown: "unknown",
}
END_NAMES: dict[str, OrderNews] = {
    "cancelled": "cancelled",
    "rejected": "rejected",
    "expired": "expired",
    "filled": "filled",
}
EXTRA_DECIMALS = 8
"""An average price has up to so many decimals more than a price."""


def row(order: Order, instrument: Instrument, names: VenueNames = NO_VENUES) -> OrderRow:
    """Return the present state of the order as a row."""
    ticket, price, size = order.ticket, instrument.price, instrument.size
    has_limit = ticket.price_ticks is not None
    return OrderRow(
        order_id=str(order.order_id),
        client_order_id=ticket.client_order_id,
        symbol=names.shown(instrument.symbol),
        side=ticket.side,
        type=ticket.type,
        state=order.state,
        quantity=size.format(order.lots),
        filled_quantity=size.format(order.filled_lots) if order.filled_lots else "0",
        remaining_quantity=size.format(order.left_lots) if order.left_lots else "0",
        price=price.format(order.price_ticks) if has_limit else None,
        average_price=average_price(order, instrument) if order.filled_lots else None,
        quote_quantity=UNSET if ticket.spend is None else instrument.format_notional(ticket.spend),
        stop_price=UNSET if ticket.stop_ticks is None else price.format(ticket.stop_ticks),
        triggered=UNSET if ticket.stop_ticks is None else order.triggered,
        time_in_force=ticket.time_in_force,
        expires=UNSET if ticket.expires_us is None else ticket.expires_us,
        post_only=ticket.post_only,
        reduce_only=ticket.reduce_only,
        code=UNSET if order.code is None or order.is_open else order.code.value,
        created=order.created_us,
        updated=order.updated_us,
    )


def average_price(order: Order, instrument: Instrument) -> str:
    """Return the average price of the order's fills (there is one at least), rounded if it has no end."""
    price = instrument.price
    units = order.filled_turnover * price.step * 10**EXTRA_DECIMALS
    rounded = (2 * units + order.filled_lots) // (2 * order.filled_lots)
    text = format_units(rounded, price.decimals + EXTRA_DECIMALS)
    exact = text[: -EXTRA_DECIMALS if price.decimals else -EXTRA_DECIMALS - 1]
    return exact + text[len(exact) :].rstrip("0").rstrip(".")


def update(
    event: OrderEvent, instrument: Instrument, at: PrivateEventStamp, names: VenueNames = NO_VENUES
) -> OrdersUpdate:
    """Return the event with the state of the order after it."""
    fields = row(event.order, instrument, names)
    if isinstance(event, AmendRefused) and event.code is not None:
        fields = msgspec.structs.replace(fields, code=event.code.value)
    return OrdersUpdate(
        **{name: getattr(fields, name) for name in OrderRow.__struct_fields__},
        epoch=at.epoch,
        seq=at.seq,
        hidden=at.hidden,
        event=END_NAMES[event.order.state] if isinstance(event, OrderEnded) else EVENT_NAMES[type(event)],
        fill=fills.row(event, instrument, names) if isinstance(event, OrderFilled) else UNSET,
        ts=event.ts_us,
        sent=at.sent_us,
    )


def snapshot(rows: list[OrderRow], at: PrivateEventStamp, *, more: bool = False) -> OrdersSnapshot:
    """Return the open orders as the first event of a subscription. ``more``: further orders follow."""
    return OrdersSnapshot(
        epoch=at.epoch, seq=at.seq, more=more or UNSET, orders=rows, ts=at.sent_us, sent=at.sent_us
    )
