"""What Binance gives and allows, by rest-api.md and web-socket-streams.md, and what prices use of it."""

from __future__ import annotations

from collections.abc import Mapping

from floorwire.core.capabilities import Capabilities
from floorwire.core.microseconds import HOUR_US, SECOND_US
from floorwire.venues.common.rate_limits import CONNECTIONS, REST, Allowance

CAPABILITIES = Capabilities(
    kind="binance",
    streams=("quote", "trades", "book", "candles", "day"),
    book_depth=1_000,
    candle_intervals=("1m", "5m", "15m", "1h", "4h", "1d"),
    times_in_force=("gtc", "ioc", "fok"),
)
"""Binance has no ``gtd``.
A snapshot of the book has 1,000 levels of a side. Levels beyond are known from their next change on."""

STREAMS_PER_LINK = 1_024
"""Binance: at most so many streams on a connection."""
STREAMS_PER_REQUEST = 200
REQUESTS = 2
REQUEST_INTERVAL_US = SECOND_US // 2
"""Binance: 5 messages a second on a connection, pongs too. So two at once and then two a second."""
ALLOWANCES: Mapping[str, Allowance] = {
    CONNECTIONS: Allowance(100, 2 * SECOND_US, for_orders=5),
    REST: Allowance(2_900, SECOND_US // 50, for_orders=900),
}
"""Binance: 300 new connections in five minutes from an address. With those at once, these are 250.
Binance: a weight of 6,000 in a minute, of REST and the WebSocket API together. With that at once, this is
5,900. Of it, 2,000 at once are for prices."""
LIST_WEIGHT = 20
SNAPSHOT_WEIGHT = 50
"""Binance: with up to 1,000 levels of a side."""
CANDLES_WEIGHT = 2
CANDLES_PER_REQUEST = 1_000
"""Binance: at most, with the same weight for any number."""
TRADES_WEIGHT = 25
TRADES_PER_REQUEST = 1_000
"""Binance: at most."""
PAUSES_US: Mapping[int, int] = {429: 60 * SECOND_US, 418: 120 * SECOND_US, 403: 60 * SECOND_US}
"""Binance: too many requests (429), and banned for going on (418), from two minutes on. Both say for how
long in Retry-After. 403 comes from the firewall in front."""
LINK_AGE_US = 23 * HOUR_US
"""Binance ends each connection after 24 hours."""
SILENT_US = 60 * SECOND_US
SYMBOL_SILENT_US = 90 * SECOND_US
"""Binance sends candles every 2 s, and at the end of each minute (web-socket-streams.md, "Kline/Candlestick
Streams"). If nothing of a symbol comes for longer while its link is active, Binance stopped sending it."""
