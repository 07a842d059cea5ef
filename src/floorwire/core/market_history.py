"""The port of market history: trades, candles and holes of the past, read in pages.

Whoever calls a read on the event loop gets exactly what was published before that call: rows that are stored
and those that still wait to be written, each once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, Protocol, TypeAlias

import msgspec

from floorwire.core.instrument import Instrument, Side
from floorwire.core.units import Scale

MOST_ROWS: Final = 1_000
"""The most rows of one page."""
MOST_US: Final = 1 << 62
"""Later than all times."""

HoleKind: TypeAlias = Literal["trades", "candles"]
"""What may be missing: trades (and candles of less than a minute), or candles of a minute and more.

Candles of the venue can fill a hole of the second kind, for each stored interval apart.
"""


class HistoryUnavailableError(Exception):
    """Market history cannot be read now, because its file failed. The message says why."""


class StoredUnits(msgspec.Struct, frozen=True):
    """What one unit of a price and of a size is. In them figures are exact, whatever the steps are now."""

    price: Scale
    size: Scale


class StoredTrade(msgspec.Struct, frozen=True, gc=False):
    """A trade. ``side`` is the taker's side.

    ``row`` orders the trades of a symbol as they came, and never changes. It is about ``ts_us``. A trade that
    was fetched later has a row between those that it came between.
    """

    row: int
    ts_us: int
    trade_id: str
    """The venue's; "" if it gave none."""
    price_ticks: int
    size_lots: int
    side: Side
    units: StoredUnits
    """The ticks and lots at that time."""

    @property
    def price(self) -> str:
        """The price as decimal text."""
        return self.units.price.format(self.price_ticks)

    @property
    def size(self) -> str:
        """The size as decimal text."""
        return self.units.size.format(self.size_lots)


class StoredCandle(msgspec.Struct, frozen=True, gc=False):
    """A candle, with the figures of ``CandleState``, in ``units``. One without trades is flat."""

    start_us: int
    end_us: int
    last_us: int
    """The venue's time of its last trade; of a flat one its start."""
    open_units: int
    high_units: int
    low_units: int
    close_units: int
    volume_units: int
    trades: int
    is_closed: bool
    """Whether the venue's time has passed its end. A trade that comes late still changes it."""
    is_incomplete: bool
    """Whether trades of it may be missing."""
    is_simulated: bool
    """Whether it, or a part of it, was made for the past of a simulated market."""
    units: StoredUnits

    def price(self, units: int) -> str:
        """Return one of its prices as decimal text."""
        return self.units.price.format(units)

    @property
    def volume(self) -> str:
        """The volume as decimal text."""
        return self.units.size.format(self.volume_units)


class Hole(msgspec.Struct, frozen=True, gc=False):
    """A time of which something may be missing. The first one starts at 0: before the symbol was followed."""

    from_us: int
    to_us: int | None
    """None: it lasts."""
    reason: str
    """That of the feed (``core/market_events.FeedStatus``), or ``missing_trade``, ``restart``, ``dropped``,
    ``not_streamed``, ``expired`` (older rows were deleted)."""


class Extent(msgspec.Struct, frozen=True, gc=False):
    """How far the history of a symbol reaches."""

    complete_us: int
    """The venue's time up to which nothing came that is not in it; 0: nothing came."""
    last_row: int
    """The row of the last trade; 0: there is none."""


class InstrumentSince(msgspec.Struct, frozen=True, gc=False):
    """An instrument as it was listed from a time on."""

    from_us: int
    instrument: Instrument


class MarketHistory(Protocol):
    """Reads of market history, by the symbol's identity. Of an unknown symbol there is nothing.

    Times are the venue's; ``to_us`` is not included. A page has at most ``limit`` rows, and at most
    ``MOST_ROWS``. Raises HistoryUnavailableError.
    """

    async def trades(
        self,
        symbol: str,
        *,
        from_us: int = 0,
        to_us: int = MOST_US,
        after_row: int = 0,
        before_row: int = MOST_US,
        limit: int = MOST_ROWS,
        newest_first: bool = True,
    ) -> Sequence[StoredTrade]:
        """Return the latest such trades, or the earliest, in that order of their rows."""
        ...

    async def candles(
        self,
        symbol: str,
        interval: str,
        *,
        from_us: int = 0,
        to_us: int = MOST_US,
        limit: int = MOST_ROWS,
        newest_first: bool = True,
    ) -> Sequence[StoredCandle]:
        """Return the latest candles that start in this time, or the earliest, in that order.

        The one that is still open is among them. Flat ones stand between those with trades, but in no hole.
        """
        ...

    async def holes(
        self,
        symbol: str,
        interval: str | None,
        *,
        from_us: int = 0,
        to_us: int = MOST_US,
        limit: int = MOST_ROWS,
    ) -> Sequence[Hole]:
        """Return the earliest holes that reach into this time, the oldest first.

        Those of candles that nothing fills, or those of trades (``interval`` None).
        """
        ...

    async def extent(self, symbol: str) -> Extent:
        """Return how far the history reaches."""
        ...

    async def instruments(self, symbol: str) -> Sequence[InstrumentSince]:
        """Return the instrument as it was, the oldest first."""
        ...
