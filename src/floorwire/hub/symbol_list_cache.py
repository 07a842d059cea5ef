"""The list of instruments, encoded once and kept: everybody may ask for it, and it seldom changes."""

from __future__ import annotations

from typing import Final, TypeAlias

import msgspec

from floorwire.hub.market_state import MarketState
from floorwire.protocol.codec import Codec

MAX_KEPT: Final = 8
"""Lists that are kept. With more, all are made again: operators halt symbols one after the other."""
HaltedSymbols: TypeAlias = "frozenset[str] | None"
"""The symbols in which an operator halted trading. None: all trading is halted."""


class SymbolListCache:
    """Encoded lists of all instruments, by encoding and by what is halted."""

    def __init__(self, market: MarketState) -> None:
        self._market = market
        self._revision = market.revision
        """The revision of the instruments in ``_kept``."""
        self._kept: dict[tuple[Codec, HaltedSymbols], msgspec.Raw] = {}

    def find(self, codec: Codec, halted: HaltedSymbols) -> msgspec.Raw | None:
        """Return the encoded rows, if they were made since the instruments changed last."""
        if self._revision != self._market.revision:
            self._kept.clear()
            self._revision = self._market.revision
        return self._kept.get((codec, halted))

    def keep(self, codec: Codec, halted: HaltedSymbols, rows: msgspec.Raw, revision: int) -> None:
        """Keep encoded rows. ``revision``: that of the market when they were begun."""
        if self.find(codec, halted) is None and revision == self._revision:
            if len(self._kept) >= MAX_KEPT:
                self._kept.clear()
            self._kept[codec, halted] = rows
