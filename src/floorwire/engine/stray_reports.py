"""Stray reports of venues in this process: a report about an order that is closed, or that nobody placed.

It puts the order in quarantine, so that an operator hears of it. All other orders go on.
"""

from __future__ import annotations

from floorwire.core.account_events import Quarantined
from floorwire.engine.accounts import Accounts
from floorwire.engine.remote_account import MOST_QUARANTINED, MOST_REPORT
from floorwire.engine.settlement import StrayReportError


def quarantine(accounts: Accounts, stray: StrayReportError, stamp_us: int) -> Quarantined | None:
    """Return the event. None if the order is in quarantine already, or the quarantine is full."""
    state, order_id = accounts.remote, stray.report.order_id
    is_known = any(one.order_id == order_id for one in state.quarantine.values())
    if is_known or len(state.quarantine) >= MOST_QUARANTINED:
        return None
    order = accounts.orders.get(order_id)
    account, venue = "", ""
    if order is not None:
        account, venue = order.ticket.account, accounts.instrument_of(order).venue
    return Quarantined(
        account,
        state.last_number + 1,
        venue,
        order_id,
        "",
        "the venue reports on an order that is not open",
        repr(stray.report)[:MOST_REPORT],
        stamp_us,
    )
