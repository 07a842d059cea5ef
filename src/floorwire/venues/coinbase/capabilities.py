"""What Coinbase gives, by the channels that the adapter subscribes to.

Advanced Trade sends no opening price of the day.
"""

from __future__ import annotations

from floorwire.core.capabilities import Capabilities

CAPABILITIES = Capabilities(
    kind="coinbase",
    streams=("quote", "trades", "book", "candles"),
    candle_intervals=("5m",),
)
