"""Market history of all venues of a gateway: most are stored in the data folder, replays in memory.

What a replay shows is of the past, is in its recording already, and comes again at each start.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path

from floorwire.config import HistorySettings
from floorwire.core.instrument import Instrument
from floorwire.core.market_events import MarketEvent
from floorwire.core.market_history import (
    MOST_ROWS,
    MOST_US,
    Extent,
    Hole,
    InstrumentSince,
    StoredCandle,
    StoredTrade,
)
from floorwire.core.past_candles import PastPage
from floorwire.core.past_trades import PastTradesPage
from floorwire.history import history_file
from floorwire.history.market_store import MarketStore
from floorwire.history.missing_past import Missing
from floorwire.history.retention import Bound, Kind
from floorwire.history.simulated_past import CandlesByInterval
from floorwire.ops.stats import HistoryFigures


class MarketHistories:
    """The store of each venue. It fits ``MarketHistory``."""

    def __init__(
        self,
        settings: HistorySettings,
        folder: Path,
        on_demand: Collection[str],
        replays: Collection[str],
    ) -> None:
        """``on_demand``: venues that stream only what is wanted. ``replays``: those that play recordings."""
        in_memory = Bound(0, settings.memory_bytes)
        memory: dict[Kind, Bound] = {
            "trades": in_memory,
            "seconds": in_memory,
            "minutes": in_memory,
            "longer": in_memory,
        }
        on_disk: dict[Kind, Bound] = {
            "trades": Bound(settings.trades_days, settings.trades_bytes),
            "seconds": Bound(settings.seconds_days, settings.seconds_bytes),
            "minutes": Bound(settings.minutes_days, settings.minutes_bytes),
            "longer": Bound(settings.longer_days, settings.longer_bytes),
        }
        is_on_disk = settings.store == "disk"
        self._replays = frozenset(replays)
        self._live = MarketStore(
            folder / history_file.FILE if is_on_disk else None,
            on_disk if is_on_disk else memory,
            settings.waiting_events,
            on_demand,
        )
        self._replayed = MarketStore(None, memory, settings.waiting_events, on_demand) if replays else None

    @property
    def stores(self) -> Sequence[MarketStore]:
        """All stores."""
        return [self._live] if self._replayed is None else [self._live, self._replayed]

    def figures(self) -> HistoryFigures:
        """Return what is counted, of all stores together."""
        parts = [store.figures() for store in self.stores]
        sizes = Counter[str]()
        for part in parts:
            sizes.update(part.bytes)
        return HistoryFigures(
            sum(part.trades for part in parts),
            sum(part.waiting for part in parts),
            sum(part.dropped for part in parts),
            any(part.has_failed for part in parts),
            sizes,
        )

    def open(self) -> None:
        """Open all stores. Blocks. Raises OSError where no thread can be started."""
        for store in self.stores:
            store.open()

    def close(self) -> None:
        """Write what waits, and close all stores. Blocks."""
        for store in self.stores:
            store.close()

    def last_prices(self, venue: str) -> dict[str, str]:
        """Return the last price of each symbol of a venue that has one. Blocks."""
        return self._of(venue).last_prices(venue)

    def put_past(self, instrument: Instrument, candles: CandlesByInterval, complete_until_us: int) -> None:
        """Store candles of the time before a symbol was first listed, made for it. Blocks."""
        self._of(instrument.venue).put_past(instrument, candles, complete_until_us)

    def take_regained(self) -> Sequence[str]:
        """Return the symbols of venues that are no replays of which a hole has ended since the last call."""
        return self._live.take_regained()

    def fill(self, page: PastPage | PastTradesPage) -> None:
        """Take in candles or trades of a venue's past: they fill holes."""
        self._store(page.symbol).fill(page)

    async def missing(self, symbol: str, interval: str | None, first_us: int, back_us: int) -> Missing:
        """Return what a venue can fill of a symbol's candles, or of its trades (None).

        Raises HistoryUnavailableError.
        """
        return await self._store(symbol).missing(symbol, interval, first_us, back_us)

    def publish(self, venue: str, events: Sequence[MarketEvent], recv_us: int) -> None:
        """Take in a venue's events, in order. A consumer of the bus."""
        self._of(venue).publish(venue, events, recv_us)

    def _of(self, venue: str) -> MarketStore:
        return self._replayed if self._replayed is not None and venue in self._replays else self._live

    def _store(self, symbol: str) -> MarketStore:
        return self._of(symbol.partition(":")[0])

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
        """Return a page of trades. Raises HistoryUnavailableError."""
        return await self._store(symbol).trades(
            symbol,
            from_us=from_us,
            to_us=to_us,
            after_row=after_row,
            before_row=before_row,
            limit=limit,
            newest_first=newest_first,
        )

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
        """Return a page of candles. Raises HistoryUnavailableError."""
        return await self._store(symbol).candles(
            symbol, interval, from_us=from_us, to_us=to_us, limit=limit, newest_first=newest_first
        )

    async def holes(
        self,
        symbol: str,
        interval: str | None,
        *,
        from_us: int = 0,
        to_us: int = MOST_US,
        limit: int = MOST_ROWS,
    ) -> Sequence[Hole]:
        """Return a page of holes. Raises HistoryUnavailableError."""
        return await self._store(symbol).holes(symbol, interval, from_us=from_us, to_us=to_us, limit=limit)

    async def extent(self, symbol: str) -> Extent:
        """Return how far the history reaches. Raises HistoryUnavailableError."""
        return await self._store(symbol).extent(symbol)

    async def instruments(self, symbol: str) -> Sequence[InstrumentSince]:
        """Return the instrument as it was. Raises HistoryUnavailableError."""
        return await self._store(symbol).instruments(symbol)
