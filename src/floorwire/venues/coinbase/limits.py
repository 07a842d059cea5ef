"""What Coinbase gives and allows, by its guide, and what is used of it: for orders, and for prices."""

from __future__ import annotations

from collections.abc import Mapping

from floorwire.core.capabilities import Capabilities
from floorwire.core.microseconds import SECOND_US
from floorwire.venues.common.rate_limits import CONNECTIONS, REST, Allowance
from floorwire.venues.common.request_budgets import BudgetRule

CAPABILITIES = Capabilities(
    kind="coinbase",
    streams=("quote", "trades", "book", "candles"),
    candle_intervals=("5m",),
    order_types=("limit", "market", "stop_limit"),
)
"""Coinbase has no stop order that takes or ends. Advanced Trade sends no opening price of the day."""

ORDER_BUDGETS = {
    # Coinbase: 30 requests a second and 10,000 an hour for a key. These are 28 a second and 9,900 an hour.
    "order": BudgetRule(10, SECOND_US // 5, BudgetRule(1_500, SECOND_US)),
    "read": BudgetRule(8, SECOND_US // 5, BudgetRule(1_400, SECOND_US * 21 // 20)),
    "public": BudgetRule(3, SECOND_US, address=REST),  # Coinbase: 10 a second from an address
}
CANCELS_PER_REQUEST = 100
TOO_MANY_US = 2 * SECOND_US
"""How long nothing is sent after status 429."""
SILENT_US = 10 * SECOND_US
"""Heartbeats come each second."""
TOKEN_S = 120
"""Coinbase: how long a token is valid."""

PRODUCTS_PER_LINK = 10
"""A lost message costs all books of its link, and Coinbase names no limit of links."""
REQUESTS = 7
REQUEST_INTERVAL_US = SECOND_US
"""Coinbase: 8 messages a second from an address. A new link sends five, and may renew a book."""
ALLOWANCES: Mapping[str, Allowance] = {
    CONNECTIONS: Allowance(1, SECOND_US),
    REST: Allowance(5, SECOND_US // 5, for_orders=3),
}
"""Coinbase: 8 new connections a second from an address; one keeps the messages within their limit.
Coinbase: some 10 public requests a second from an address."""
CANDLES_PER_REQUEST = 350
"""Coinbase: at most. A longer time is refused."""
TRADES_PER_REQUEST = 1_000
"""Coinbase: at most."""
PAUSES_US: Mapping[int, int] = {429: 10 * SECOND_US, 403: 60 * SECOND_US}
"""Coinbase: its limits are of a second. 403 comes from the service in front of it."""
FEED_SILENT_US = 30 * SECOND_US
"""Coinbase sends a heartbeat each second."""
SYMBOL_SILENT_US = 600 * SECOND_US
"""Advanced Trade repeats nothing of a product in quiet times. A book without changes is only renewed then."""
HEARTBEAT_SILENT_US = 10 * SECOND_US
"""The Exchange feed has a heartbeat of each product once a second."""
