"""The symbols and assets of the markets here: a grant or a deposit of another name is mistyped.

Whatever makes a key or a deposit asks these functions. The command line knows the names from the settings, a
server from its market.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

import msgspec

from floorwire.auth.grant import GrantError

MAX_NAMED = 12
"""The most names that a message lists."""


class TradedNames(msgspec.Struct, frozen=True):
    """The names that may be used. ``symbols`` are canonical: BASE-QUOTE, or venue:BASE-QUOTE."""

    symbols: frozenset[str]

    def check(self, symbols: Iterable[str] | None, deposits: Iterable[str]) -> None:
        """Raise GrantError for a symbol or an asset that no market here trades."""
        bare = {symbol.rpartition(":")[2] for symbol in self.symbols}
        for symbol in symbols or ():
            if symbol not in self.symbols and symbol not in bare:
                raise _unknown("symbols", symbol, self.symbols | bare)
        assets = {asset for symbol in bare for asset in symbol.split("-")}
        for asset in deposits:
            if asset not in assets:
                raise _unknown("deposit", asset, assets)


def _unknown(field: str, name: str, known: Iterable[str]) -> GrantError:
    names = sorted(known)
    close = get_close_matches(name, names, n=1, cutoff=0.7)
    listed = ", ".join(names[:MAX_NAMED]) + (" ..." if len(names) > MAX_NAMED else "")
    meant = f"did you mean {close[0]}?" if close else f"there are {listed}"
    return GrantError(field, f"no market here trades {name}; {meant}")
