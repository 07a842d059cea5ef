"""What operators may do to a venue that plays a recording, and where it stands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeAlias, runtime_checkable

import msgspec

from floorwire.core.ports import VenueOutput


class Pause(msgspec.Struct, frozen=True):
    """Stand still. Nothing happens if it stands already."""


class Unpause(msgspec.Struct, frozen=True):
    """Go on from where it stands."""


class SetSpeed(msgspec.Struct, frozen=True):
    """Play so many times as fast as recorded; None: as fast as possible."""

    speed: float | None


class Seek(msgspec.Struct, frozen=True):
    """Go on from this recorded time, forward or back."""

    at_us: int


ReplayControl: TypeAlias = Pause | Unpause | SetSpeed | Seek


class ReplayPosition(msgspec.Struct, frozen=True):
    """Where a replay stands. Times are those of the recording."""

    first_us: int
    last_us: int
    at_us: int
    """What was played up to now; while it seeks, where it goes to."""
    speed: float | None
    """None: as fast as possible."""
    is_paused: bool
    is_seeking: bool
    is_ended: bool
    round: int
    """How often it began again or went back."""


class SeekError(ValueError):
    """A time that the recording does not have."""

    def __init__(self, at_us: int, first_us: int, last_us: int) -> None:
        super().__init__(f"{at_us} is not from {first_us} to {last_us}")
        self.first_us = first_us
        self.last_us = last_us


LEAST_SPEED = 0.000_001
MOST_SPEED = 1_000_000.0
"""Times beyond these are no numbers of microseconds any more."""


class SpeedError(ValueError):
    """A speed that is too small or too large."""

    def __init__(self, speed: float) -> None:
        super().__init__(f"speed: {speed} is not between {LEAST_SPEED:f} and {MOST_SPEED:.0f}")
        self.speed = speed


@runtime_checkable
class PlaysRecording(Protocol):
    """A venue that may play a recording."""

    def control(self, control: ReplayControl, now_us: int) -> Sequence[VenueOutput]:
        """Do what an operator asks for; return what follows. Raises SeekError, SpeedError."""
        ...

    def position(self, now_us: int) -> ReplayPosition | None:
        """Return where it stands; None if it plays no recording."""
        ...
