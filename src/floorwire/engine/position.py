"""Positions: average entry and realised profit of what was bought in one instrument.

Several instruments may have the same base asset, and there is one balance of it. Where the asset leaves in
another way than by a sale in the instrument (a sale in another one, a payment with it as the quote asset), it
leaves in this order: what was bought in the instrument of that sale, what was bought nowhere (deposits), and
then what was bought in the other instruments, in proportion. What leaves a position so leaves at its average
entry price and realises nothing there.
"""

from __future__ import annotations

from collections.abc import Sequence

from floorwire.core.account_events import Position


def after_fill(before: Position, is_buy: bool, base: int, quote: int, quantity: int) -> Position:
    """Return the position after base units were traded for quote units; ``quantity`` is all there is then.

    The cost of what is sold is rounded up: a profit is never told too large.
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
    """Return those of one base asset's positions that are others now that the balance is ``total`` units.

    What stays of a cost is rounded up: a later profit is never told too large.
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
