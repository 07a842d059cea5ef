"""Finds the instrument that a symbol names, in any of the ways to write it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from floorwire.core.instrument import Instrument
from floorwire.core.venue_names import VenueNames, bare, venue_of

MAX_SYMBOL = 64


def normalize_symbol(text: str) -> str:
    """Return the symbol without separators, in capitals: BTC-USDT, btcusdt and BTC/USDT -> BTCUSDT."""
    return text.upper().replace("-", "").replace("/", "").replace("_", "")


class SymbolTable:
    """All instruments by their identity and by each of their names.

    A symbol without a venue is one of the default venue. Where the default venue has none of that name, it is
    the only instrument of the name at the other venues; a name of several instruments finds none. The
    symbols of ``names.with_id_only`` are found with their venue alone.
    """

    def __init__(self, instruments: Iterable[Instrument] = (), names: VenueNames | None = None) -> None:
        self.names = names or VenueNames()
        self._by_identity: dict[str, Instrument] = {}
        self._by_name: dict[str, Instrument] = {}
        """By identity, and by the name that clients are told."""
        self._by_normalized: dict[str, set[str]] = {}
        """Identities by normalized name."""
        self._of_default: dict[str, str] = {}
        """Identities of the default venue's instruments, by normalized name without the venue."""
        self.update(instruments)

    def update(self, instruments: Iterable[Instrument]) -> None:
        """Add instruments; replace those with the same identity."""
        for instrument in instruments:
            symbol, names = instrument.symbol, self.names
            self._by_identity[symbol] = self._by_name[symbol] = instrument
            self._by_normalized.setdefault(normalize_symbol(symbol), set()).add(symbol)
            without_venue = normalize_symbol(bare(symbol))
            if names.default and venue_of(symbol) == names.default:
                self._by_name[names.shown(symbol)] = instrument
                self._of_default[without_venue] = symbol
            elif instrument.venue not in names.with_id_only:
                self._by_normalized.setdefault(without_venue, set()).add(symbol)

    def resolve(self, text: str) -> Instrument | None:
        """Return the one instrument that the text names (BTC-USDT, btcusdt, venue:BTC-USDT), else None."""
        found = self._by_name.get(text)
        if found is not None or len(text) > MAX_SYMBOL:
            return found
        normalized = normalize_symbol(text)
        of_default = self._of_default.get(normalized)
        if of_default is not None:
            return self._by_identity[of_default]
        symbols = self._by_normalized.get(normalized, ())
        return self._by_identity[next(iter(symbols))] if len(symbols) == 1 else None

    def __iter__(self) -> Iterator[Instrument]:
        return iter(self._by_identity.values())

    def __len__(self) -> int:
        return len(self._by_identity)
