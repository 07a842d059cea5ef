"""Positions: the average entry price and the realised profit of what was bought in one instrument.

Several instruments can have the same base asset, but an account has one balance of it. The balance can also
fall by a sale in another instrument, or by a purchase that the asset pays for. The units that leave are then
taken in this order:

1. units that were bought in the instrument of that sale;
2. units that were bought in no instrument, such as deposits;
3. units that were bought in the other instruments, in proportion to their positions.

Units of the third kind leave their position at its average entry price, and realise no profit there.
"""

from __future__ import annotations

from collections.abc import Sequence

from floorwire.core.account_events import Position


def after_fill(before: Position, is_buy: bool, base: int, quote: int, quantity: int) -> Position:
    """Return the position after a fill in its instrument.

    ``base``, ``quote``: what was traded, in units. ``quantity``: the base asset's balance after the fill.
    The cost of the sold units is rounded up, so that no profit is shown too large.
    """
    bought, cost, realised = before.bought, before.cost, before.realised
    if is_buy:
        bought, cost = bought + base, cost + quote
    elif bought:
        sold = min(base, bought)
        cost_of_sold = -(-cost * sold // bought)
        realised += quote * sold // base - cost_of_sold
        bought, cost = bought - sold, cost - cost_of_sold
    return Position(
        before.symbol, quantity, bought, cost, realised, before.base_decimals, before.quote_decimals
    )


def after_balance(positions: Sequence[Position], total: int) -> list[Position]:
    """Return the positions that change when the balance of their base asset becomes ``total`` units.

    ``positions``: all positions of one account in this base asset. The cost that remains is rounded up, so
    that no later profit is shown too large.
    """
    left = sum(position.bought for position in positions)
    excess = left - total
    changed = []
    for position in positions:
        bought, cost = position.bought, position.cost
        if excess > 0 and bought:
            gone = -(-excess * bought // left)
            excess, left = excess - gone, left - bought
            cost = -(-cost * (bought - gone) // bought)
            bought -= gone
        if position.quantity != total or position.bought != bought:
            changed.append(
                Position(
                    position.symbol,
                    total,
                    bought,
                    cost,
                    position.realised,
                    position.base_decimals,
                    position.quote_decimals,
                )
            )
    return changed
