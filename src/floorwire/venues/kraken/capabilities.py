"""What Kraken Spot gives, by the streams that the adapter subscribes to."""

from __future__ import annotations

from floorwire.core.capabilities import Capabilities

CAPABILITIES = Capabilities(
    kind="kraken",
    streams=("quote", "trades", "book", "candles", "day"),
    book_depth=100,
    candle_intervals=("1m",),
)
