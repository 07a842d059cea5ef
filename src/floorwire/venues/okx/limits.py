"""What OKX allows, by its API guide ("Overview / WebSocket" and "Rate limits"), and what is used of it."""

from __future__ import annotations

SECOND_US = 1_000_000

SYMBOLS_PER_LINK = 25
"""OKX: fewer than 30 order book channels on a connection."""
REQUESTS = 200
"""OKX: 480 requests to subscribe, unsubscribe or log in on a connection in an hour. These are at once."""
REQUEST_INTERVAL_US = 15 * SECOND_US
"""Then one each 15 s: 440 in the first hour, with those at once."""
CONNECTIONS = 2
CONNECTION_INTERVAL_US = SECOND_US
"""OKX: 3 new connections a second from an address. So two at once and then one a second are never more."""
PING_US = 5 * SECOND_US
"""OKX closes a connection without a message for 30 s. A ping this soon shows that it is only quiet."""
SILENT_US = 25 * SECOND_US
SYMBOL_SILENT_US = 90 * SECOND_US
"""OKX repeats the number of a book that has not changed for 60 s."""
