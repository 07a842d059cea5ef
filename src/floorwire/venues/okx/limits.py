"""What OKX allows, by its API guide ("Overview / WebSocket" and "Rate limits"), and what is used of it."""

from __future__ import annotations

from collections.abc import Mapping

from floorwire.venues.common.rate_limits import CONNECTIONS, REST, Allowance

SECOND_US = 1_000_000

SYMBOLS_PER_LINK = 25
"""OKX: fewer than 30 order book channels on a connection."""
REQUESTS = 200
"""OKX: 480 requests to subscribe, unsubscribe or log in on a connection in an hour. These are at once."""
REQUEST_INTERVAL_US = 15 * SECOND_US
"""Then one each 15 s: 440 in the first hour, with those at once."""
ALLOWANCES: Mapping[str, Allowance] = {
    CONNECTIONS: Allowance(2, SECOND_US),
    REST: Allowance(10, SECOND_US // 5),
}
"""OKX: 3 new connections a second from an address. So two at once and then one a second are never more.
OKX: 20 requests for instruments in 2 s."""
PAUSES_US: Mapping[int, int] = {429: 10 * SECOND_US, 403: 60 * SECOND_US}
"""OKX names no time. Its own limits are of 2 s; 403 comes from the service in front of it."""
TOO_MANY_CODES = ("50011", "50061")
"""OKX: the rate limit of the endpoint, or of the account, is exceeded."""
PING_US = 5 * SECOND_US
"""OKX closes a connection without a message for 30 s. A ping this soon shows that it is only quiet."""
SILENT_US = 25 * SECOND_US
SYMBOL_SILENT_US = 90 * SECOND_US
"""OKX repeats the number of a book that has not changed for 60 s."""
