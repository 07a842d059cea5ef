"""What the market data adapter needs to know of one exchange."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Literal, NamedTuple, Protocol, TypeAlias, final

import msgspec

from floorwire.core.capabilities import StreamKind
from floorwire.core.instrument import Instrument
from floorwire.core.ports import VenueOutput
from floorwire.venues.common.candle_history import CandleHistory
from floorwire.venues.common.rate_limits import Allowance
from floorwire.venues.common.scanned_message import ScannedMessage
from floorwire.venues.common.subscribed_symbol import KeptBook, SubscribedSymbol
from floorwire.venues.common.trade_history import TradeHistory
from floorwire.venues.common.venue_clock import VenueClock

Operation: TypeAlias = Literal["subscribe", "unsubscribe"]


@final
class SymbolMessages(msgspec.Struct, frozen=True):
    """Messages of one symbol, by the exchange's name of it. A fault of one does not affect the others."""

    native: str
    messages: Sequence[object]


class SeveralSymbols(NamedTuple):
    """A frame with messages of several symbols."""

    symbols: Sequence[SymbolMessages]


class ListedRows(NamedTuple):
    """Rows of the list of instruments that came on a link."""

    rows: Sequence[bytes]


class Control(NamedTuple):
    """An answer to a request, or to a ping."""

    refusal: str = ""
    """The reason under which a refusal is counted, with the exchange's code; empty if it agreed."""
    retries: Sequence[str] = ()
    """What to request instead."""


class LostMessages(NamedTuple):
    """Messages of this link were lost, and nobody knows of which book. The link is opened again."""

    reason: str
    """A reason of a FeedStatus."""


class EndsSoon(NamedTuple):
    """The exchange will end this link soon. Another one takes its place before that."""


Reading: TypeAlias = (
    ScannedMessage | SymbolMessages | SeveralSymbols | ListedRows | Control | LostMessages | EndsSoon
)


class Unreadable(NamedTuple):
    """What a frame was that cannot be read."""

    native: str | None = None
    """The symbol; None: unknown."""
    is_of_book: bool = False
    """Whether it was part of a book: of the symbol's, or of any on its link."""
    is_of_trades: bool = False


class LinkKind(NamedTuple):
    """A kind of link: what comes on it, and where."""

    name: str
    url: str
    symbols: int
    """How many symbols one link carries at most."""
    kinds: frozenset[StreamKind]
    """What it carries of them."""
    costs: Mapping[StreamKind, int] = MappingProxyType({})
    """What the streams of a kind take of the link's capacity, for each symbol."""
    capacity: int = 0


class FetchedSnapshots(Protocol):
    """Whole books by HTTP requests, where the exchange sends only changes on its links."""

    weight: int
    """What a request costs of the rate limit."""

    def url(self, native: str) -> str:
        """Return the address of a symbol's book."""
        ...

    def is_due(self, symbol: SubscribedSymbol, up_us: int) -> bool:
        """Return whether to request the book of a symbol that has none, on a link that is up for so long."""
        ...

    def apply(self, body: bytes, symbol: SubscribedSymbol, now_us: int, out: list[VenueOutput]) -> bool:
        """Append the book; return False if it is older than the changes that came. Raises ValueError."""
        ...


class Exchange(Protocol):
    """What differs from one exchange to another. All methods raise only what they say."""

    name: str
    link_kinds: tuple[LinkKind, ...]
    """The first kind carries the books."""
    ping: str
    """Empty: the exchange needs none."""
    ping_us: int
    """After this long without a message on a link, the ping is sent. Its answer counts as a message."""
    silent_us: int
    """After this long without a message the link is closed and opened again."""
    symbol_silent_us: int
    """After this long without a message of a symbol, on a link that is active, its book is requested anew."""
    link_age_us: int | None
    """How old a link becomes before another one takes its place; None: the exchange ends none by age."""
    requests: tuple[int, int]
    """How many requests a link takes at once, and the microseconds to each further one."""
    allowances: Mapping[str, Allowance]
    """The rate limits of an address: ``CONNECTIONS`` and ``REST``."""
    list_weight: int
    """What a request for the list costs of ``REST``."""
    pauses_us: Mapping[int, int]
    """Status of an answer -> for how long nothing is sent after it, unless it says so itself."""
    snapshots: FetchedSnapshots | None
    """None: a whole book comes after each subscription, and at any other time."""
    candle_history: CandleHistory | None
    """None: candles of its past are not asked for."""
    trade_history: TradeHistory | None
    """None: trades of its past are not asked for."""
    skipped: Counter[str]
    clock: VenueClock

    def list_url(self, natives: Sequence[str]) -> str:
        """Return the address of the list of instruments, or of these if the exchange has a shorter one."""
        ...

    def rows(self, body: bytes) -> Sequence[bytes]:
        """Return the rows of an answer with the list of instruments.

        Raises ValueError and RecursionError; TooManyRequestsError if that is what the exchange says.
        """
        ...

    def listed(self, row: bytes) -> tuple[str, Instrument]:
        """Return the exchange's name and the instrument of a row. Raises ValueError, RecursionError."""
        ...

    def unlisted(self, text: str) -> tuple[str, Instrument] | None:
        """Return name and instrument of a symbol that no list has; None if that cannot be done."""
        ...

    def book(self, instrument: Instrument) -> KeptBook:
        """Return an empty book."""
        ...

    def requests_for(self, op: Operation, streams: Mapping[str, frozenset[StreamKind]]) -> Iterator[str]:
        """Return the requests to subscribe to these streams, or to unsubscribe from them."""
        ...

    def opening_requests(self, kind: str) -> Sequence[str]:
        """Return what to request on each new link of a kind, whatever else is wanted."""
        ...

    def resubscriptions(self, native: str, wanted: frozenset[StreamKind]) -> Sequence[str]:
        """Return the requests that end and renew the subscription of one book, or of all that is wanted."""
        ...

    def link_opened(self, link: str) -> None:
        """Forget what is known of the connection before."""
        ...

    def read(self, data: str | bytes, link: str) -> Reading | None:
        """Return what a frame is; None if it is of another kind. Raises ValueError, RecursionError."""
        ...

    def unreadable(self, data: str | bytes) -> Unreadable:
        """Return what is known of a frame that cannot be read."""
        ...

    def apply(self, message: object, symbol: SubscribedSymbol, now_us: int, out: list[VenueOutput]) -> None:
        """Append the market events of a message. Raises ValueError, for a lost change LostChangeError.

        What was appended before an error counts. Changes of a book are applied only while it is synced.
        """
        ...
