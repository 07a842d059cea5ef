"""What the adapter of ccxt keeps for one symbol of which something is wanted."""

from __future__ import annotations

from typing import Literal

from floorwire.core.capabilities import StreamKind
from floorwire.core.instrument import Instrument
from floorwire.core.market_events import BookSnapshot, Level, Quote
from floorwire.core.microseconds import SECOND_US
from floorwire.venues.ccxt.messages import Watch, link_of
from floorwire.venues.common.backoff import Backoff, Jitter
from floorwire.venues.common.level_reader import LevelReader
from floorwire.venues.common.trade_ids import RecentTradeIds

WAIT_S = (1, 2, 4, 8, 16, 32, 60)
"""Seconds to wait at most before a watch that failed is begun again, by the failures in a row."""
STEADY_US = 60 * SECOND_US
"""A watch that lasted so long begins with the shortest wait again."""
WATCHES: dict[StreamKind, Watch] = {
    "book": "book",
    "quote": "book",  # the best prices are read from the book
    "trades": "trades",
    "candles": "trades",  # counted from trades
    "day": "day",
}


class WatchedLink:
    """One watch of one symbol: ``waiting`` until it is due, then ``open`` until it is lost."""

    __slots__ = ("_waits", "due_us", "name", "opened_us", "state")

    def __init__(self, name: str, now_us: int, jitter: Jitter) -> None:
        self.name = name
        self.state: Literal["waiting", "open"] = "waiting"
        self.due_us = now_us
        self.opened_us = 0
        self._waits = Backoff(WAIT_S, jitter)

    def open(self, now_us: int) -> None:
        """The watch begins."""
        self.state, self.opened_us = "open", now_us

    def lost(self, now_us: int) -> None:
        """The watch ended. It begins again after a wait."""
        if self.state == "open" and now_us - self.opened_us >= STEADY_US:
            self._waits.succeeded()
        self.state = "waiting"
        self.due_us = now_us + self._waits.next_us()


class WatchedSymbol:
    """One symbol: its book, and its watches."""

    __slots__ = (
        "asks", "bids", "heard_us", "instrument", "is_heard", "is_synced", "jitter", "links", "native",
        "quote", "reader", "trade_ids", "trades", "wanted",
    )  # fmt: skip

    def __init__(self, native: str, instrument: Instrument, now_us: int, jitter: Jitter) -> None:
        self.native = native
        self.instrument = instrument
        self.jitter = jitter
        self.wanted: frozenset[StreamKind] = frozenset()
        self.links: dict[Watch, WatchedLink] = {}
        self.bids: dict[int, int] = {}
        """Ticks -> lots, best first."""
        self.asks: dict[int, int] = {}
        self.is_synced = False
        """Whether the book is the exchange's."""
        self.is_heard = False
        """Whether a message came since the last loss."""
        self.heard_us = now_us
        """When the last message of the book came, or its watch began."""
        self.quote: tuple[Level, Level] | None = None
        """The best prices that were told last."""
        self.reader = LevelReader(instrument)
        self.trade_ids = RecentTradeIds()
        self.trades = 0
        """How many trades came without an id. They are counted."""

    @property
    def is_current(self) -> bool:
        """Whether what is known is current: the book, where it is watched, otherwise what was heard."""
        return self.is_synced if "book" in self.links else self.is_heard

    def watch(self, watches: frozenset[Watch], now_us: int) -> list[str]:
        """Watch these, and nothing else; return the links that were open and end."""
        ended = [
            link.name for watch, link in self.links.items() if watch not in watches and link.state == "open"
        ]
        if "book" in self.links and "book" not in watches:
            self.clear_book()
        self.links = {
            watch: self.links.get(watch) or WatchedLink(link_of(watch, self.native), now_us, self.jitter)
            for watch in sorted(watches)
        }
        return ended

    def clear_book(self) -> None:
        """Drop the book. The next one is a snapshot."""
        self.bids, self.asks = {}, {}
        self.is_synced, self.quote = False, None

    def snapshot(self, ts_us: int) -> BookSnapshot:
        """Return the whole book."""
        return BookSnapshot(self.instrument.symbol, tuple(self.bids.items()), tuple(self.asks.items()), ts_us)

    def new_quote(self, ts_us: int) -> Quote | None:
        """Return the best prices of the book; None if these were told."""
        best = next(iter(self.bids.items()), (0, 0)), next(iter(self.asks.items()), (0, 0))
        if best == self.quote:
            return None
        self.quote = best
        (bid, bid_lots), (ask, ask_lots) = best
        return Quote(self.instrument.symbol, bid, bid_lots, ask, ask_lots, ts_us)

    @property
    def is_crossed(self) -> bool:
        """Whether the best bid reaches the best ask."""
        bid, ask = next(iter(self.bids), None), next(iter(self.asks), None)
        return bid is not None and ask is not None and bid >= ask
