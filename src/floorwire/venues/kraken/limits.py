"""What Kraken gives and allows, by its API guide and support pages, and what is used of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from floorwire.core.capabilities import Capabilities
from floorwire.core.microseconds import SECOND_US
from floorwire.core.order_ports import KrakenTier
from floorwire.venues.common.rate_limits import CONNECTIONS, REST, Allowance
from floorwire.venues.common.request_budgets import BudgetRule

CAPABILITIES = Capabilities(
    kind="kraken",
    streams=("quote", "trades", "book", "candles", "day"),
    book_depth=100,
    candle_intervals=("1m",),
)

SYMBOLS_PER_LINK = 1_000
SYMBOLS_PER_REQUEST = 50
"""Kraken names no limit of symbols. Each symbol is answered alone, so one refusal affects no other."""
REQUESTS = 20
REQUEST_INTERVAL_US = SECOND_US
"""Kraken names no fixed number: too many are answered with "Exceeded msg rate". So single books are requested
20 at once, then one a second."""
ALLOWANCES: Mapping[str, Allowance] = {
    CONNECTIONS: Allowance(30, 6 * SECOND_US, for_orders=5),
    REST: Allowance(5, SECOND_US, for_orders=2),
}
"""Kraken: some 150 new connections in ten minutes from an address. With those at once, these are 130.
Kraken: about one public request a second."""
CANDLES_PER_REQUEST = 720
"""Kraken: the latest, whatever is asked for."""
TRADES_PER_REQUEST = 1_000
"""Kraken: at most."""
LATEST_S = 253_402_300_800
"""Times from the year 10000 on are no times of trades."""
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


OPENING_WEIGHT = 6
"""What a new private link needs until orders are taken: its token, open orders, executions (2), balances, and
balances again. Queries leave so much, so that after a lost link nothing waits for the count."""


class Tier(NamedTuple):
    """What an account of one tier may do. Kraken counts up, and takes something off each second."""

    orders: BudgetRule
    """By pair. Places, amends and cancels count together."""
    reads: BudgetRule


TIERS: Mapping[KrakenTier, Tier] = {
    # Kraken: 60, 125 and 180 for orders of a pair, of which 1, 2.34 and 3.75 are taken off each second
    # Kraken: 15, 20 and 20 for reads, of which 0.33, 0.5 and 1 are taken off each second
    "starter": Tier(BudgetRule(58, 1_050_000), BudgetRule(14, 3_100_000, for_urgent=OPENING_WEIGHT)),
    "intermediate": Tier(BudgetRule(122, 445_000), BudgetRule(19, 2_050_000, for_urgent=OPENING_WEIGHT)),
    "pro": Tier(BudgetRule(176, 280_000), BudgetRule(19, 1_025_000, for_urgent=OPENING_WEIGHT)),
}
"""The limits of an account, a little below Kraken's."""
PLACE_WEIGHT = 1
AMEND_WEIGHT = 3
CANCEL_WEIGHTS = ((5, 8), (10, 6), (15, 5), (45, 4), (90, 2), (300, 1))
"""Up to this age of an order in seconds, its cancel counts so much."""
PUBLIC = BudgetRule(2, SECOND_US, address=REST)
HISTORY_WEIGHT = 2
"""Kraken: histories count twice. That of closed orders is taken for one of them."""
TOO_MANY_US = 5 * SECOND_US
"""How long no order request is sent after Kraken said that there were too many."""
READING_US = 60 * SECOND_US
"""How long reads may take. A reconciliation with four pages of executions counts ten: half a minute for the
lowest tier, where the count is used up."""
REST_TOO_MANY_US = 15 * SECOND_US
"""How long nothing is read after status 429: that comes from the network in front of Kraken."""
LOCKOUT_US = 120 * SECOND_US
"""How long nothing is sent after Kraken locked the account out."""


def order_budgets(tier: KrakenTier) -> Mapping[str, BudgetRule]:
    """Return what a tier may do about orders."""
    return {"order": TIERS[tier].orders}


def rest_budgets(tier: KrakenTier) -> Mapping[str, BudgetRule]:
    """Return what a tier may request by REST."""
    return {"read": TIERS[tier].reads, "public": PUBLIC}


def cancel_weight(placed_us: int | None, now_us: int) -> int:
    """Return how much the cancel of an order counts now. Orders of earlier processes count as old."""
    if placed_us is None:
        return 0
    age_s = (now_us - placed_us) / SECOND_US
    return next((weight for most_s, weight in CANCEL_WEIGHTS if age_s < most_s), 0)
