"""An exchange that has nothing but what the shared parts of market data need, and these parts around it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import count

from floorwire.core.capabilities import StreamKind
from floorwire.core.instrument import Instrument
from floorwire.core.ports import VenueOutput
from floorwire.venues.common.backoff import no_jitter
from floorwire.venues.common.book_requests import BookRequests
from floorwire.venues.common.candle_history import CandleHistory
from floorwire.venues.common.decimals import OffTickError
from floorwire.venues.common.exchange import FetchedSnapshots, LinkKind, Operation, Reading, Unreadable
from floorwire.venues.common.followed_symbols import FollowedSymbols
from floorwire.venues.common.instrument_catalogue import InstrumentCatalogue
from floorwire.venues.common.link_rotations import LinkRotations
from floorwire.venues.common.message_handler import MessageHandler
from floorwire.venues.common.rate_limits import CONNECTIONS, REST, Allowance, RateLimits
from floorwire.venues.common.snapshot_fetches import SnapshotFetches
from floorwire.venues.common.stream_links import StreamLinks
from floorwire.venues.common.subscribed_symbol import EVERYTHING, SubscribedSymbol
from floorwire.venues.common.trade_history import TradeHistory
from floorwire.venues.common.venue_book import CrossedBookError, LostChangeError, VenueBook
from floorwire.venues.common.venue_clock import VenueClock
from floorwire.venues.common.wanted_streams import WantedStreams

SECOND = 1_000_000
URL = "ws://plain"
LINK = "main-0"
BID, ASK = ((104, 1),), ((105, 1),)
A, B, C = (Instrument(f"{name}-USD", name, "USD", "plain", "0.1", "0.1") for name in "ABC")


class PlainBook:
    """A book without a rule."""

    has_left_out = False
    off_tick = 0

    def __init__(self, instrument: Instrument) -> None:
        self.levels = VenueBook(instrument)

    def clear(self) -> None:
        self.levels.clear()


class BooksByHttp:
    """Whole books by requests. The body ``old`` is one that is too old, ``crossed`` one that cannot be."""

    weight = 1

    def url(self, native: str) -> str:
        return f"http://plain/{native}"

    def is_due(self, symbol: SubscribedSymbol, up_us: int) -> bool:
        return True

    def apply(self, body: bytes, symbol: SubscribedSymbol, now_us: int, out: list[VenueOutput]) -> bool:
        if body == b"crossed":
            raise CrossedBookError(symbol.instrument.symbol)
        if body == b"":
            raise ValueError("no book")
        if body == b"book":
            out.append(symbol.book.levels.apply_snapshot(BID, ASK, now_us))
        return body == b"book"


class PlainExchange:
    """Its messages are words: ``book``, ``trade``, ``lost``, ``crossed``, ``off_tick``, ``bad``."""

    name = "plain"
    link_kinds: tuple[LinkKind, ...] = (LinkKind("main", URL, 2, EVERYTHING),)
    ping = "ping"
    ping_us = 10 * SECOND
    silent_us = 60 * SECOND
    symbol_silent_us = 30 * SECOND
    requests = (2, SECOND)
    candle_history: CandleHistory | None = None
    trade_history: TradeHistory | None = None
    allowances: Mapping[str, Allowance] = {CONNECTIONS: Allowance(9, SECOND), REST: Allowance(1, SECOND)}
    list_weight = 1
    pauses_us: Mapping[int, int] = {}

    def __init__(self, snapshots: FetchedSnapshots | None = None, link_age_us: int | None = None) -> None:
        self.snapshots = snapshots
        self.link_age_us = link_age_us
        self.skipped: Counter[str] = Counter()
        self.clock = VenueClock()

    def list_url(self, natives: Sequence[str]) -> str:
        return "http://plain/list"

    def rows(self, body: bytes) -> Sequence[bytes]:
        return [body]

    def listed(self, row: bytes) -> tuple[str, Instrument]:
        raise ValueError("no list")

    def unlisted(self, text: str) -> tuple[str, Instrument] | None:
        return None

    def book(self, instrument: Instrument) -> PlainBook:
        return PlainBook(instrument)

    def requests_for(self, op: Operation, streams: Mapping[str, frozenset[StreamKind]]) -> Iterator[str]:
        return (f"{op} {native}" for native in streams)

    def opening_requests(self, kind: str) -> Sequence[str]:
        return ("hello",)

    def resubscriptions(self, native: str, wanted: frozenset[StreamKind]) -> Sequence[str]:
        return (f"renew {native}",)

    def link_opened(self, link: str) -> None: ...

    def read(self, data: str | bytes, link: str) -> Reading | None:
        return None

    def unreadable(self, data: str | bytes) -> Unreadable:
        return Unreadable()

    def apply(self, message: object, symbol: SubscribedSymbol, now_us: int, out: list[VenueOutput]) -> None:
        match message:
            case "book":
                out.append(symbol.book.levels.apply_snapshot(BID, ASK, now_us))
            case "lost":
                symbol.book.clear()
                raise LostChangeError(symbol.instrument.symbol, "sequence_gap")
            case "crossed":
                symbol.book.clear()
                raise CrossedBookError(symbol.instrument.symbol)
            case "off_tick":
                raise OffTickError("1.23", symbol.instrument)
            case "bad":
                raise ValueError(message)


class Parts:
    """The parts, connected as the adapter connects them. ``now_us`` is the time."""

    def __init__(self, exchange: PlainExchange | None = None, *, is_named: bool = False) -> None:
        self.exchange = exchange or PlainExchange()
        ids, self.now_us = count(1), 0
        limits = RateLimits(self.exchange.allowances)
        self.streams: StreamLinks = StreamLinks(self.exchange, 20 * SECOND, limits, no_jitter)
        self.links = self.streams.links
        self.followed = FollowedSymbols(self.links)
        fetches = SnapshotFetches(ids, no_jitter)
        self.books = BookRequests(
            self.exchange, self.streams, self.followed, fetches, limits, no_jitter, is_recorded=False
        )
        self.rotations = LinkRotations(self.exchange, self.streams, self.followed, self.books)
        self.wanted = WantedStreams(
            self.exchange, self.streams, self.followed, self.rotations, None, is_named=is_named
        )
        self.catalogue = InstrumentCatalogue((), None, ids, no_jitter)
        self.messages = MessageHandler(
            self.exchange, self.followed, self.books, self.rotations, self.catalogue
        )

    def want(self, *instruments: Instrument, kinds: frozenset[StreamKind] = EVERYTHING) -> list[VenueOutput]:
        """Want these streams of these instruments; return what follows."""
        self.wanted.streams = {one.symbol: kinds for one in instruments}
        return list(self.wanted.apply({one.base: one for one in (A, B, C)}, self.now_us))

    def up(self, link: str = LINK) -> list[VenueOutput]:
        """Let a link come up; return what follows."""
        self.links.opened(link, self.now_us)
        self.followed.link_opened(link, self.now_us)
        self.rotations.opened(link, self.now_us)
        return list(self.streams.opened(link, self.now_us))

    def message(self, native: str, message: str) -> list[VenueOutput]:
        """Let a message of a symbol come; return what follows."""
        out: list[VenueOutput] = []
        symbol = self.followed.by_native[native]
        self.links.received(symbol.link or "", self.now_us)
        self.followed.activity.symbol_received(symbol.instrument.symbol, self.now_us)
        self.messages.apply(native, symbol, message, self.now_us, out)
        return out
