"""Holds and fees: what an open order may still cost, and what a fill costs. Both favour the house, once.

A buy holds price x what is left, with the worst fee on that; a sell holds what is left of the base asset. An
order's fees are rounded up over all its fills together, not at each: a fill pays what its order's fees rise
by, so that what was held always suffices, however the fills are cut.
"""

from __future__ import annotations

from floorwire.core.orders import Order, Ticket
from floorwire.engine.terms import MILLION, Terms


def held(
    ticket: Ticket, terms: Terms, price_ticks: int, left_lots: int, spent: int, fee_ppm: int, credit: int
) -> int:
    """Return the units to hold for so many lots at the price; ``spent``: the turnover of fills so far."""
    if ticket.side == "sell":
        return left_lots * terms.base_units
    turnover = price_ticks * left_lots
    if ticket.spend is not None:
        turnover = min(turnover, ticket.spend - spent)
    notional = turnover * terms.quote_units
    return notional + max(0, _up(notional * fee_ppm - credit))


def held_by(order: Order, terms: Terms) -> int:
    """Return what the open order has to hold as it stands, amends on their way included."""
    price_ticks = max(order.price_ticks, order.asked_ticks)
    left_lots = max(order.lots, order.asked_lots) - order.filled_lots
    ticket, spent = order.ticket, order.filled_turnover
    return held(ticket, terms, price_ticks, left_lots, spent, order.fee_ppm, order.fee_credit)


def fee(notional: int, fee_ppm: int, credit: int) -> tuple[int, int]:
    """Return the fee of one fill in units, and the order's credit after it."""
    due = notional * fee_ppm - credit
    units = max(0, _up(due))
    return units, units * MILLION - due


def _up(millionths: int) -> int:
    return -(-millionths // MILLION)
