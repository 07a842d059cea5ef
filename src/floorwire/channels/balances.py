"""The balances channel: what one account has, and what orders hold of it."""

from __future__ import annotations

from collections.abc import Iterable

from floorwire.core.account_events import Balance
from floorwire.core.units import format_units, trim
from floorwire.protocol.private_events import BalancesEvent
from floorwire.protocol.rows import BalanceRow
from floorwire.protocol.topic import PrivateEventStamp


def row(balance: Balance) -> BalanceRow:
    """Return the balance."""
    amounts = (balance.total, balance.available, balance.held)
    return BalanceRow(balance.asset, *(trim(format_units(units, balance.decimals)) for units in amounts))


def update(changed: Iterable[Balance], ts_us: int, at: PrivateEventStamp) -> BalancesEvent:
    """Return the balances that changed."""
    return BalancesEvent(
        epoch=at.epoch,
        seq=at.seq,
        hidden=at.hidden,
        event="update",
        balances=[row(balance) for balance in changed],
        ts=ts_us,
        sent=at.sent_us,
    )


def snapshot(rows: list[BalanceRow], at: PrivateEventStamp) -> BalancesEvent:
    """Return every balance as the first event."""
    return BalancesEvent(
        epoch=at.epoch,
        seq=at.seq,
        type="snapshot",
        event="snapshot",
        balances=rows,
        ts=at.sent_us,
        sent=at.sent_us,
    )
