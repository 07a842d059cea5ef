"""The private balances channel: the balances of one account, and the reserve of its open orders."""

from __future__ import annotations

from collections.abc import Iterable

from floorwire.core.account_events import Balance
from floorwire.core.units import format_units, trim
from floorwire.core.venue_names import NO_VENUES, VenueNames
from floorwire.protocol.account_rows import BalanceRow
from floorwire.protocol.event_stamps import PrivateEventStamp
from floorwire.protocol.private_events import BalancesEvent


def row(balance: Balance, names: VenueNames = NO_VENUES) -> BalanceRow:
    """Return the balance as a row."""
    amounts = (balance.total, balance.available, balance.held)
    asset = names.shown(balance.asset)
    return BalanceRow(asset, *(trim(format_units(units, balance.decimals)) for units in amounts))


def update(
    changed: Iterable[Balance], ts_us: int, at: PrivateEventStamp, names: VenueNames = NO_VENUES
) -> BalancesEvent:
    """Return the balances that changed."""
    return BalancesEvent(
        epoch=at.epoch,
        seq=at.seq,
        hidden=at.hidden,
        event="update",
        balances=[row(balance, names) for balance in changed],
        ts=ts_us,
        sent=at.sent_us,
    )


def snapshot(rows: list[BalanceRow], at: PrivateEventStamp) -> BalancesEvent:
    """Return all balances as the first event of a subscription."""
    return BalancesEvent(
        epoch=at.epoch,
        seq=at.seq,
        type="snapshot",
        event="snapshot",
        balances=rows,
        ts=at.sent_us,
        sent=at.sent_us,
    )
