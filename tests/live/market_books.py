"""What the books of an exchange were, and whether what the feed tells of them is one of these states."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TypeAlias

from floorwire.core.market_events import BookChange, BookSnapshot, Feed, FeedStatus, Listing, MarketEvent
from floorwire.core.order_book import Book
from floorwire.core.units import Scale
from tests.fake_exchange.market import UNIT, Market
from tests.fake_exchange.matching import MatchingCore
from tests.fake_exchange.orders import Event, LevelChanged, Side
from tests.live.market_prices import ClientPrices

KEPT_S = 60.0
Sides: TypeAlias = tuple[tuple[tuple[int, int], ...], ...]
"""Bids and asks, each the best first: price and size in units of 10^-8."""


class BookHistory:
    """All states that the books of an exchange had in the last minute, and until when they were current."""

    def __init__(self, core: MatchingCore, depth: int | None) -> None:
        """``depth``: only so many levels of a side are compared."""
        self.depth = depth
        self._core = core
        self._ended: dict[str, dict[int, float]] = {symbol: {} for symbol in core.markets}
        """Symbol -> hash of a state that is over -> when it ended."""
        self._order: dict[str, deque[tuple[float, int]]] = {symbol: deque() for symbol in core.markets}
        self._current = {symbol: hash(self.now(symbol, self.depth)) for symbol in core.markets}
        core.listeners.append(self._on_event)

    def now(self, symbol: str, depth: int | None) -> Sides:
        """Return the book of this moment, or so many levels of a side."""
        market = self._core.markets[symbol]
        return tuple(
            tuple(
                (ticks * market.tick_e8, lots * market.step_e8)
                for ticks, lots in self._core.levels(symbol, side)[:depth]
            )
            for side in (Side.BUY, Side.SELL)
        )

    def age_s(self, symbol: str, state: Sides) -> float | None:
        """Return since when the book has another state; None: it never had this one, or long ago."""
        found = hash(state)
        if found == self._current[symbol]:
            return 0.0
        ended = self._ended[symbol].get(found)
        return None if ended is None else _now_s() - ended

    def _on_event(self, event: Event) -> None:
        if not isinstance(event, LevelChanged):
            return
        symbol, now = event.symbol, _now_s()
        ended, order = self._ended[symbol], self._order[symbol]
        before, self._current[symbol] = self._current[symbol], hash(self.now(symbol, self.depth))
        ended[before] = now
        order.append((now, before))
        while order and order[0][0] < now - KEPT_S:
            at, old = order.popleft()
            if ended.get(old) == at:
                del ended[old]


class FollowedBook:
    """One book as a client has it."""

    def __init__(self, symbol: str) -> None:
        self.symbol = symbol
        """As the exchange's core calls it."""
        self.book = Book()
        self.feed: Feed = "connecting"
        self.reason = ""
        self.was_live = False
        """Whether the client took it for live after the last event."""
        self.seq: object = None
        """Of the last message of a client's socket."""
        self.state = "open"
        """As the client was told: ``open``, ``halted`` or ``closed``."""
        self.told = ""
        """Why it was not live when that was last told on the channel ``system``."""
        self.is_between_steps = False
        """Whether its steps became finer, and the list that says so did not come: levels are missing."""
        self.losses: Counter[str] = Counter()
        """How often it became not live, by reason."""
        self.units_e8 = 1, 1
        """Of prices and sizes in the book, in the units of the exchange's core."""

    def sides(self, depth: int | None) -> Sides:
        """Return the levels in the units of the exchange's core."""
        tick_e8, lot_e8 = self.units_e8
        return tuple(
            tuple((ticks * tick_e8, lots * lot_e8) for ticks, lots in side.top(depth or len(side)))
            for side in (self.book.bids, self.book.asks)
        )


class WatchedFeed:
    """Follows the events of one feed, or the messages of a client's socket, and keeps what is wrong."""

    def __init__(self, markets: Sequence[Market], history: BookHistory, prefix: str) -> None:
        self.books = {f"{prefix}{one.base}-{one.quote}": FollowedBook(one.symbol) for one in markets}
        self.problems: list[str] = []
        self.late_s = 5.0
        """A live book may be so old: what the exchange sends late counts in."""
        self.resyncs = 0
        self.prices: dict[str, ClientPrices] = {}
        """What else a client's socket has, of some symbols."""
        self._history = history
        self._feed: Feed = "connecting"
        """Of the whole venue."""

    def consume(self, _venue: str, events: Sequence[MarketEvent], _recv_us: int) -> None:
        """Apply a batch, and compare what it touched."""
        touched: dict[str, FollowedBook] = {}
        for event in events:
            match event:
                case Listing(instruments):
                    for instrument in instruments:
                        if instrument.symbol in self.books:
                            units = _units_e8(instrument.price), _units_e8(instrument.size)
                            self.books[instrument.symbol].units_e8 = units
                            self.books[instrument.symbol].state = instrument.state
                case BookSnapshot(symbol, bids, asks):
                    touched[symbol] = self.books[symbol]
                    touched[symbol].book.replace(bids, asks)
                    self.resyncs += 1
                case BookChange(symbol, bids, asks):
                    touched[symbol] = self.books[symbol]
                    touched[symbol].book.apply(bids, asks)
                case FeedStatus(symbol, feed, reason):
                    if symbol is None:
                        self._feed = feed
                        touched |= self.books
                    else:
                        touched[symbol] = self.books[symbol]
                        touched[symbol].feed = feed
                    for one in touched.values():
                        self._note_loss(one, reason)
                case _:
                    pass
        for symbol, one in touched.items():
            self._check(symbol, one)

    def receive(self, message: Mapping[str, object]) -> None:
        """Apply one message of a client's socket as docs/channels.md tells clients to do."""
        channel = message.get("channel")
        if channel == "system" and message.get("symbol") in self.books:
            one = self.books[str(message["symbol"])]
            if message["event"] in ("halted", "resumed"):
                one.state = str(message["reason"])
            elif message["event"] in ("stale", "gap"):
                one.told = str(message["reason"])
        if channel in ("ticker", "candles") and "status" not in message:
            self.prices[str(message["symbol"])].receive(message)
        if channel != "book" or "bids" not in message:
            return  # a reply, or a gap: a snapshot follows
        self._feed = "live"  # each book says it of itself
        symbol = str(message["symbol"])
        one, bids, asks = self.books[symbol], _levels_e8(message["bids"]), _levels_e8(message["asks"])
        if message["type"] == "snapshot":
            one.book.replace(bids, asks)
            self.resyncs += 1
        else:
            if message["prev"] != one.seq:
                self.problems.append(f"{symbol}: an update after {message['prev']} came after {one.seq}")
            one.book.apply(bids, asks)
        one.seq = message["seq"]
        feed = message.get("feed", "live")
        one.feed = "live" if feed == "live" else "stale"
        self._note_loss(one, str(feed))
        self._check(symbol, one)

    def is_live(self, symbol: str) -> bool:
        """Return whether a client takes the book for current."""
        return self._feed == "live" and self.books[symbol].feed == "live"

    def check_all(self) -> None:
        """Compare all books: one of which nothing comes may be old too."""
        for symbol, one in self.books.items():
            self._check(symbol, one)

    def differing(self, depth: int | None) -> list[str]:
        """Return the symbols that are not live, or not the exchange's own book of this moment."""
        return [
            symbol
            for symbol, one in self.books.items()
            if not self.is_live(symbol) or one.sides(depth) != self._history.now(one.symbol, depth)
        ]

    def _note_loss(self, one: FollowedBook, reason: str) -> None:
        is_live = self._feed == "live" and one.feed == "live"
        if one.was_live and not is_live:
            one.losses[reason] += 1
        one.was_live, one.reason = is_live, reason

    def _check(self, symbol: str, one: FollowedBook) -> None:
        if not self.is_live(symbol) or one.is_between_steps:
            return
        if one.book.crossed():
            self.problems.append(f"{symbol} is live and crossed")
        age_s = self._history.age_s(one.symbol, one.sides(self._history.depth))
        if age_s is None:
            self.problems.append(f"{symbol} is live, and the exchange never had this book")
        elif age_s > self.late_s:
            self.problems.append(f"{symbol} is live, and its book is {age_s:.1f} s old")


def _now_s() -> float:
    return asyncio.get_running_loop().time()


def _levels_e8(levels: object) -> list[tuple[int, int]]:
    assert isinstance(levels, list)
    return [(int(Decimal(price) * UNIT), int(Decimal(size) * UNIT)) for price, size in levels]


def _units_e8(scale: Scale) -> int:
    return int(scale.step * 10**8 // 10**scale.decimals)
