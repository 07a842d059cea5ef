"""Positions: average entry and realised profit of what was bought in one instrument."""

from __future__ import annotations

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
