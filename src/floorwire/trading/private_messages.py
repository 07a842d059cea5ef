"""Words: an account event as the message of one private channel; the same live and from the journal."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from floorwire.channels import balances, fills, orders, positions
from floorwire.core.account_events import (
    AccountEvent,
    AmendRefused,
    Deposited,
    OrderAccepted,
    OrderAmended,
    OrderAmending,
    OrderEnded,
    OrderFilled,
    OrderTriggered,
    PositionsChanged,
    PrivateChannel,
    Seqs,
)
from floorwire.core.instrument import Instrument
from floorwire.core.orders import Order
from floorwire.protocol.private_events import PrivateEvent
from floorwire.protocol.topic import PrivateEventStamp

InstrumentOf: TypeAlias = Callable[[Order], Instrument]
"""With the steps that the order is counted in."""


def seq_of(seqs: Seqs, channel: PrivateChannel) -> int:
    """Return the channel's."""
    if channel == "orders":
        return seqs.orders
    if channel == "fills":
        return seqs.fills
    return seqs.balances if channel == "balances" else seqs.positions


def message(
    channel: PrivateChannel, event: AccountEvent, instrument_of: InstrumentOf, at: PrivateEventStamp
) -> PrivateEvent:
    """Return the event, which ``CHANNELS`` says is on the channel, as its message."""
    match event:
        case OrderFilled():
            return _fill(channel, event, instrument_of(event.order), at)
        case PositionsChanged():
            return positions.update(event.positions, event.ts_us, at)
        case Deposited():
            return balances.update((event.balance,), event.ts_us, at)
        case OrderAccepted() | OrderAmended() | AmendRefused() | OrderEnded() | OrderTriggered() if (
            channel == "orders"
        ):
            return orders.update(event, instrument_of(event.order), at)
        case OrderAccepted() | OrderAmended() | OrderEnded() | OrderAmending() | AmendRefused():
            return balances.update(event.balances, event.ts_us, at)
        case _:
            raise AssertionError(f"{type(event).__name__} is on no channel")


def _fill(
    channel: PrivateChannel, event: OrderFilled, instrument: Instrument, at: PrivateEventStamp
) -> PrivateEvent:
    if channel == "orders":
        return orders.update(event, instrument, at)
    if channel == "fills":
        return fills.update(event, instrument, at)
    if channel == "balances":
        return balances.update(event.balances, event.ts_us, at)
    return positions.update((event.position,), event.ts_us, at)
