"""The symbols and assets of the markets here: a grant or a deposit of another name is mistyped.

Whatever makes a key or a deposit asks these functions. The command line knows the names from the settings, a
server from its market.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

import msgspec

from floorwire.auth.grant import GrantError
from floorwire.core.venue_names import bare, venue_of

MAX_NAMED = 12
"""The most names that a message lists."""


class TradedNames(msgspec.Struct, frozen=True):
    """The names that may be used. ``symbols`` are identities. A name may be without the venue too."""

    symbols: frozenset[str]

    def check(self, symbols: Iterable[str] | None, deposits: Iterable[str]) -> None:
        """Raise GrantError for a symbol or an asset that no market here trades."""
        without_venue = {bare(symbol) for symbol in self.symbols}
        for symbol in symbols or ():
            if symbol not in self.symbols and symbol not in without_venue:
                raise _unknown("symbols", symbol, self.symbols | without_venue)
        assets = {asset for symbol in without_venue for asset in symbol.split("-")}
        identities = {
            f"{venue_of(symbol)}:{asset}" for symbol in self.symbols for asset in bare(symbol).split("-")
        }
        for asset in deposits:
            if asset not in assets and asset not in identities:
                raise _unknown("deposit", asset, identities if ":" in asset else assets)


def _unknown(field: str, name: str, known: Iterable[str]) -> GrantError:
    names = sorted(known)
    close = get_close_matches(name, names, n=1, cutoff=0.7)
    listed = ", ".join(names[:MAX_NAMED]) + (" ..." if len(names) > MAX_NAMED else "")
    meant = f"did you mean {close[0]}?" if close else f"there are {listed}"
    return GrantError(field, f"no market here trades {name}; {meant}")
