"""What Coinbase Advanced Trade allows for prices, and what is used of it."""

from __future__ import annotations

from collections.abc import Mapping

from floorwire.venues.common.rate_limits import CONNECTIONS, REST, Allowance

SECOND_US = 1_000_000

PRODUCTS_PER_LINK = 10
"""A lost message costs all books of its link, and Coinbase names no limit of links."""
REQUESTS = 7
REQUEST_INTERVAL_US = SECOND_US
"""Coinbase: 8 messages a second from an address. A new link sends five, and may renew a book."""
ALLOWANCES: Mapping[str, Allowance] = {
    CONNECTIONS: Allowance(1, SECOND_US),
    REST: Allowance(5, SECOND_US // 5),
}
"""Coinbase: 8 new connections a second from an address; one keeps the messages within their limit.
Coinbase: some 10 public requests a second from an address."""
PAUSES_US: Mapping[int, int] = {429: 10 * SECOND_US, 403: 60 * SECOND_US}
"""Coinbase: its limits are of a second. 403 comes from the service in front of it."""
SILENT_US = 30 * SECOND_US
"""Coinbase sends a heartbeat each second."""
SYMBOL_SILENT_US = 600 * SECOND_US
"""Advanced Trade repeats nothing of a product in quiet times. A book without changes is only renewed then."""
HEARTBEAT_SILENT_US = 10 * SECOND_US
"""The Exchange feed has a heartbeat of each product once a second."""
