"""Identities of instruments and assets, and the names that clients use for them.

An identity is ``VENUE:BASE-QUOTE`` or ``VENUE:ASSET``, where VENUE is the id of a venue instance. The
journal, the accounts and all code behind the wire have identities. They never depend on which venues run.

A name is what a client reads and writes. Names of the default venue have no venue: ``BASE-QUOTE``, ``ASSET``.
All other names are the identities themselves.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from msgspec.structs import replace

from floorwire.core.instrument import Instrument

VENUE_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
"""What the id of a venue instance may be."""


class VenueNames:
    """Converts between names and identities. ``default`` is the id of the default venue.

    Without a default there is one venue without an id: each name is its own identity.
    """

    __slots__ = ("_prefix", "default", "with_id_only")

    def __init__(self, default: str = "", with_id_only: Collection[str] = ()) -> None:
        """``with_id_only``: venues whose symbols are found by their whole identity alone."""
        self.default = default
        self.with_id_only = frozenset(with_id_only) - {default}
        self._prefix = f"{default}:" if default else ""

    def shown(self, identity: str) -> str:
        """Return the name of a symbol or an asset. An identity without a venue is its own name."""
        return identity.removeprefix(self._prefix)

    def identity(self, name: str) -> str:
        """Return the identity of a symbol or an asset in its canonical form, with or without a venue."""
        return name if ":" in name else self._prefix + name

    def asset(self, venue: str, asset: str) -> str:
        """Return the identity of an asset of this venue."""
        return f"{venue}:{asset}" if self.default else asset

    def identified(self, instrument: Instrument) -> Instrument:
        """Return the instrument with the identities of its assets, as the accounts have it."""
        if not self.default or ":" in instrument.base:
            return instrument
        venue = instrument.venue
        return replace(instrument, base=f"{venue}:{instrument.base}", quote=f"{venue}:{instrument.quote}")

    def listed(self, instrument: Instrument) -> Instrument:
        """Return the instrument with the symbol that clients know it by."""
        shown = self.shown(instrument.symbol)
        return instrument if shown == instrument.symbol else replace(instrument, symbol=shown)


NO_VENUES = VenueNames()
"""Names of one venue that has no id."""


def bare(identity: str) -> str:
    """Return a symbol or an asset without its venue."""
    return identity.rpartition(":")[2]


def venue_of(identity: str) -> str:
    """Return the venue of an identity; "" where it has none."""
    return identity.rpartition(":")[0]
