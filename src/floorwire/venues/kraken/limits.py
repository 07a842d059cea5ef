"""What Kraken allows, by its API guide and support pages, and what is used of it."""

from __future__ import annotations

from collections.abc import Mapping

from floorwire.venues.common.rate_limits import CONNECTIONS, REST, Allowance
from floorwire.venues.common.request_budgets import BudgetRule

SECOND_US = 1_000_000

SYMBOLS_PER_LINK = 1_000
SYMBOLS_PER_REQUEST = 50
"""Kraken names no limit of symbols. Each symbol is answered alone, so one refusal affects no other."""
REQUESTS = 20
REQUEST_INTERVAL_US = SECOND_US
"""Kraken names no fixed number: too many are answered with "Exceeded msg rate". So single books are requested
20 at once, then one a second."""
ALLOWANCES: Mapping[str, Allowance] = {
    CONNECTIONS: Allowance(30, 6 * SECOND_US),
    REST: Allowance(5, SECOND_US),
}
"""Kraken: some 150 new connections in ten minutes from an address. With those at once, these are 130.
Kraken: about one public request a second."""
PAUSES_US: Mapping[int, int] = {429: 60 * SECOND_US, 403: 600 * SECOND_US}
"""Kraken: an address that connects too often is banned for ten minutes."""
TOO_MANY = "Rate limit exceeded"
"""Kraken: "EAPI:Rate limit exceeded", with status 200."""
PING_US = 3 * SECOND_US
SILENT_US = 10 * SECOND_US
"""Kraken sends a heartbeat each second if nothing else comes. It advises to connect anew after some 5 s.
Twice that leaves time for the answer to a ping."""
SYMBOL_SILENT_US = 600 * SECOND_US
"""Kraken repeats nothing of a symbol in quiet times. A book without changes is only renewed now and then."""

ORDER_DEADLINE_US = 5 * SECOND_US
"""Kraken does not match an order or amend that reaches the engine later. It allows 0.5 to 60 s."""
ORDER_BUDGETS = {"order": BudgetRule(58, 1_050_000)}
"""Kraken counts by account and pair: 60 for accounts of the lowest tier, one less each second. Places, amends
and cancels count together."""
PLACE_WEIGHT = 1
AMEND_WEIGHT = 3
CANCEL_WEIGHTS = ((5, 8), (10, 6), (15, 5), (45, 4), (90, 2), (300, 1))
"""Up to this age of an order in seconds, its cancel counts so much."""
REST_BUDGETS = {
    "read": BudgetRule(14, 3_100_000),  # Kraken: 15 for the lowest tier, a third less each second
    "public": BudgetRule(2, SECOND_US),
}
HISTORY_WEIGHT = 2
TOO_MANY_US = 5 * SECOND_US
"""How long no order request is sent after Kraken said that there were too many."""
REST_TOO_MANY_US = 15 * SECOND_US
LOCKOUT_US = 120 * SECOND_US
"""How long nothing is sent after Kraken locked the account out."""


def cancel_weight(placed_us: int | None, now_us: int) -> int:
    """Return how much the cancel of an order counts now. Orders of earlier processes count as old."""
    if placed_us is None:
        return 0
    age_s = (now_us - placed_us) / SECOND_US
    return next((weight for most_s, weight in CANCEL_WEIGHTS if age_s < most_s), 0)
