"""Holds: the reserve of a balance for an open order.

A hold is the part of a balance that an open order may still need. No other order can use it.

- A buy holds quote units: its price times its unfilled lots, plus the highest fee on that.
- A sell holds base units: its unfilled lots.

The hold is always enough, into however many fills the order is split: ``fees`` says why. ``credit`` is the
order's fee credit there.
"""

from __future__ import annotations

from floorwire.core.account_events import Balance
from floorwire.core.instrument import Side
from floorwire.core.orders import Order, OrderTicket
from floorwire.engine.instrument_units import MILLION, InstrumentUnits
from floorwire.engine.ledger import Balances


def held(
    ticket: OrderTicket,
    instrument_units: InstrumentUnits,
    price_ticks: int,
    left_lots: int,
    spent: int,
    fee_ppm: int,
    credit: int,
) -> int:
    """Return the reserve of a balance for an order, in units of the asset that it pays with.

    ``left_lots``: the unfilled lots. ``spent``: the turnover of the fills so far, in ticks times lots.
    ``fee_ppm``: the highest fee, in millionths of the turnover. ``credit``: the order's fee credit.
    """
    if ticket.side == "sell":
        return left_lots * instrument_units.base_units
    turnover = price_ticks * left_lots
    if ticket.spend is not None:
        turnover = min(turnover, ticket.spend - spent)
    notional = turnover * instrument_units.quote_units
    due = notional * fee_ppm - credit
    return notional - (-due // MILLION) if due > 0 else notional


def holding(balances: Balances, instrument_units: InstrumentUnits, side: Side, more: int) -> Balance:
    """Return the balance that an order of this side holds, with ``more`` units held in addition."""
    if side == "buy":
        asset, decimals = instrument_units.quote, instrument_units.quote_decimals
    else:
        asset, decimals = instrument_units.base, instrument_units.base_decimals
    has = balances.get(asset)
    if has is None:
        return Balance(asset, 0, more, decimals)
    return Balance(asset, has.total, has.held + more, decimals)


def asking(order: Order, instrument_units: InstrumentUnits, price_ticks: int, lots: int) -> Order:
    """Return the open order with one more amend that the venue has not answered, and with its new hold.

    The hold covers the highest price and the most lots of all unanswered amends: any of them may succeed.
    """
    asked_ticks, asked_lots = max(order.asked_ticks, price_ticks), max(order.asked_lots, lots)
    return _amended(
        order,
        instrument_units,
        order.price_ticks,
        order.lots,
        order.updated_us,
        order.amending + 1,
        asked_ticks,
        asked_lots,
    )


def answered(
    order: Order, instrument_units: InstrumentUnits, price_ticks: int, lots: int, updated_us: int
) -> Order:
    """Return the open order after the venue answered an amend, and with its new hold.

    ``price_ticks``, ``lots``: what the order has now. A refused amend leaves them as they were.
    """
    amending = order.amending - 1
    if amending > 0:
        return _amended(
            order,
            instrument_units,
            price_ticks,
            lots,
            updated_us,
            amending,
            order.asked_ticks,
            order.asked_lots,
        )
    # the venue may also amend a spend order without a request: ``amending`` is 0 before it
    return _amended(order, instrument_units, price_ticks, lots, updated_us, 0, 0, 0)


def _amended(
    order: Order,
    instrument_units: InstrumentUnits,
    price_ticks: int,
    lots: int,
    updated_us: int,
    amending: int,
    asked_ticks: int,
    asked_lots: int,
) -> Order:
    ticket, filled_lots, filled_turnover = order.ticket, order.filled_lots, order.filled_turnover
    fee_ppm, fee_credit = order.fee_ppm, order.fee_credit
    highest_ticks = asked_ticks if asked_ticks > price_ticks else price_ticks
    left_lots = (asked_lots if asked_lots > lots else lots) - filled_lots
    units = held(ticket, instrument_units, highest_ticks, left_lots, filled_turnover, fee_ppm, fee_credit)
    return Order(
        order.order_id,
        ticket,
        order.key,
        lots,
        price_ticks,
        order.state,
        order.created_us,
        updated_us,
        filled_lots,
        filled_turnover,
        order.code,
        order.triggered,
        units,
        fee_ppm,
        fee_credit,
        amending,
        asked_ticks,
        asked_lots,
        order.cancelling,
    )
