"""Maps account events to the events of private channels; the same live and from the journal."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from floorwire.channels import balances, fills, orders, positions
from floorwire.core.account_events import (
    AccountEvent,
    AccountReset,
    AmendRefused,
    Deposited,
    OrderAccepted,
    OrderAmended,
    OrderAmending,
    OrderEnded,
    OrderFilled,
    OrderSubmitting,
    OrderTriggered,
    OrderUnknown,
    OrderWorking,
    PositionsChanged,
    PrivateChannel,
    Seqs,
    TransferReceived,
    TransferSent,
    VenueBalanceSet,
    Withdrawn,
)
from floorwire.core.instrument import Instrument
from floorwire.core.orders import Order
from floorwire.core.venue_names import NO_VENUES, VenueNames
from floorwire.protocol.event_stamps import PrivateEventStamp
from floorwire.protocol.private_events import PrivateEvent

InstrumentOf: TypeAlias = Callable[[Order], Instrument]
"""Returns the instrument with the tick and lot size that the order was made with."""


def seq_of(seqs: Seqs, channel: PrivateChannel) -> int:
    """Return the seq of the channel."""
    if channel == "orders":
        return seqs.orders
    if channel == "fills":
        return seqs.fills
    return seqs.balances if channel == "balances" else seqs.positions


def private_event(
    channel: PrivateChannel,
    event: AccountEvent,
    instrument_of: InstrumentOf,
    stamp: PrivateEventStamp,
    names: VenueNames = NO_VENUES,
) -> PrivateEvent:
    """Return the message. ``CHANNELS`` must say that the event is on the channel."""
    match event:
        case OrderFilled():
            return _fill_event(channel, event, instrument_of(event.order), stamp, names)
        case PositionsChanged() | AccountReset() if channel == "positions":
            return positions.update(event.positions, event.ts_us, stamp, names)
        case Deposited() | Withdrawn() | TransferSent() | TransferReceived() | VenueBalanceSet():
            return balances.update((event.balance,), event.ts_us, stamp, names)
        case (
            OrderAccepted()
            | OrderAmended()
            | AmendRefused()
            | OrderEnded()
            | OrderTriggered()
            | OrderSubmitting()
            | OrderWorking()
            | OrderUnknown()
        ) if channel == "orders":
            return orders.update(event, instrument_of(event.order), stamp, names)
        case (
            OrderAccepted()
            | OrderSubmitting()
            | OrderAmended()
            | OrderEnded()
            | OrderAmending()
            | AmendRefused()
            | AccountReset()
        ):
            return balances.update(event.balances, event.ts_us, stamp, names)
        case _:
            raise AssertionError(f"{type(event).__name__} is on no channel")


def _fill_event(
    channel: PrivateChannel,
    event: OrderFilled,
    instrument: Instrument,
    stamp: PrivateEventStamp,
    names: VenueNames,
) -> PrivateEvent:
    if channel == "orders":
        return orders.update(event, instrument, stamp, names)
    if channel == "fills":
        return fills.update(event, instrument, stamp, names)
    if channel == "balances":
        return balances.update(event.balances, event.ts_us, stamp, names)
    return positions.update((event.position,), event.ts_us, stamp, names)
