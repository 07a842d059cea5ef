"""What Bybit gives and allows, by its API guide ("Connect", "Rate Limit Rules"), and what is used of it."""

from __future__ import annotations

from collections.abc import Mapping

from floorwire.core.capabilities import Capabilities
from floorwire.core.microseconds import SECOND_US
from floorwire.venues.common.rate_limits import CONNECTIONS, REST, Allowance
from floorwire.venues.common.request_budgets import BudgetRule

CAPABILITIES = Capabilities(
    kind="bybit",
    streams=("quote", "trades", "book", "candles", "day"),
    book_depth=200,
    candle_intervals=("1m", "5m", "15m", "1h", "4h", "1d"),
    order_types=("limit", "market"),
    times_in_force=("gtc", "ioc", "fok"),
)
"""Bybit has no ``gtd``. A stop order of its spot market has no direction: it could wait for the wrong one."""

TOPICS_PER_REQUEST = 10
"""Bybit, spot: at most ten topics in one request. One topic that it does not know refuses them all."""
TOPICS_PER_LINK = 800
"""Bybit: at most 21,000 characters of topics on a connection. A topic has 15 to 26."""
REQUESTS = 100
REQUEST_INTERVAL_US = SECOND_US
"""Bybit names no limit of requests on the public stream. Single books are requested 100 at once, then one a
second."""
ALLOWANCES: Mapping[str, Allowance] = {
    CONNECTIONS: Allowance(50, SECOND_US, for_orders=5),
    REST: Allowance(200, SECOND_US // 60, for_orders=50),
}
"""Bybit: 500 new connections in five minutes from an address. With those at once, these are 350.
Bybit: 600 HTTP requests in 5 s from an address, of prices and orders. With those at once, these are 500. The
budgets of orders are 47 at once."""
PAUSES_US: Mapping[int, int] = {403: 600 * SECOND_US, 429: 60 * SECOND_US}
"""Bybit: 403 "access too frequent" is a ban of ten minutes, in which nothing may be sent."""
CANDLES_PER_REQUEST = 1_000
"""Bybit: at most."""
TRADES_PER_REQUEST = 60
"""Bybit: at most, for spot."""
TOO_MANY_CODE = 10006
"""Bybit: too many visits."""
PING_US = 5 * SECOND_US
"""Bybit: every 20 s. A ping sooner shows that a link without messages is only quiet."""
SILENT_US = 25 * SECOND_US
SYMBOL_SILENT_US = 15 * SECOND_US
"""Bybit repeats the best prices of a symbol (orderbook.1) every 3 s where nothing changes."""

ORDER_WINDOW_MS = 2_000
"""Bybit refuses an order or amend whose time is older than this. The shorter, the sooner "not found" means
something."""
WINDOW_MS = 5_000
ORDER_BUDGETS = {
    # Bybit, by account and second: 20 creates, 10 amends, 20 cancels, 50 of each kind of read
    "place": BudgetRule(10, SECOND_US // 10, address=REST, left=10),
    "amend": BudgetRule(5, SECOND_US // 5, address=REST, left=10),
    "cancel": BudgetRule(10, SECOND_US // 10, address=REST),
    "read": BudgetRule(20, SECOND_US // 20, address=REST, left=25),
    "time": BudgetRule(2, SECOND_US, address=REST, left=25),
}
"""Those that go over the trade link count here too: they may go by REST at any time."""
TOO_MANY_US = SECOND_US
"""How long nothing is sent after Bybit said that there were too many requests: its windows are a second."""
BANNED_US = 600 * SECOND_US
"""How long nothing is sent after status 403: too many requests of the address, by the documents."""
PRIVATE_PING_US = 15 * SECOND_US
PRIVATE_SILENT_US = 25 * SECOND_US
"""Bybit: a ping each 20 s. It answers each."""
