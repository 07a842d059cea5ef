"""What is asked of a venue that can tell its past, and the candles that it tells.

Its trades are in ``past_trades``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, final, runtime_checkable

import msgspec

from floorwire.core.market_history import StoredUnits


@final
class PastWanted(msgspec.Struct, frozen=True):
    """Fetch the candles or the trades of this time. It takes the place of what was asked before.

    ``PastPage`` or ``PastTradesPage`` outputs follow, and at last ``PastEnded``.
    """

    symbol: str
    interval: str | None
    """One of the venue's ``past_intervals``; None: its trades."""
    from_us: int
    to_us: int
    """Of candles both are starts. All candles before ``to_us`` are closed."""
    before_id: str = ""
    """The id of a trade that came at this end or later; "": none is known."""


class PastCandle(msgspec.Struct, frozen=True, gc=False):
    """A candle of a venue's past, with trades, in the units of its page."""

    start_us: int
    open_units: int
    high_units: int
    low_units: int
    close_units: int
    volume_units: int
    trades: int
    """0: the venue does not say how many."""


@final
class PastPage(msgspec.Struct, frozen=True):
    """Candles of a symbol, the oldest first. In the rest of its time nothing was traded."""

    symbol: str
    interval: str
    from_us: int
    to_us: int
    candles: Sequence[PastCandle]
    refused: Sequence[int]
    """Starts of candles whose figures are too fine for any unit. Nothing is known of them."""
    units: StoredUnits


@final
class PastEnded(msgspec.Struct, frozen=True):
    """No more pages come. ``fault``: why the venue gave up; "": it told all that it has."""

    symbol: str
    interval: str | None
    fault: str = ""


@runtime_checkable
class TellsPast(Protocol):
    """A venue that can tell its past."""

    @property
    def past_intervals(self) -> Sequence[str]:
        """The intervals of candles that it tells, the shortest first; none: it cannot."""
        ...

    @property
    def tells_past_trades(self) -> bool:
        """Whether it tells trades."""
        ...
