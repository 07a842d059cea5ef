"""The book channel: a snapshot, then the levels that changed within the depth that was asked for."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from zlib import crc32

from msgspec import UNSET

from floorwire.channels import BadOptionError, Channel, Option, refuse_interval
from floorwire.core.instrument import Instrument
from floorwire.core.market_events import BookChange, BookSnapshot, Feed, MarketEvent
from floorwire.core.notices import Notice, SymbolFeedChanged
from floorwire.core.order_book import CHECKSUM_LEVELS, Book, Changed, Ladder
from floorwire.protocol import channel_events
from floorwire.protocol.channel_events import WireLevel
from floorwire.protocol.requests import OnSlow
from floorwire.protocol.stamp import EventStamp

DEPTHS = (1, 5, 10, 25, 50, 100, 500)
DEFAULT_DEPTH = 10
GONE = "0"
BELOW_ALL = -(1 << 62)
"""Less than any level's key: the floor of a window that shows a whole side."""
PRICES_KEPT = 1024
"""Prices kept as text, for levels that come, go and change size."""


class Written(dict[int, WireLevel]):
    """A side's levels by key as they stand on the wire, each written when it is first shown."""

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

    def gone(self, key: int) -> WireLevel:
        """Return what tells that the level is gone."""
        return self.price(self._ladder.sign * key), GONE


class Side:
    """One side of a symbol's book, what the last event changed of it, and how it is written."""

    __slots__ = ("_texts", "_texts_floor", "best_changed", "changed", "ladder", "written")

    def __init__(self, ladder: Ladder, instrument: Instrument) -> None:
        self.ladder = ladder
        self.written = Written(ladder, instrument)
        self.changed: Changed = {}
        self.best_changed = BELOW_ALL
        self._texts: dict[int, str] = {}
        self._texts_floor = BELOW_ALL

    def note(self, changed: Changed) -> bool:
        """Take in what an event changed; return whether the levels of the checksum are among it."""
        self.changed = changed
        if not changed:
            self.best_changed = BELOW_ALL
            return False
        forget = self.written.pop
        for key in changed:
            forget(key, None)
        self.best_changed = max(changed)
        if self.best_changed < self._texts_floor:
            return False
        self._texts.clear()
        self._texts_floor = self.floor(CHECKSUM_LEVELS)
        return True

    def restart(self) -> None:
        """Forget what was written and changed: every level may be another."""
        self.written.clear()
        self._texts.clear()
        self._texts_floor = self.floor(CHECKSUM_LEVELS)
        self.changed = {}
        self.best_changed = BELOW_ALL

    def floor(self, depth: int) -> int:
        """Return the key of the last of the best ``depth`` levels; below all where there are fewer."""
        keys = self.ladder.keys
        return keys[-depth] if len(keys) >= depth else BELOW_ALL

    def top(self, depth: int) -> tuple[WireLevel, ...]:
        """Return up to ``depth`` levels, best first."""
        return tuple(map(self.written.__getitem__, self.ladder.keys[: -depth - 1 : -1]))

    def text(self, depth: int) -> str:
        """Return the side's part of the checksummed text, made anew only where one of its levels changed."""
        text = self._texts.get(depth)
        if text is None:
            text = self._texts[depth] = "|".join(map(":".join, self.top(depth)))
        return text


class BookTracker:
    """A symbol's whole book, never crossed; unknown until the first snapshot."""

    __slots__ = ("_book", "_checksums", "_instrument", "asks", "bids", "feed", "known", "symbol", "ts_us")

    def __init__(self, instrument: Instrument) -> None:
        self._instrument = instrument
        self.symbol = instrument.symbol
        self.known = False
        self.feed: Feed = "live"
        self.ts_us = 0
        self._book = Book()
        self.bids = Side(self._book.bids, instrument)
        self.asks = Side(self._book.asks, instrument)
        self._checksums: dict[int, int] = {}

    def change_steps(self, instrument: Instrument) -> None:
        """Go on with the same book in other steps, as far as they can say it."""
        before, self._instrument = self._instrument, instrument
        self._book = self._book.converted(before, instrument)
        self.bids = Side(self._book.bids, instrument)
        self.asks = Side(self._book.asks, instrument)
        self.bids.restart()
        self.asks.restart()
        self._checksums.clear()

    def apply(self, event: MarketEvent | Notice) -> None:
        """Follow snapshots and changes; a change of an unknown book means nothing."""
        if isinstance(event, BookChange):
            if self.known:
                self._change(event)
        elif isinstance(event, BookSnapshot):
            self._replace(event)
        elif isinstance(event, SymbolFeedChanged):
            self.feed = event.feed

    def _change(self, event: BookChange) -> None:
        bids, asks = self._book.apply(event.bids, event.asks)
        self._book.uncross(bids, asks)
        if self.bids.note(bids) | self.asks.note(asks):
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


class Window:
    """The best levels of one side, as many as subscribers see."""

    __slots__ = ("_depth", "_floor", "_side")

    def __init__(self, side: Side, depth: int) -> None:
        self._side = side
        self._depth = depth
        self.restart()

    def restart(self) -> None:
        """Begin with the side as it is."""
        self._floor = self._side.floor(self._depth)

    def news(self) -> list[WireLevel]:
        """Return what is not as before the last event, in time that grows with the change, not the depth."""
        side, before = self._side, self._floor
        if side.best_changed < before or not side.changed:
            return []
        now = self._floor = side.floor(self._depth)
        levels = self._changed(before, now)
        if now < before:
            levels += self._entered(before)
        elif now > before:
            levels += self._left(before)
        return levels

    def _changed(self, before: int, now: int) -> list[WireLevel]:
        sizes, written = self._side.ladder.sizes, self._side.written
        levels = []
        for key, size in self._side.changed.items():
            if key >= now and key in sizes:
                levels.append(written[key])
            elif size and key >= before:
                levels.append(written.gone(key))
        return levels

    def _entered(self, before: int) -> list[WireLevel]:
        """Return the levels that an event did not change but that came into view as others went."""
        keys, changed, written = self._side.ladder.keys, self._side.changed, self._side.written
        levels = []
        place = max(0, len(keys) - self._depth)
        while place < len(keys) and keys[place] < before:
            if keys[place] not in changed:
                levels.append(written[keys[place]])
            place += 1
        return levels

    def _left(self, before: int) -> list[WireLevel]:
        """Return the levels that an event did not change but that went out of view as others came."""
        keys, changed, gone = self._side.ladder.keys, self._side.changed, self._side.written.gone
        levels = []
        place = len(keys) - self._depth - 1
        while place >= 0 and keys[place] >= before:
            if keys[place] not in changed:
                levels.append(gone(keys[place]))
            place -= 1
        return levels


class BookStream:
    """One depth of a symbol's book."""

    __slots__ = ("_asks", "_bids", "_depth", "_tracker", "_ts_us")

    def __init__(self, tracker: BookTracker, depth: int) -> None:
        self._tracker = tracker
        self._depth = depth
        self._bids = Window(tracker.bids, depth)
        self._asks = Window(tracker.asks, depth)
        self._ts_us = tracker.ts_us

    def apply(self, event: MarketEvent | Notice, at: EventStamp) -> Sequence[channel_events.BookEvent]:
        """Return a snapshot after the venue's, an update where visible levels changed, or none of them where
        only the feed is current again, or not any more."""
        if isinstance(event, BookSnapshot):
            self._bids.restart()
            self._asks.restart()
            self._ts_us = event.ts_us
            return (self._snapshot(at, 0),)
        if isinstance(event, SymbolFeedChanged):
            return (self._update(at, [], []),) if self._tracker.known else ()
        bids, asks = self._bids.news(), self._asks.news()
        if not bids and not asks:
            return ()
        self._ts_us = self._tracker.ts_us
        return (self._update(at, bids, asks),)

    def state(self, at: EventStamp, conflated: int = 0) -> channel_events.BookEvent | None:
        """Return a snapshot, None before the venue's first."""
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
    """Price levels to the depth that was asked for."""

    name = "book"
    on_slow: OnSlow = "conflate"
    contracts: frozenset[OnSlow] = frozenset(("conflate", "disconnect"))
    per_symbol = True
    event_types: tuple[type[MarketEvent | Notice], ...] = (BookSnapshot, BookChange, SymbolFeedChanged)

    def option(self, depth: int | None, interval: str | None) -> Option:
        """Return the depth, 10 where none was asked for. Raises BadOptionError."""
        refuse_interval(self.name, interval)
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
