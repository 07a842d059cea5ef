"""The book channel: a snapshot, then the levels that changed within the requested depth."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from zlib import crc32

from msgspec import UNSET

from floorwire.channels import BadOptionError, Channel, Option, refuse_closed_only, refuse_interval
from floorwire.core.capabilities import StreamKind
from floorwire.core.instrument import Instrument
from floorwire.core.market_events import BookChange, BookSnapshot, Feed, MarketEvent, StreamsEnded
from floorwire.core.notices import Notice, SymbolFeedChanged
from floorwire.core.order_book import CHECKSUM_LEVELS, Book, Changed, Ladder
from floorwire.protocol import channel_events
from floorwire.protocol.channel_events import WireLevel
from floorwire.protocol.event_stamps import EventStamp
from floorwire.protocol.requests import OnSlow

DEPTHS = (1, 5, 10, 25, 50, 100, 500)
DEFAULT_DEPTH = 10
REMOVED = "0"
BELOW_ALL = -(1 << 62)
"""Less than the key of any level: the floor of a window that has room for the whole side."""
PRICES_KEPT = 1024
"""How many prices are cached as text."""


class LevelTexts(dict[int, WireLevel]):
    """The levels of a side as text, by key. A text is made when its level is first shown."""

    __slots__ = ("_ladder", "_size", "price")

    def __init__(self, ladder: Ladder, instrument: Instrument) -> None:
        super().__init__()
        self._ladder = ladder
        self._size = instrument.size.format
        self.price = lru_cache(PRICES_KEPT)(instrument.price.format)

    def __missing__(self, key: int) -> WireLevel:
        ladder = self._ladder
        level = self[key] = (self.price(ladder.sign * key), self._size(ladder.sizes[key]))
        return level

    def removed(self, key: int) -> WireLevel:
        """Return the level that tells clients to remove it."""
        return self.price(self._ladder.sign * key), REMOVED


class TrackedSide:
    """One side of a symbol's book, its levels as text, and what the last event changed."""

    __slots__ = ("_checksum_floor", "_checksum_texts", "best_changed", "changed", "ladder", "texts")

    def __init__(self, ladder: Ladder, instrument: Instrument) -> None:
        self.ladder = ladder
        self.texts = LevelTexts(ladder, instrument)
        self.changed: Changed = {}
        self.best_changed = BELOW_ALL
        self._checksum_texts: dict[int, str] = {}
        self._checksum_floor = BELOW_ALL

    def record_change(self, changed: Changed) -> bool:
        """Record what an event changed; return whether it changed the checksum."""
        self.changed = changed
        if not changed:
            self.best_changed = BELOW_ALL
            return False
        drop_text = self.texts.pop
        for key in changed:
            drop_text(key, None)
        self.best_changed = max(changed)
        if self.best_changed < self._checksum_floor:
            return False
        self._checksum_texts.clear()
        self._checksum_floor = self.floor(CHECKSUM_LEVELS)
        return True

    def restart(self) -> None:
        """Drop all texts and changes, because every level may be another."""
        self.texts.clear()
        self._checksum_texts.clear()
        self._checksum_floor = self.floor(CHECKSUM_LEVELS)
        self.changed = {}
        self.best_changed = BELOW_ALL

    def floor(self, depth: int) -> int:
        """Return the key of the last of the best ``depth`` levels; ``BELOW_ALL`` if there are fewer."""
        keys = self.ladder.keys
        return keys[-depth] if len(keys) >= depth else BELOW_ALL

    def top(self, depth: int) -> tuple[WireLevel, ...]:
        """Return up to ``depth`` levels, best first."""
        return tuple(map(self.texts.__getitem__, self.ladder.keys[: -depth - 1 : -1]))

    def text(self, depth: int) -> str:
        """Return the text of the side for the checksum. It is made again only if its levels changed."""
        text = self._checksum_texts.get(depth)
        if text is None:
            text = self._checksum_texts[depth] = "|".join(map(":".join, self.top(depth)))
        return text


class BookTracker:
    """The whole book of a symbol, never crossed. It is unknown before a snapshot and when it ended."""

    __slots__ = ("_book", "_checksums", "_instrument", "asks", "bids", "feed", "known", "symbol", "ts_us")

    def __init__(self, instrument: Instrument) -> None:
        self._instrument = instrument
        self.symbol = instrument.symbol
        self.known = False
        self.feed: Feed = "live"
        self.ts_us = 0
        self._book = Book()
        self.bids = TrackedSide(self._book.bids, instrument)
        self.asks = TrackedSide(self._book.asks, instrument)
        self._checksums: dict[int, int] = {}

    def change_steps(self, instrument: Instrument) -> None:
        """Convert the book to other ticks and lots. Levels between two ticks are left out."""
        before, self._instrument = self._instrument, instrument
        self._book = self._book.converted(before, instrument)
        self.bids = TrackedSide(self._book.bids, instrument)
        self.asks = TrackedSide(self._book.asks, instrument)
        self.bids.restart()
        self.asks.restart()
        self._checksums.clear()

    def apply(self, event: MarketEvent | Notice) -> None:
        """Apply a snapshot, a change or a feed status. A change before the first snapshot is ignored."""
        if isinstance(event, BookChange):
            if self.known:
                self._change(event)
        elif isinstance(event, BookSnapshot):
            self._replace(event)
        elif isinstance(event, SymbolFeedChanged):
            self.feed = event.feed
        elif isinstance(event, StreamsEnded) and "book" in event.kinds:
            self._drop()

    def _drop(self) -> None:
        self._book.replace((), ())
        self.bids.restart()
        self.asks.restart()
        self._checksums.clear()
        self.known = False

    def _change(self, event: BookChange) -> None:
        bids, asks = self._book.apply(event.bids, event.asks)
        self._book.uncross(bids, asks)
        if self.bids.record_change(bids) | self.asks.record_change(asks):
            self._checksums.clear()
        if bids or asks:
            self.ts_us = event.ts_us

    def _replace(self, event: BookSnapshot) -> None:
        self._book.replace(event.bids, event.asks)
        self._book.uncross({}, {})
        self.bids.restart()
        self.asks.restart()
        self._checksums.clear()
        self.known = True
        self.ts_us = event.ts_us

    def checksum(self, depth: int) -> int:
        """Return the checksum of what subscribers of this depth see."""
        levels = min(depth, CHECKSUM_LEVELS)
        checksum = self._checksums.get(levels)
        if checksum is None:
            texts = filter(None, (self.bids.text(levels), self.asks.text(levels)))
            checksum = self._checksums[levels] = crc32("|".join(texts).encode())
        return checksum

    def stream(self, option: Option) -> BookStream:
        """Return a new stream of the depth."""
        assert isinstance(option, int)
        return BookStream(self, option)


class DepthWindow:
    """The best levels of one side that subscribers of one depth see."""

    __slots__ = ("_depth", "_floor", "_side")

    def __init__(self, side: TrackedSide, depth: int) -> None:
        self._side = side
        self._depth = depth
        self.restart()

    def restart(self) -> None:
        """Start with the side as it is now."""
        self._floor = self._side.floor(self._depth)

    def changes(self) -> list[WireLevel]:
        """Return the visible levels that the last event changed. The cost grows with the change only."""
        side, before = self._side, self._floor
        if side.best_changed < before or not side.changed:
            return []
        now = self._floor = side.floor(self._depth)
        levels = self._changed(before, now)
        if now < before:
            levels += self._came_into_view(before)
        elif now > before:
            levels += self._went_out_of_view(before)
        return levels

    def _changed(self, before: int, now: int) -> list[WireLevel]:
        sizes, texts = self._side.ladder.sizes, self._side.texts
        levels = []
        for key, size in self._side.changed.items():
            if key >= now and key in sizes:
                levels.append(texts[key])
            elif size and key >= before:
                levels.append(texts.removed(key))
        return levels

    def _came_into_view(self, before: int) -> list[WireLevel]:
        """Return unchanged levels that came into view because others were removed."""
        keys, changed, texts = self._side.ladder.keys, self._side.changed, self._side.texts
        levels = []
        index = max(0, len(keys) - self._depth)
        while index < len(keys) and keys[index] < before:
            if keys[index] not in changed:
                levels.append(texts[keys[index]])
            index += 1
        return levels

    def _went_out_of_view(self, before: int) -> list[WireLevel]:
        """Return unchanged levels that went out of view because others were added."""
        keys, changed, removed = self._side.ladder.keys, self._side.changed, self._side.texts.removed
        levels = []
        index = len(keys) - self._depth - 1
        while index >= 0 and keys[index] >= before:
            if keys[index] not in changed:
                levels.append(removed(keys[index]))
            index -= 1
        return levels


class BookStream:
    """The messages of one depth of a symbol's book."""

    __slots__ = ("_asks", "_bids", "_depth", "_tracker", "_ts_us")

    def __init__(self, tracker: BookTracker, depth: int) -> None:
        self._tracker = tracker
        self._depth = depth
        self._bids = DepthWindow(tracker.bids, depth)
        self._asks = DepthWindow(tracker.asks, depth)
        self._ts_us = tracker.ts_us

    def apply(self, event: MarketEvent | Notice, at: EventStamp) -> Sequence[channel_events.BookEvent]:
        """Return a snapshot after the venue's, and an update if visible levels changed.

        If only the feed status changed, the update has no levels.
        """
        if isinstance(event, BookSnapshot):
            self._bids.restart()
            self._asks.restart()
            self._ts_us = event.ts_us
            return (self._snapshot(at, 0),)
        if isinstance(event, SymbolFeedChanged):
            return (self._update(at, [], []),) if self._tracker.known else ()
        if isinstance(event, StreamsEnded):
            return ()
        bids, asks = self._bids.changes(), self._asks.changes()
        if not bids and not asks:
            return ()
        self._ts_us = self._tracker.ts_us
        return (self._update(at, bids, asks),)

    def state(self, at: EventStamp, conflated: int = 0) -> channel_events.BookEvent | None:
        """Return a snapshot; None before the venue's first."""
        return self._snapshot(at, conflated) if self._tracker.known else None

    def _snapshot(self, at: EventStamp, conflated: int) -> channel_events.BookEvent:
        tracker = self._tracker
        return channel_events.BookEvent(
            epoch=at.epoch,
            seq=at.seq,
            conflated=conflated or UNSET,
            ts=self._ts_us,
            recv=at.recv_us,
            sent=at.sent_us,
            symbol=tracker.symbol,
            type="snapshot",
            depth=self._depth,
            bids=tracker.bids.top(self._depth),
            asks=tracker.asks.top(self._depth),
            checksum=tracker.checksum(self._depth),
            feed=UNSET if tracker.feed == "live" else tracker.feed,
        )

    def _update(
        self, at: EventStamp, bids: list[WireLevel], asks: list[WireLevel]
    ) -> channel_events.BookEvent:
        return channel_events.BookEvent(
            epoch=at.epoch,
            seq=at.seq,
            ts=self._ts_us,
            recv=at.recv_us,
            sent=at.sent_us,
            symbol=self._tracker.symbol,
            type="update",
            depth=self._depth,
            prev=at.seq - 1,
            bids=tuple(bids),
            asks=tuple(asks),
            checksum=self._tracker.checksum(self._depth),
            feed=UNSET if self._tracker.feed == "live" else self._tracker.feed,
        )


class BookChannel:
    """The price levels of the requested depth."""

    name = "book"
    on_slow: OnSlow = "conflate"
    contracts: frozenset[OnSlow] = frozenset(("conflate", "disconnect"))
    per_symbol = True
    event_types: tuple[type[MarketEvent | Notice], ...] = (
        BookSnapshot,
        BookChange,
        SymbolFeedChanged,
        StreamsEnded,
    )
    needs: frozenset[StreamKind] = frozenset(("book",))

    def option(self, depth: int | None, interval: str | None, closed_only: bool = False) -> Option:
        """Return the requested depth, by default 10. Raises BadOptionError."""
        refuse_interval(self.name, interval)
        refuse_closed_only(self.name, closed_only)
        if depth is None:
            return DEFAULT_DEPTH
        if depth not in DEPTHS:
            raise BadOptionError("depth", f"one of {', '.join(map(str, DEPTHS))}")
        return depth

    def tracker(self, instrument: Instrument | None) -> BookTracker:
        """Return a new tracker of the instrument's book."""
        assert instrument is not None
        return BookTracker(instrument)


CHANNEL: Channel = BookChannel()
