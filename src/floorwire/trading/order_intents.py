"""Order intents: what the disk has of an order before the journal has it, and what a start makes of it."""

from __future__ import annotations

import msgspec

from floorwire.core.account_events import AccountEntry
from floorwire.core.refusal import Refusal
from floorwire.engine import order_parsing
from floorwire.engine.early_orders import EarlyOrder
from floorwire.engine.order_manager import OrderManager
from floorwire.protocol.trading_requests import OrderPlace
from floorwire.storage.journal import JournalVersionError


class OrderIntent(msgspec.Struct, frozen=True, array_like=True):
    """What the disk has of an order that is being decided.

    ``epoch``: of the journal. ``symbol``: canonical.
    """

    epoch: str
    early: EarlyOrder
    account: str
    key: str
    symbol: str
    stamp_us: int
    request: OrderPlace


encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(OrderIntent).decode


def recovered(order_manager: OrderManager, epoch: str, intent: bytes) -> list[AccountEntry]:
    """Book the order of an intent that no record followed. Return its entries; none: it did not leave.

    ``epoch``: of the journal. Raises JournalVersionError.
    """
    try:
        found = _decode(intent)
    except msgspec.MsgspecError as error:
        raise JournalVersionError(
            f"journal.intent is not damaged, but another version wrote it: start that one ({error})"
        ) from None
    if found.epoch != epoch:
        return []
    try:
        units = order_manager.instrument_units(found.symbol)
        ticket = order_parsing.parse_order(units, found.account, found.request)
    except Refusal:
        return []
    return order_manager.book_early_order(ticket, found.early, epoch, found.key, found.stamp_us)
