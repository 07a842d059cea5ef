"""The private fills channel: each fill of one account's orders, once."""

from __future__ import annotations

from floorwire.core.account_events import Balance, OrderFilled
from floorwire.core.instrument import Instrument
from floorwire.core.units import format_units, trim
from floorwire.core.venue_names import NO_VENUES, VenueNames
from floorwire.protocol.account_rows import FillRow
from floorwire.protocol.event_stamps import PrivateEventStamp
from floorwire.protocol.private_events import FillsSnapshot, FillsUpdate


def row(event: OrderFilled, instrument: Instrument, names: VenueNames = NO_VENUES) -> FillRow:
    """Return the fill as a row."""
    ticket, fee_balance = event.order.ticket, _fee_balance(event)
    return FillRow(
        fill_id=str(event.fill_id),
        order_id=str(event.order.order_id),
        client_order_id=ticket.client_order_id,
        trade_id=event.trade_id,
        symbol=names.shown(instrument.symbol),
        side=ticket.side,
        price=instrument.price.format(event.price_ticks),
        quantity=instrument.size.format(event.lots),
        fee=trim(format_units(event.fee, fee_balance.decimals)),
        fee_asset=names.shown(fee_balance.asset),
        liquidity=event.liquidity,
        time=event.ts_us,
    )


def _fee_balance(event: OrderFilled) -> Balance:
    """Return the balance that the fee was paid from: the quote asset's, unless a venue said another."""
    quote, base = event.balances
    if event.fee_balance is not None:
        return event.fee_balance
    return base if event.fee_asset == base.asset else quote


def update(
    event: OrderFilled, instrument: Instrument, at: PrivateEventStamp, names: VenueNames = NO_VENUES
) -> FillsUpdate:
    """Return the fill as an event."""
    fields = row(event, instrument, names)
    return FillsUpdate(
        **{name: getattr(fields, name) for name in FillRow.__struct_fields__},
        epoch=at.epoch,
        seq=at.seq,
        hidden=at.hidden,
        ts=event.ts_us,
        sent=at.sent_us,
    )


def snapshot(rows: list[FillRow], at: PrivateEventStamp) -> FillsSnapshot:
    """Return the latest fills as the first event of a subscription."""
    return FillsSnapshot(epoch=at.epoch, seq=at.seq, fills=rows, ts=at.sent_us, sent=at.sent_us)
