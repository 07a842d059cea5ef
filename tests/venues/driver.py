"""Gives a venue inputs at given times, and keeps its outputs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import TypeVar, get_args

from floorwire.core.capabilities import StreamKind
from floorwire.core.market_events import BookChange, BookSnapshot, FeedStatus, MarketEvent
from floorwire.core.order_book import Book
from floorwire.core.past_candles import PastEnded, PastPage
from floorwire.core.past_trades import PastTradesPage
from floorwire.core.ports import (
    Activity,
    Answer,
    Close,
    Closed,
    Fetch,
    Frame,
    Open,
    Opened,
    Reported,
    Send,
    Venue,
    VenueInput,
    VenueOutput,
    Wake,
    Wanted,
    Woke,
)

SECOND = 1_000_000
START = 1_700_000_000 * SECOND
Kind = TypeVar("Kind")


class Driver:
    """One venue and the time. It wakes the venue at the times that the venue requested."""

    def __init__(self, venue: Venue, now_us: int = START) -> None:
        self.venue = venue
        self.now_us = now_us
        self.out: list[VenueOutput] = []
        self._wake_us: int | None = None
        self._take(venue.start(self.now_us))

    def give(self, happened: VenueInput) -> list[VenueOutput]:
        """Give the venue an input; return the outputs."""
        return self._take(self.venue.receive(happened, self.now_us))

    def want(self, *symbols: str, kinds: Iterable[StreamKind] = get_args(StreamKind)) -> list[VenueOutput]:
        """Tell the venue that clients want these kinds of streams of these symbols, and nothing else."""
        return self.give(Wanted(dict.fromkeys(symbols, frozenset(kinds))))

    def frame(self, message: object, link: str | None = None) -> list[VenueOutput]:
        """Give the venue a frame, as JSON unless it is text or bytes."""
        data = message if isinstance(message, str | bytes) else json.dumps(message)
        return self.give(Frame(link or self.opened_links()[0].link, data))

    def answer(self, url: str, body: object, status: int = 200) -> list[VenueOutput]:
        """Give the venue the answer to its last request of a URL, as JSON."""
        return self.reply(url, status, json.dumps(body).encode())

    def reply(
        self, url: str, status: int, body: bytes = b"", headers: tuple[tuple[str, str], ...] = ()
    ) -> list[VenueOutput]:
        """Give the venue the answer to its last request of a URL; to an unknown one if there was none."""
        request = max((fetch.request for fetch in every(self.out, Fetch) if fetch.url == url), default=-1)
        return self.give(Answer(request, status, body, headers))

    def up(self) -> list[VenueOutput]:
        """Open every link that the venue requested; return the outputs."""
        return [
            output
            for link in dict.fromkeys(o.link for o in self.opened_links())
            for output in self.give(Opened(link))
        ]

    def lose(self) -> list[VenueOutput]:
        """Lose the first link; return the outputs."""
        return self.give(Closed(self.opened_links()[0].link, "lost"))

    def wait(self, seconds: float) -> list[VenueOutput]:
        """Let time pass; return the outputs."""
        until_us = self.now_us + round(seconds * SECOND)
        followed: list[VenueOutput] = []
        while self._wake_us is not None and self._wake_us <= until_us:
            self.now_us, self._wake_us = self._wake_us, None
            followed += self.give(Woke())
        self.now_us = until_us
        return followed

    def opened_links(self) -> list[Open]:
        return every(self.out, Open)

    def fetches(self) -> list[str]:
        return [fetch.url for fetch in every(self.out, Fetch)]

    def _take(self, outputs: Sequence[VenueOutput]) -> list[VenueOutput]:
        for output in outputs:
            if isinstance(output, Wake):
                self._wake_us = output.at_us
        self.out += outputs
        return list(outputs)


def every(outputs: Iterable[VenueOutput], kind: type[Kind]) -> list[Kind]:
    """Return the outputs of a kind."""
    return [output for output in outputs if isinstance(output, kind)]


def statuses(outputs: Iterable[VenueOutput]) -> list[tuple[str | None, str, str]]:
    """Return the feeds' statuses as (symbol, feed, reason)."""
    return [(said.symbol, said.feed, said.reason) for said in every(outputs, FeedStatus)]


def events(outputs: Iterable[VenueOutput]) -> list[MarketEvent]:
    """Return the market events."""
    return [
        said
        for said in outputs
        if not isinstance(
            said,
            Open | Send | Close | Fetch | Wake | Reported | Activity | PastPage | PastTradesPage | PastEnded,
        )
    ]


def rebuilt(outputs: Iterable[VenueOutput], symbol: str) -> Book:
    """Return the book that follows from the events, as a channel would have it."""
    book = Book()
    for event in outputs:
        if isinstance(event, BookSnapshot) and event.symbol == symbol:
            book.replace(event.bids, event.asks)
        elif isinstance(event, BookChange) and event.symbol == symbol:
            book.apply(event.bids, event.asks)
    return book
