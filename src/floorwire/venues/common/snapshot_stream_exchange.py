"""What the adapter of exchanges with snapshots by subscription needs to know of one exchange."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Generic, Literal, NamedTuple, Protocol, TypeAlias, TypeVar

from floorwire.core.capabilities import StreamKind
from floorwire.core.instrument import Instrument
from floorwire.core.ports import VenueOutput
from floorwire.venues.common.subscribed_symbol import KeptBook, SubscribedSymbol
from floorwire.venues.common.venue_clock import VenueClock

MessageT = TypeVar("MessageT")
Operation: TypeAlias = Literal["subscribe", "unsubscribe"]


class SymbolMessages(NamedTuple, Generic[MessageT]):
    """Messages of one symbol, by the exchange's name of it. A fault of one does not affect the others."""

    native: str
    messages: Sequence[MessageT]


class ListedRows(NamedTuple):
    """Rows of the list of instruments that came on a link."""

    rows: Sequence[bytes]


class Control(NamedTuple):
    """An answer to a request, or to a ping."""

    refusal: str = ""
    """The reason under which a refusal is counted, with the exchange's code; empty if it agreed."""
    retries: Sequence[str] = ()
    """What to request instead."""


Reading: TypeAlias = SymbolMessages[MessageT] | ListedRows | Control


class LinkKind(NamedTuple):
    """A kind of link: what comes on it, and where."""

    name: str
    url: str
    symbols: int
    """How many symbols one link carries."""
    kinds: frozenset[StreamKind]
    """What it carries of them."""


class Exchange(Protocol[MessageT]):
    """What differs from one exchange to another. All methods raise only what they say."""

    name: str
    list_url: str
    link_kinds: tuple[LinkKind, ...]
    """The first kind carries the books."""
    ping: str
    ping_us: int
    """After this long without a message on a link, the ping is sent. Its answer counts as a message."""
    silent_us: int
    """After this long without a message the link is closed and opened again."""
    symbol_silent_us: int
    """After this long without a message of a symbol, on a link that is active, its book is requested anew."""
    requests: tuple[int, int]
    """How many requests for single books a link takes at once, and the microseconds to each further one."""
    connections: tuple[int, int]
    """How many new connections are made at once, and the microseconds to each further one."""
    skipped: Counter[str]
    clock: VenueClock

    def rows(self, body: bytes) -> Sequence[bytes]:
        """Return the rows of an answer with the list of instruments. Raises ValueError."""
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

    def resubscriptions(self, native: str) -> Sequence[str]:
        """Return the requests that end and renew the subscription of one book."""
        ...

    def read(self, data: str | bytes) -> Reading[MessageT] | None:
        """Return what a frame is; None if it is of another kind. Raises ValueError, RecursionError."""
        ...

    def native_of_book(self, data: str | bytes) -> str | None:
        """Return the symbol of a frame of a book that cannot be read; None if it is of no known book."""
        ...

    def apply(self, message: MessageT, symbol: SubscribedSymbol, now_us: int, out: list[VenueOutput]) -> None:
        """Append the market events of a message. Raises ValueError, for a lost change LostChangeError.

        What was appended before an error counts. Changes of a book are applied only while it is synced.
        """
        ...
