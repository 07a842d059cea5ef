"""What Kraken allows, by its API guide and support pages, and what is used of it."""

from __future__ import annotations

SECOND_US = 1_000_000

SYMBOLS_PER_LINK = 100
SYMBOLS_PER_REQUEST = 50
"""Kraken names no limit of symbols. Each symbol is answered alone, so one refusal affects no other."""
REQUESTS = 20
REQUEST_INTERVAL_US = SECOND_US
"""Kraken names no fixed number: too many are answered with "Exceeded msg rate". So single books are requested
20 at once, then one a second."""
CONNECTIONS = 30
CONNECTION_INTERVAL_US = 6 * SECOND_US
"""Kraken: some 150 new connections in ten minutes from an address. With those at once, these are 130."""
PING_US = 3 * SECOND_US
SILENT_US = 10 * SECOND_US
"""Kraken sends a heartbeat each second if nothing else comes. It advises to connect anew after some 5 s.
Twice that leaves time for the answer to a ping."""
SYMBOL_SILENT_US = 600 * SECOND_US
"""Kraken repeats nothing of a symbol in quiet times. A book without changes is only renewed now and then."""
