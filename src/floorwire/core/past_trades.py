"""Past trades: those that a venue tells of its past."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias, final

import msgspec

from floorwire.core.market_events import Trade
from floorwire.core.market_history import StoredUnits
from floorwire.core.past_candles import PastEnded, PastPage


@final
class PastTradesPage(msgspec.Struct, frozen=True):
    """All trades of a symbol in a time, in the order in which they happened."""

    symbol: str
    from_us: int
    to_us: int
    trades: Sequence[Trade]
    refused: Sequence[int]
    """Times of trades that cannot be told in the present ticks and lots."""
    units: StoredUnits
    """The present ticks and lots."""
    are_parts: bool = False
    """Whether a live trade may be the sum of several: of that with its id, and of those just before it."""


PastOutput: TypeAlias = PastPage | PastTradesPage | PastEnded
"""What a venue tells of its past."""
