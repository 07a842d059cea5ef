"""The instruments that a venue lists, and which of them the adapter follows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

import msgspec

from floorwire.core.instrument import Instrument
from floorwire.core.microseconds import SECOND_US
from floorwire.core.ports import Answer, Fetch
from floorwire.core.symbols import MAX_SYMBOL, normalize_symbol
from floorwire.venues.common.backoff import Backoff, Jitter

RETRY_S = (10, 20, 40, 80, 160, 300)
"""Seconds to wait at most before a list that did not come is requested again."""
REFRESH_US = 600 * SECOND_US
"""How often the list is requested again: trading states change, and so do ticks and lots."""
REFRESH_SOON_US = 60 * SECOND_US
"""The shortest time between two requests, when a message did not fit the list."""
TIMEOUT_US = 30 * SECOND_US
"""A list may have ten megabytes."""

UnlistedInstrument: TypeAlias = Callable[[str], tuple[str, Instrument] | None]
"""Makes an instrument for a symbol that no list has: from the symbol as requested or as it appeared, to the
venue's name for it and the instrument; None if that cannot be done."""


class SymbolFilter:
    """The symbols that were requested. If none were, every symbol that appears is followed."""

    __slots__ = ("_requested",)

    def __init__(self, symbols: Iterable[str]) -> None:
        self._requested = {normalize_symbol(symbol): symbol for symbol in symbols}

    def follows(self, symbol: str) -> bool:
        """Return whether to follow a symbol that appeared."""
        if len(symbol) > MAX_SYMBOL:
            return False
        return not self._requested or normalize_symbol(symbol) in self._requested

    def __iter__(self) -> Iterator[str]:
        return iter(self._requested.values())


class InstrumentCatalogue:
    """The listed instruments by the venue's own names, and the filter of those to follow."""

    __slots__ = (
        "_ids",
        "_listed",
        "_next_us",
        "_request",
        "_requested_us",
        "_symbol_filter",
        "_unlisted_instrument",
        "_waits",
        "is_ready",
    )

    def __init__(
        self,
        symbols: Sequence[str],
        unlisted_instrument: UnlistedInstrument | None,
        ids: Iterator[int],
        jitter: Jitter,
    ) -> None:
        """``unlisted_instrument``: None: only listed symbols are followed.

        ``ids``: the ids of the adapter's requests.
        """
        self.is_ready = False
        """Whether it is known which instruments to follow."""
        self._symbol_filter = SymbolFilter(symbols)
        self._unlisted_instrument = unlisted_instrument
        self._listed: dict[str, Instrument] = {}
        self._ids = ids
        self._request: int | None = None
        """The request that is under way."""
        self._requested_us = 0
        self._next_us = 0
        self._waits = Backoff(RETRY_S, jitter)

    def is_due(self, now_us: int) -> bool:
        """Return whether to request the list: it is time, and no request is under way."""
        return now_us >= self._next_us and self._request is None

    def request(self, url: str, now_us: int) -> Fetch:
        """Return a request for the list."""
        self._request = next(self._ids)
        self._requested_us = now_us
        return Fetch(self._request, url, timeout_us=TIMEOUT_US)

    def is_answered_by(self, answer: Answer) -> bool:
        """Return whether the answer is the list that was requested. ``update`` follows."""
        return answer.request == self._request

    def refresh_soon(self) -> None:
        """Request the list again soon, because a message did not fit it."""
        self._next_us = min(self._next_us, self._requested_us + REFRESH_SOON_US)

    def update(self, listed: Mapping[str, Instrument], now_us: int) -> None:
        """Add the instruments of an answer. An empty answer counts as none, and is requested again."""
        self._request = None
        self._listed.update(listed)
        if listed:
            self._waits.succeeded()
        self._next_us = now_us + (REFRESH_US if listed else self._waits.next_us())
        self.is_ready = self.is_ready or bool(listed) or self._unlisted_instrument is not None

    def updated(self, native: str, instrument: Instrument, listed: Mapping[str, Instrument]) -> Instrument:
        """Return the instrument as a new list has it. If it left the list, return it closed."""
        if not listed or native not in self._listed:
            return instrument
        return listed.get(native) or msgspec.structs.replace(instrument, state="closed")

    def requested(self) -> dict[str, Instrument]:
        """Return the requested instruments that the venue has, by the venue's names."""
        by_name = {
            normalize_symbol(instrument.base + instrument.quote): (native, instrument)
            for native, instrument in self._listed.items()
        }
        found = (
            by_name.get(normalize_symbol(symbol)) or self._unlisted(symbol) for symbol in self._symbol_filter
        )
        return dict(filter(None, found))

    def find(self, native: str) -> Instrument | None:
        """Return the instrument of a symbol that appeared; None if it is not followed."""
        found = self._listed.get(native)
        unlisted = None if found is not None else self._unlisted(native)
        instrument = unlisted[1] if unlisted is not None else found
        if instrument is None or not self._symbol_filter.follows(f"{instrument.base}-{instrument.quote}"):
            return None
        return instrument

    def _unlisted(self, symbol: str) -> tuple[str, Instrument] | None:
        return None if self._unlisted_instrument is None else self._unlisted_instrument(symbol)
