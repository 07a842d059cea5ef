"""The catalogue: what a venue lists, and which of it is followed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias

import msgspec

from floorwire.core.instrument import Instrument
from floorwire.core.ports import Fetch
from floorwire.venues.common.link import SECOND_US
from floorwire.venues.common.symbol_filter import SymbolFilter, folded

RETRY_US = 10 * SECOND_US
REFRESH_US = 600 * SECOND_US
"""How often the list is asked for again: trading states change, and steps with them."""
HURRY_US = 60 * SECOND_US
"""How soon at most, where something was seen that the list does not allow."""

Guess: TypeAlias = Callable[[str], tuple[str, Instrument] | None]
"""From a symbol as asked for or as it appeared, to the venue's name for it and an instrument."""


class InstrumentCatalogue:
    """The instruments by the venue's own names, and the roster of those that are followed."""

    __slots__ = (
        "_asked_us",
        "_guess",
        "_is_asked",
        "_listed",
        "_next_us",
        "_symbol_filter",
        "is_ready",
        "url",
    )

    def __init__(self, url: str, symbols: Sequence[str], guess: Guess | None) -> None:
        """``guess`` makes up for what no list tells; None: what is not listed is not followed."""
        self.url = url
        self.is_ready = False
        """Whether it is known what to follow."""
        self._symbol_filter = SymbolFilter(symbols)
        self._guess = guess
        self._listed: dict[str, Instrument] = {}
        self._is_asked = False
        self._asked_us = 0
        self._next_us = 0

    def ask(self, now_us: int) -> Iterator[Fetch]:
        """Ask for the list when it is due; one at a time."""
        if now_us >= self._next_us and not self._is_asked:
            self._is_asked = True
            self._asked_us = now_us
            yield Fetch(self.url)

    def hurry(self) -> None:
        """Ask again soon: something came that the list does not allow."""
        self._next_us = min(self._next_us, self._asked_us + HURRY_US)

    def take(self, listed: Mapping[str, Instrument], now_us: int) -> None:
        """Take in an answer; an empty one is none."""
        self._is_asked = False
        self._listed.update(listed)
        self._next_us = now_us + (REFRESH_US if listed else RETRY_US)
        self.is_ready = self.is_ready or bool(listed) or self._guess is not None

    def renewed(self, native: str, instrument: Instrument, listed: Mapping[str, Instrument]) -> Instrument:
        """Return an instrument as a new list has it; closed where it has left the list."""
        if not listed or native not in self._listed:
            return instrument
        return listed.get(native) or msgspec.structs.replace(instrument, state="closed")

    def wanted(self) -> dict[str, Instrument]:
        """Return what was asked for by name and is to be had, by the venue's names."""
        by_name = {
            folded(instrument.base + instrument.quote): (native, instrument)
            for native, instrument in self._listed.items()
        }
        found = (by_name.get(folded(symbol)) or self._guessed(symbol) for symbol in self._symbol_filter)
        return dict(filter(None, found))

    def find(self, native: str) -> Instrument | None:
        """Return the instrument of a symbol that appeared, None where it is not followed."""
        found = self._listed.get(native)
        guessed = None if found is not None else self._guessed(native)
        instrument = guessed[1] if guessed is not None else found
        if instrument is None or not self._symbol_filter.follows(f"{instrument.base}-{instrument.quote}"):
            return None
        return instrument

    def _guessed(self, symbol: str) -> tuple[str, Instrument] | None:
        return None if self._guess is None else self._guess(symbol)
