"""Paper checks: why an order is refused in a paper market, before anything is changed."""

from __future__ import annotations

from floorwire.core.codes import Code
from floorwire.core.instrument import Side
from floorwire.core.order_commands import Place
from floorwire.engine.matching import RESTING
from floorwire.engine.visible_book import VisibleSide

ANY_PRICE = 1 << 80
"""The key of an order that has no limit: better than every level."""


def limit_key(side: Side, price_ticks: int | None) -> int:
    """Return the limit as a level's key on the order's own side; negated it is a key of the other side."""
    if price_ticks is None:
        return ANY_PRICE
    return price_ticks if side == "buy" else -price_ticks


def may_rest(place: Place) -> bool:
    """Return whether what is left of the order may rest."""
    return place.price_ticks is not None and place.time_in_force in RESTING


def is_well_formed(place: Place) -> bool:
    """Return whether the order makes sense in any market."""
    prices = [ticks for ticks in (place.price_ticks, place.stop_ticks) if ticks is not None]
    return (
        place.lots > place.filled_lots
        and min(prices, default=1) > 0
        and (may_rest(place) or not place.post_only)
        and (place.spend is None or place.stop_ticks is None)
    )


def entry_refusal_code(place: Place, against: VisibleSide, is_live: bool) -> Code | None:
    """Return why the order may not enter the market as it is now, None if it may."""
    key = -limit_key(place.side, place.price_ticks)
    if not is_live:
        return None if may_rest(place) else Code.STALE_MARKET
    if may_rest(place):
        return Code.POST_ONLY_WOULD_CROSS if place.post_only and against.reaches(key) else None
    there = sum(lots for _, lots in against.available(key))
    if place.time_in_force == "fok" and there < place.lots - place.filled_lots:
        return Code.FOK_UNFILLED
    nothing = place.price_ticks is None and not there
    poor = place.spend is not None and not against.affordable_lots(place.spend, key, place.spend + 1)
    return Code.NO_LIQUIDITY if nothing or poor else None
