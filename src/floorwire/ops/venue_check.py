"""What a venue sends, observed for a while: are its books whole, its prices consistent, the clocks right?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from floorwire.core.instrument import Instrument
from floorwire.core.market_events import (
    BookChange,
    BookSnapshot,
    Feed,
    FeedStatus,
    Level,
    Listing,
    MarketEvent,
    Quote,
    Trade,
)
from floorwire.core.order_book import Book
from floorwire.core.venue_traffic import VenueTraffic

EMPTY: Level = (0, 0)
CLOCK_OFF_US = 2_000_000
"""If even the fastest message is that much early or late, a clock is wrong or the way is too slow."""
COMPARED = 20
"""After so many comparisons of quotes and book, at least one has to agree."""


class SymbolCheck:
    """What was seen of one symbol."""

    __slots__ = ("agreed", "book", "changes", "compared", "crossed", "feed", "quote", "quotes", "reason",
                 "resyncs", "snapshots", "trades")  # fmt: skip

    def __init__(self) -> None:
        self.book = Book()
        self.feed: Feed = "connecting"
        self.reason = "start"
        self.snapshots = self.changes = self.trades = self.quotes = self.crossed = 0
        self.resyncs = 0
        """How often it stopped being current."""
        self.quote: tuple[Level, Level] | None = None
        self.compared = self.agreed = 0
        """How often book and quote were compared, and how often the best levels were the same."""

    def apply(self, event: Trade | Quote | BookSnapshot | BookChange) -> None:
        """Count the event, and apply it to the book."""
        match event:
            case Trade():
                self.trades += 1
            case Quote():
                self.quotes += 1
                self.quote = (event.bid_ticks, event.bid_lots), (event.ask_ticks, event.ask_lots)
            case BookSnapshot():
                self.snapshots += 1
                self.book.replace(event.bids, event.asks)
                self._check()
            case BookChange():
                self.changes += 1
                self.book.bids.apply(event.bids)
                self.book.asks.apply(event.asks)
                self._check()

    def _check(self) -> None:
        bid, ask = self.book.bids.best() or EMPTY, self.book.asks.best() or EMPTY
        if bid != EMPTY != ask and bid[0] >= ask[0]:
            self.crossed += 1
        if self.quote is not None:
            self.compared += 1
            self.agreed += self.quote == (bid, ask)


class VenueCheck:
    """A consumer of one venue's events."""

    def __init__(self) -> None:
        self.symbols: dict[str, SymbolCheck] = {}
        self.instruments: dict[str, Instrument] = {}
        """By symbol, as they were listed last."""
        self.fastest_us: int | None = None
        """How old the event was that came with the least delay; below 0: our clock is behind."""
        self._feed: Feed = "connecting"
        self._reason = "start"

    def consume(self, _venue: str, events: Sequence[MarketEvent], recv_us: int) -> None:
        """Take in a batch."""
        for event in events:
            match event:
                case Listing(instruments):
                    for instrument in instruments:
                        self.instruments[instrument.symbol] = instrument
                        self.symbols.setdefault(instrument.symbol, SymbolCheck())
                case FeedStatus():
                    self._status(event)
                case Trade() | Quote() | BookSnapshot() | BookChange():
                    self.symbols.setdefault(event.symbol, SymbolCheck()).apply(event)
                    if isinstance(event, Trade | BookChange):  # snapshots and quotes may have our own time
                        age_us = recv_us - event.ts_us
                        self.fastest_us = age_us if self.fastest_us is None else min(self.fastest_us, age_us)

    def _status(self, status: FeedStatus) -> None:
        if status.symbol is None:
            self._feed, self._reason = status.feed, status.reason
        for symbol, check in self.symbols.items():
            if status.symbol not in (None, symbol) or (status.symbol is None and status.feed == "live"):
                continue
            if check.feed == "live" and status.feed != "live":
                check.resyncs += 1
            check.feed, check.reason = status.feed, status.reason

    def failures(self, traffic: VenueTraffic) -> Iterator[str]:
        """Yield a sentence for each thing that is wrong."""
        if not traffic.answers and not traffic.links:
            yield "the venue asked for nothing"
        for outcome, count in sorted(traffic.answers.items()):
            if outcome == "none":
                why = f" ({traffic.last_failure})" if traffic.last_failure else ""
                yield f"{count} requests failed: no answer{why}"
            elif outcome != "2xx":
                yield f"{count} requests failed: HTTP {outcome}"
        for name, link in traffic.links.items():
            if link.state != "up":
                yield f"link {name} is {link.state}: {link.last_reason or 'no answer yet'}"
        if not self.symbols:
            yield "no instrument was listed: no list came, or it has none of the symbols"
        for symbol, check in self.symbols.items():
            yield from _symbol_failures(symbol, check)
        if self.fastest_us is not None and abs(self.fastest_us) > CLOCK_OFF_US:
            way = "behind" if self.fastest_us < 0 else "ahead"
            yield f"our clock is {abs(self.fastest_us) / 1e6:.1f} s {way}, or messages come that late"


def _symbol_failures(symbol: str, check: SymbolCheck) -> Iterator[str]:
    if not check.snapshots:
        yield f"{symbol}: no book came ({check.feed} {check.reason})"
    elif check.feed != "live":
        yield f"{symbol}: is {check.feed}: {check.reason}"
    if check.crossed:
        yield f"{symbol}: its book was crossed {check.crossed} times"
    if check.compared >= COMPARED and not check.agreed:
        yield f"{symbol}: the best prices never were those of the book"
