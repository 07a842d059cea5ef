"""What the event loop hands to the thread that keeps market history: batches of events, and marks of reads.

It is bounded by the number of events. If it is full, trades and candles are dropped and counted, and the
thread is told of the loss. What says which symbols there are, and whether their feed is live, is never
dropped: it is rare.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Final, TypeAlias, final

import msgspec

from floorwire.core.market_events import (
    Candle,
    FeedStatus,
    Listing,
    MarketEvent,
    MissingTrade,
    StreamsEnded,
    Trade,
    VenueTime,
)
from floorwire.core.past_candles import PastPage
from floorwire.core.past_trades import PastTradesPage
from floorwire.history.memory_snapshot import ReadRequest, Snapshot

NEVER_DROPPED: Final[frozenset[type[MarketEvent]]] = frozenset({VenueTime, FeedStatus, Listing, StreamsEnded})
STORED: Final[frozenset[type[MarketEvent]]] = NEVER_DROPPED | {Trade, Candle, MissingTrade}
"""What market history is made of. Most events are of books: their memory is soon used for the next ones."""


@final
class Batch(msgspec.Struct, frozen=True, gc=False):
    """Events of a venue, in order."""

    venue: str
    events: Sequence[MarketEvent]


@final
class Filling(msgspec.Struct, frozen=True, gc=False):
    """Candles or trades of a venue's past came."""

    page: PastPage | PastTradesPage


@final
class Dropped(msgspec.Struct, frozen=True, gc=False):
    """Events of a venue were dropped here."""

    venue: str


@final
class ReadMark:
    """The moment of a read. The thread that comes to it takes the snapshot."""

    __slots__ = ("is_taken", "request", "snapshot")

    def __init__(self, request: ReadRequest) -> None:
        self.request = request
        self.is_taken = False
        self.snapshot: Snapshot | None = None


Entry: TypeAlias = Batch | Filling | Dropped | ReadMark


class WaitingEvents:
    """The queue. One thread puts, another one takes; who takes holds a lock of its own."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._entries: deque[Entry] = deque()
        self._put = 0
        self._taken = 0
        self._dropping: set[str] = set()
        self.dropped = 0
        """How many events were dropped since the start."""

    def __len__(self) -> int:
        return self._put - self._taken

    def put(self, venue: str, events: Sequence[MarketEvent]) -> None:
        """Queue the events that are stored, or drop them."""
        if set(map(type, events)) <= STORED:  # most batches of trades: faster than to look at each
            events = list(events)
        else:
            events = [event for event in events if type(event) in STORED]
        if not events:
            return
        if self._put - self._taken + len(events) > self._limit:
            events = self._drop(venue, events)
        elif self._dropping:
            self._dropping.discard(venue)
        self._put += len(events)
        self._entries.append(Batch(venue, events))

    def fill(self, page: PastPage | PastTradesPage) -> None:
        """Queue a page of the past. They are few: of a venue one after another comes, by HTTP."""
        self._entries.append(Filling(page))

    def mark(self, mark: ReadMark) -> None:
        """Queue the mark of a read."""
        self._entries.append(mark)

    def take(self) -> Entry | None:
        """Return the next entry; None if there is none."""
        try:
            entry = self._entries.popleft()
        except IndexError:
            return None
        if type(entry) is Batch:
            self._taken += len(entry.events)
        return entry

    def _drop(self, venue: str, events: Sequence[MarketEvent]) -> Sequence[MarketEvent]:
        """Tell of the loss once, until events are queued again; return what is not dropped."""
        kept = [event for event in events if type(event) in NEVER_DROPPED]
        self.dropped += len(events) - len(kept)
        if venue not in self._dropping and len(kept) < len(events):
            self._dropping.add(venue)
            self._entries.append(Dropped(venue))
        return kept
