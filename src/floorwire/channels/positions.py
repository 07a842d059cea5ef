"""The private positions channel: the position of one account in each instrument, and its realised profit."""

from __future__ import annotations

from collections.abc import Iterable

from floorwire.core.account_events import Position
from floorwire.core.units import format_units, trim
from floorwire.core.venue_names import NO_VENUES, VenueNames
from floorwire.protocol.account_rows import PositionRow
from floorwire.protocol.event_stamps import PrivateEventStamp
from floorwire.protocol.private_events import PositionsEvent

PRICE_DECIMALS = 8


def row(position: Position, names: VenueNames = NO_VENUES) -> PositionRow:
    """Return the position as a row."""
    return PositionRow(
        symbol=names.shown(position.symbol),
        quantity=trim(format_units(position.quantity, position.base_decimals)),
        average_price=_average(position) if position.bought else None,
        realised=trim(format_units(position.realised, position.quote_decimals)),
    )


def _average(position: Position) -> str:
    shift = PRICE_DECIMALS + position.base_decimals - position.quote_decimals
    cost, bought = position.cost, position.bought
    cost, bought = (cost * 10**shift, bought) if shift >= 0 else (cost, bought * 10**-shift)
    return trim(format_units((2 * cost + bought) // (2 * bought), PRICE_DECIMALS))


def update(
    changed: Iterable[Position], ts_us: int, at: PrivateEventStamp, names: VenueNames = NO_VENUES
) -> PositionsEvent:
    """Return the positions that changed."""
    return PositionsEvent(
        epoch=at.epoch,
        seq=at.seq,
        hidden=at.hidden,
        event="update",
        positions=[row(position, names) for position in changed],
        ts=ts_us,
        sent=at.sent_us,
    )


def snapshot(rows: list[PositionRow], at: PrivateEventStamp) -> PositionsEvent:
    """Return all positions as the first event of a subscription."""
    return PositionsEvent(
        epoch=at.epoch,
        seq=at.seq,
        type="snapshot",
        event="snapshot",
        positions=rows,
        ts=at.sent_us,
        sent=at.sent_us,
    )
