"""The roster: which of a venue's symbols were asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from floorwire.core.symbols import MAX_SYMBOL


def folded(symbol: str) -> str:
    """Return the symbol as all ways to write it agree: BTC-USDT, btcusdt, BTC/USDT -> BTCUSDT."""
    return symbol.upper().replace("-", "").replace("/", "").replace("_", "")


class SymbolFilter:
    """The symbols asked for; any that appears, where none were."""

    __slots__ = ("_asked",)

    def __init__(self, symbols: Iterable[str]) -> None:
        self._asked = {folded(symbol): symbol for symbol in symbols}

    def follows(self, symbol: str) -> bool:
        """Return whether the symbol is followed when it appears."""
        return len(symbol) <= MAX_SYMBOL and (not self._asked or folded(symbol) in self._asked)

    def __iter__(self) -> Iterator[str]:
        return iter(self._asked.values())
