"""What OKX gives and allows, by its API guide ("WebSocket", "Rate limits"), and what is used of it."""

from __future__ import annotations

from collections.abc import Mapping

from floorwire.core.capabilities import Capabilities
from floorwire.core.microseconds import SECOND_US
from floorwire.venues.common.rate_limits import CONNECTIONS, REST, Allowance
from floorwire.venues.common.request_budgets import BudgetRule

CAPABILITIES = Capabilities(
    kind="okx",
    streams=("quote", "trades", "book", "candles", "day"),
    book_depth=400,
    candle_intervals=("1m", "5m", "15m", "1h", "4h", "1d"),
    order_types=("limit", "market"),
    times_in_force=("gtc", "ioc", "fok"),
)
"""OKX has no ``gtd``, and its stop orders are another kind of order, with ids and channels of their own."""

SYMBOLS_PER_LINK = 200
"""OKX names no limit of symbols. Candles of 200 are 1,200 channels."""
BOOKS_PER_LINK = 29
"""OKX: fewer than 30 order book channels on a connection."""
CHANNELS_PER_REQUEST = 1_000
"""OKX: a request has at most 64 kB. A channel takes some 45 bytes of it."""
REQUESTS = 200
"""OKX: 480 requests to subscribe, unsubscribe or log in on a connection in an hour. These are at once."""
REQUEST_INTERVAL_US = 15 * SECOND_US
"""Then one each 15 s: 440 in the first hour, with those at once."""
ALLOWANCES: Mapping[str, Allowance] = {
    CONNECTIONS: Allowance(2, SECOND_US),
    REST: Allowance(10, SECOND_US // 5, for_orders=2),
}
"""OKX: 3 new connections a second from an address. So two at once and then one a second are never more.
OKX: 20 requests for instruments in 2 s."""
PAUSES_US: Mapping[int, int] = {429: 10 * SECOND_US, 403: 60 * SECOND_US}
"""OKX names no time. Its own limits are of 2 s; 403 comes from the service in front of it."""
CANDLES_PER_REQUEST = 300
"""OKX: at most, and 20 requests for candles of the past in 2 s from an address."""
TRADES_PER_REQUEST = 100
"""OKX: at most, and 20 requests for trades of the past in 2 s from an address."""
TOO_MANY_CODES = ("50011", "50061")
"""OKX: the rate limit of the endpoint, or of the account, is exceeded."""
PING_US = 5 * SECOND_US
"""OKX closes a connection without a message for 30 s. A ping this soon shows that it is only quiet."""
SILENT_US = 25 * SECOND_US
SYMBOL_SILENT_US = 90 * SECOND_US
"""OKX repeats the number of a book that has not changed for 60 s."""

ORDER_EXPIRY_MS = 5_000
"""OKX discards an order or amend that reaches it later (``expTime``). So after that an order that cannot be
found was never placed."""
ORDER_BUDGETS = {
    # OKX: 60 of each in 2 s, per instrument
    "place": BudgetRule(30, SECOND_US // 15),
    "amend": BudgetRule(30, SECOND_US // 15),
    "cancel": BudgetRule(30, SECOND_US // 15),
    "read": BudgetRule(30, SECOND_US // 15),  # OKX: 60 of orders-pending, of order and of fills in 2 s
    "history": BudgetRule(20, SECOND_US // 10),  # OKX: 40 of fills-history in 2 s
    "list": BudgetRule(2, SECOND_US, address=REST),  # OKX: 10 of time, 20 of instruments in 2 s, by address
    "switch": BudgetRule(1, SECOND_US),  # OKX: cancel-all-after once a second
    "balance": BudgetRule(5, SECOND_US * 2 // 5),  # OKX: 10 in 2 s
}
TOO_MANY_US = 2 * SECOND_US
"""How long nothing is sent after OKX said that there were too many requests: its windows are 2 s long."""
PRIVATE_PING_US = 15 * SECOND_US
PRIVATE_SILENT_US = 25 * SECOND_US
"""OKX closes a connection without a message for 30 s."""
