"""Requests for whole books, where an exchange sends only changes on its links: one a symbol, and paced."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from floorwire.core.microseconds import SECOND_US
from floorwire.core.ports import Answer, Fetch
from floorwire.venues.common.backoff import Jitter
from floorwire.venues.common.subscribed_symbol import SubscribedSymbol

WAIT_S = (1, 2, 4, 8, 16, 30)
"""Seconds to wait at most before the next request for a symbol, by the number of tries that failed."""


class FetchedSymbol(NamedTuple):
    """A symbol whose book was requested, with the exchange's name of it."""

    native: str
    symbol: SubscribedSymbol


class SnapshotFetches:
    """Which request is for the book of which symbol."""

    __slots__ = ("_ids", "_jitter", "_requests")

    def __init__(self, ids: Iterator[int], jitter: Jitter) -> None:
        self._ids = ids
        self._jitter = jitter
        self._requests: dict[int, FetchedSymbol] = {}
        """Those under way, also if their answers will not be used. The connector bounds their number."""

    def request(self, url: str, native: str, symbol: SubscribedSymbol, now_us: int) -> Fetch:
        """Return the request for a symbol's book. The next one waits, longer after each that failed."""
        request = symbol.fetch = next(self._ids)
        self._requests[request] = FetchedSymbol(native, symbol)
        tries = min(symbol.tries, len(WAIT_S) - 1)
        symbol.next_fetch_us = now_us + int(self._jitter() * WAIT_S[tries] * SECOND_US)
        symbol.tries = tries + 1
        return Fetch(request, url)

    def answered(self, answer: Answer) -> FetchedSymbol | None:
        """Return the symbol whose book the answer is; None if it is of no use any more.

        A book that was requested before its link was lost may not fit the changes that come now.
        """
        found = self._requests.pop(answer.request, None)
        if found is None or found.symbol.fetch != answer.request:
            return None
        found.symbol.fetch = None
        return found
