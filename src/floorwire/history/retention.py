"""How much market history is kept: by age and by size, for each kind of rows. The oldest go first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal, TypeAlias

import msgspec

from floorwire.core.market_history import MOST_US
from floorwire.core.microseconds import DAY_US
from floorwire.history import history_file
from floorwire.history.candle_levels import LEVELS
from floorwire.history.history_file import TRADES, Connection

Kind: TypeAlias = Literal["trades", "seconds", "minutes", "longer"]

KINDS: Final[Mapping[Kind, Sequence[int]]] = {
    "trades": (TRADES,),
    "seconds": (0,),
    "minutes": (1,),
    "longer": tuple(level.number for level in LEVELS[2:]),
}
"""By kind: those of its blocks."""
BLOCKS_A_STEP: Final = 32
"""So many blocks are deleted in one go. Reads wait for that, about a millisecond."""
BLOCKS_TOO_MUCH: Final = 4
"""The same where there is too much: not many more than necessary."""


class Bound(msgspec.Struct, frozen=True):
    """What is kept of one kind. 0 days: whatever its age."""

    days: float
    size: int
    """Bytes of packed rows."""


def remove_old(
    connection: Connection, bounds: Mapping[Kind, Bound], wall_us: int, pause: Callable[[], None]
) -> None:
    """Delete what is too old, and then the oldest where there is too much. Raises sqlite3.Error."""
    for kind, bound in bounds.items():
        for number in KINDS[kind]:
            before_us = wall_us - int(bound.days * DAY_US) if bound.days else 0
            while history_file.remove_oldest(connection, number, before_us, BLOCKS_A_STEP) == BLOCKS_A_STEP:
                pause()
        while history_file.bytes_of(connection, KINDS[kind]) > bound.size:
            if not any(
                history_file.remove_oldest(connection, number, MOST_US, BLOCKS_TOO_MUCH)
                for number in KINDS[kind]
            ):
                break
            pause()
    longest = max((bound.days for bound in bounds.values() if bound.days), default=0)
    if longest and all(bound.days for bound in bounds.values()):
        history_file.remove_holes(connection, wall_us - int(longest * DAY_US))
