"""What Kraken allows, by its API guide and support pages, and what is used of it."""

from __future__ import annotations

from collections.abc import Mapping

from floorwire.venues.common.rate_limits import CONNECTIONS, REST, Allowance

SECOND_US = 1_000_000

SYMBOLS_PER_LINK = 100
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
