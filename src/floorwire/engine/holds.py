"""Holds and fees: what an open order may still cost, and what a fill costs. Both favour the house, once.

A buy holds price x what is left, with the worst fee on that; a sell holds what is left of the base asset. An
order's fees are rounded up over all its fills together, not at each: a fill pays what its order's fees rise
by, so that what was held always suffices, however the fills are cut.
"""

from __future__ import annotations

from floorwire.core.account_events import Balance
from floorwire.core.instrument import Side
from floorwire.core.orders import Order, Ticket
from floorwire.engine.instrument_units import MILLION, InstrumentUnits
from floorwire.engine.ledger import Balances


def held(
    ticket: Ticket,
    terms: InstrumentUnits,
    price_ticks: int,
    left_lots: int,
    spent: int,
    fee_ppm: int,
    credit: int,
) -> int:
    """Return the units to hold for so many lots at the price; ``spent``: the turnover of fills so far."""
    if ticket.side == "sell":
        return left_lots * terms.base_units
    turnover = price_ticks * left_lots
    if ticket.spend is not None:
        turnover = min(turnover, ticket.spend - spent)
    notional = turnover * terms.quote_units
    due = notional * fee_ppm - credit
    return notional - (-due // MILLION) if due > 0 else notional


def holding(balances: Balances, terms: InstrumentUnits, side: Side, more: int) -> Balance:
    """Return the balance that an order's hold is on, with so many units more held."""
    if side == "buy":
        asset, decimals = terms.quote, terms.quote_decimals
    else:
        asset, decimals = terms.base, terms.base_decimals
    has = balances.get(asset)
    if has is None:
        return Balance(asset, 0, more, decimals)
    return Balance(asset, has.total, has.held + more, decimals)


def asking(order: Order, terms: InstrumentUnits, price_ticks: int, lots: int) -> Order:
    """Return the open order with one more amend on its way, to these terms, and what it holds for that."""
    asked_ticks, asked_lots = max(order.asked_ticks, price_ticks), max(order.asked_lots, lots)
    return _amended(
        order,
        terms,
        order.price_ticks,
        order.lots,
        order.updated_us,
        order.amending + 1,
        asked_ticks,
        asked_lots,
    )


def answered(order: Order, terms: InstrumentUnits, price_ticks: int, lots: int, updated_us: int) -> Order:
    """Return the open order with these terms and one amend less on its way, and what it holds then."""
    amending = order.amending - 1
    if amending > 0:
        return _amended(
            order, terms, price_ticks, lots, updated_us, amending, order.asked_ticks, order.asked_lots
        )
    return _amended(order, terms, price_ticks, lots, updated_us, 0, 0, 0)  # a spend order is amended unasked


def _amended(
    order: Order,
    terms: InstrumentUnits,
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
    units = held(ticket, terms, highest_ticks, left_lots, filled_turnover, fee_ppm, fee_credit)
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


def fee(notional: int, fee_ppm: int, credit: int) -> tuple[int, int]:
    """Return the fee of one fill in units, and the order's credit after it."""
    due = notional * fee_ppm - credit
    units = -(-due // MILLION) if due > 0 else 0
    return units, units * MILLION - due
