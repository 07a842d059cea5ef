"""What Bybit Spot gives, by the streams that the adapter subscribes to."""

from __future__ import annotations

from floorwire.core.capabilities import Capabilities

CAPABILITIES = Capabilities(
    kind="bybit",
    streams=("quote", "trades", "book", "candles", "day"),
    book_depth=200,
    candle_intervals=("1m", "5m", "15m", "1h", "4h", "1d"),
)
