"""What an adapter keeps for a symbol whose book starts by a snapshot that follows each subscription."""

from __future__ import annotations

from typing import Protocol, get_args

from floorwire.core.capabilities import StreamKind
from floorwire.core.instrument import Instrument
from floorwire.core.market_events import Level
from floorwire.core.microseconds import SECOND_US
from floorwire.venues.common.backoff import Jitter
from floorwire.venues.common.venue_book import VenueBook

SNAPSHOT_S = (10, 20, 40, 80, 160, 300)
"""Seconds that a snapshot may take at most before the next request, by the number of tries that failed."""
QUOTE_LATE_US = 3_000_000
"""If no best prices came for this long, their stream may have ended. Quotes are then made from the book."""
NEVER = -1
"""No time: it has not happened."""
BOOK_LATE_US = 5 * SECOND_US
"""If the book has other best prices than their stream for this long, the stream of the book has ended."""


EVERYTHING: frozenset[StreamKind] = frozenset(get_args(StreamKind))


class KeptBook(Protocol):
    """A book with the exchange's own rule for lost changes."""

    levels: VenueBook
    has_left_out: bool
    """Whether levels were left out since the snapshot: they were between two ticks."""
    off_tick: int
    """How many levels of the last message were left out."""

    def clear(self) -> None:
        """Drop the book. The next snapshot starts it again."""
        ...


class SubscribedSymbol:
    """One symbol that the adapter follows."""

    __slots__ = (
        "_differs_since_us",
        "_quoted_us",
        "_wait_us",
        "book",
        "fetch",
        "is_book_silent",
        "is_heard",
        "is_regular",
        "is_silent",
        "levels",
        "link",
        "name",
        "next_fetch_us",
        "requested_us",
        "tries",
        "wanted",
    )

    def __init__(
        self, book: KeptBook, link: str | None, now_us: int, wanted: frozenset[StreamKind] = EVERYTHING
    ) -> None:
        self.book = book
        self.levels = book.levels
        self.name = self.levels.instrument.symbol
        """The canonical symbol. Its instrument may change, this does not."""
        self.link = link
        """The link on which its book comes, or what else is wanted of it; None: nothing is wanted."""
        self.wanted = wanted
        """Which of its streams are wanted. In a recording all are."""
        self.is_heard = False
        """Whether a message came since the link opened."""
        self.requested_us = now_us
        """When the snapshot was requested that has not come yet."""
        self.tries = 0
        """How many requests for a snapshot failed in a row."""
        self._wait_us = SNAPSHOT_S[0] * SECOND_US
        """How long the requested snapshot may take."""
        self.fetch: int | None = None
        """The HTTP request for its book that is under way. The answer to any other one is not used."""
        self.next_fetch_us = 0
        """The earliest time of the next such request."""
        self.is_book_silent = False
        """Whether the exchange stopped sending the book. A change has to come before a snapshot is used."""
        self.is_regular = False
        """Whether a message came that the exchange repeats in quiet times. Then silence is a fault."""
        self.is_silent = False
        """Whether the exchange stopped sending the symbol though its link is active."""
        self._quoted_us = NEVER
        """When the exchange last sent best prices since the link opened."""
        self._differs_since_us: int | None = None
        """Since when the book has other best prices than their stream, without a message of the book."""

    @property
    def instrument(self) -> Instrument:
        """The instrument of the symbol."""
        return self.levels.instrument

    @property
    def is_current(self) -> bool:
        """Whether what is known is current: the book, where it is wanted, otherwise what was heard."""
        return self.is_synced if "book" in self.wanted else self.is_heard

    @property
    def is_synced(self) -> bool:
        """Whether the book is the exchange's."""
        return self.levels.is_synced

    def clear(self, now_us: int) -> None:
        """Drop the book and wait for a snapshot."""
        self.book.clear()
        self.requested_us = now_us
        self.fetch = self._differs_since_us = None

    def link_lost(self, now_us: int) -> None:
        """Drop the book. All starts again when the link is up."""
        self.clear(now_us)
        self.book_synced()
        self.is_regular = self.is_silent = self.is_heard = self.is_book_silent = False
        self._quoted_us = NEVER

    def snapshot_is_due(self, now_us: int) -> bool:
        """Return whether a requested snapshot has not come in time."""
        if self.is_synced or "book" not in self.wanted:
            return False
        return now_us - self.requested_us >= self._wait_us

    def count_try(self, jitter: Jitter) -> None:
        """Count a request for a snapshot. The next one waits longer: somewhere up to the longest wait."""
        self.tries = min(self.tries + 1, len(SNAPSHOT_S) - 1)
        more_s = SNAPSHOT_S[self.tries] - SNAPSHOT_S[0]
        self._wait_us = int((SNAPSHOT_S[0] + jitter() * more_s) * SECOND_US)

    def book_synced(self) -> None:
        """Begin with the shortest wait again."""
        self.tries = 0
        self._wait_us = SNAPSHOT_S[0] * SECOND_US

    def book_came(self) -> None:
        """Record a message of the book."""
        self._differs_since_us = None
        self.is_book_silent = False

    def quoted(self, bid: Level, ask: Level, now_us: int) -> bool:
        """Record best prices; return whether they show that the stream of the book has ended."""
        self.quote_came(now_us)
        if not self.levels.is_synced or self.levels.best() == (bid, ask):
            self._differs_since_us = None
            return False
        if self._differs_since_us is None:
            self._differs_since_us = now_us
        return now_us - self._differs_since_us >= BOOK_LATE_US

    def quote_came(self, now_us: int) -> None:
        """Record that the exchange sent best prices."""
        self._quoted_us = now_us

    def quotes_ended(self, now_us: int) -> bool:
        """Return whether the exchange sent best prices since the link opened, and stopped."""
        at_us = now_us
        return self._quoted_us != NEVER and at_us - self._quoted_us >= QUOTE_LATE_US

    def has_quotes(self, now_us: int) -> bool:
        """Return whether the exchange sends best prices, so that none are made from the book."""
        at_us = now_us
        return self._quoted_us != NEVER and at_us - self._quoted_us < QUOTE_LATE_US
