"""The values in ccxt's structures, read with a look at what they are.

ccxt reads the decimal texts of exchanges as floats. The shortest text that gives the same float again is what
the exchange wrote, up to 15 digits.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from floorwire.connectors.ccxt_exchange import Structure


def structure(found: object) -> Structure:
    """Return it. Raises TypeError if it is none."""
    if not isinstance(found, Mapping):
        raise TypeError("a structure")
    return found


def part(of: Structure, name: str) -> Structure:
    """Return a structure in another one; an empty one where there is none."""
    found = of.get(name)
    return found if isinstance(found, Mapping) else {}


def milliseconds(stamp: object) -> int | None:
    """Return a time; None if it is none."""
    return int(stamp) if isinstance(stamp, int | float) else None


def number(found: object) -> str:
    """Return the same as ``text``. Raises TypeError if it is no number."""
    written = text(found)
    if written is None:
        raise TypeError("a number")
    return written


def text(found: object) -> str | None:
    """Return a number as a decimal without an exponent; None if it is none."""
    if isinstance(found, bool) or not isinstance(found, int | float | str):
        return None
    written = found if isinstance(found, str) else repr(found)
    if "e" in written or "E" in written:
        written = format(Decimal(written), "f")
    return written if written.replace(".", "", 1).lstrip("-").isdigit() else None
