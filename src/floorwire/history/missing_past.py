"""What a venue can fill of a symbol's holes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from floorwire.core.microseconds import SECOND_US

SETTLED_US: Final = 3 * SECOND_US
"""So long after a time the venue is asked for it: trades of its last moments may be under way."""


class MissingRange(msgspec.Struct, frozen=True, gc=False):
    """A time to ask for. Of candles both ends are starts."""

    from_us: int
    to_us: int
    before_id: str = ""
    """The id of a trade that came at this end or later; "": none is known."""


class Missing(msgspec.Struct, frozen=True):
    """What to ask for, of candles of one interval or of trades."""

    ranges: Sequence[MissingRange] = ()
    """The latest first."""
    more_in_us: int = 0
    """So long until more of holes that have ended can be asked for; 0: there is no more."""
