"""What Coinbase gives, by the streams that the adapter subscribes to.

The feed that the adapter subscribes to has no candles. Recordings of Advanced Trade may have those of 5m.
"""

from __future__ import annotations

from floorwire.core.capabilities import Capabilities

CAPABILITIES = Capabilities(
    kind="coinbase",
    streams=("quote", "trades", "book", "day"),
)
