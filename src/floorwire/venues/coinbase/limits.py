"""What Coinbase allows in requests about orders, by its guide, and what is used of it."""

from __future__ import annotations

from floorwire.venues.common.request_budgets import BudgetRule

SECOND_US = 1_000_000

ORDER_BUDGETS = {
    # Coinbase: 30 requests a second and 10,000 an hour for a key. These are 28 a second and 9,600 an hour.
    "order": BudgetRule(15, SECOND_US // 2),
    "read": BudgetRule(10, SECOND_US * 3 // 2),
    "public": BudgetRule(4, SECOND_US),  # Coinbase: 10 a second from an address
}
CANCELS_PER_REQUEST = 100
TOO_MANY_US = 2 * SECOND_US
"""How long nothing is sent after status 429."""
SILENT_US = 10 * SECOND_US
"""Heartbeats come each second."""
TOKEN_S = 120
"""Coinbase: how long a token is valid."""
RETRY_CANCEL_US = SECOND_US // 20
"""How soon a cancel is tried again that could not be sent."""
