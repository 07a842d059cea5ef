"""Finds the instrument that a symbol names, in any of the ways to write it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from floorwire.core.instrument import Instrument

MAX_SYMBOL = 64


def normalize_symbol(text: str) -> str:
    """Return the symbol without separators, in capitals: BTC-USDT, btcusdt and BTC/USDT -> BTCUSDT."""
    return text.upper().replace("-", "").replace("/", "").replace("_", "")


class SymbolTable:
    """All instruments by each of their names. A name of several instruments finds none."""

    def __init__(self, instruments: Iterable[Instrument] = ()) -> None:
        self._by_symbol: dict[str, Instrument] = {}
        self._by_normalized: dict[str, set[str]] = {}
        self.update(instruments)

    def update(self, instruments: Iterable[Instrument]) -> None:
        """Add instruments; replace those with the same canonical symbol."""
        for instrument in instruments:
            self._by_symbol[instrument.symbol] = instrument
            bare = instrument.symbol.partition(":")[2] or instrument.symbol
            for name in (instrument.symbol, bare):
                self._by_normalized.setdefault(normalize_symbol(name), set()).add(instrument.symbol)

    def resolve(self, text: str) -> Instrument | None:
        """Return the one instrument that the text names (BTC-USDT, btcusdt, venue:BTC-USDT), else None."""
        found = self._by_symbol.get(text)
        if found is not None or len(text) > MAX_SYMBOL:
            return found
        names = self._by_normalized.get(normalize_symbol(text), ())
        return self._by_symbol[next(iter(names))] if len(names) == 1 else None

    def __iter__(self) -> Iterator[Instrument]:
        return iter(self._by_symbol.values())

    def __len__(self) -> int:
        return len(self._by_symbol)
