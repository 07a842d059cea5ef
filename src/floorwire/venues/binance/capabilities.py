"""What Binance Spot gives, by the streams that the adapter subscribes to.

A snapshot of the book has 1,000 levels of a side. Levels beyond them are known from their next change on.
"""

from __future__ import annotations

from floorwire.core.capabilities import Capabilities

CAPABILITIES = Capabilities(
    kind="binance",
    streams=("quote", "trades", "book", "candles", "day"),
    book_depth=1_000,
    candle_intervals=("1m", "5m", "15m", "1h", "4h", "1d"),
)
