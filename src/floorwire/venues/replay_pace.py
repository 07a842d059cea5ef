"""Converts between recorded time and the time of playing."""

from __future__ import annotations

import math

from floorwire.core.replay_controls import LEAST_SPEED, MOST_SPEED, SpeedError


class ReplayPace:
    """From one recorded time on, at one speed."""

    __slots__ = ("_played_us", "_recorded_us", "speed")

    def __init__(self, speed: float | None, played_us: int, recorded_us: int) -> None:
        """``speed``: times as fast as recorded; None: at once. ``recorded_us`` is played at ``played_us``.

        Raises SpeedError.
        """
        if speed is not None and not LEAST_SPEED <= speed <= MOST_SPEED:
            raise SpeedError(speed)
        self.speed = speed
        self._played_us = played_us
        self._recorded_us = recorded_us

    def due_us(self, at_us: int) -> int:
        """Return when to play a recorded time."""
        if self.speed is None:
            return self._played_us
        return self._played_us + math.ceil((at_us - self._recorded_us) / self.speed)

    def recorded_us(self, now_us: int, played_us: int) -> int:
        """Return the recorded time that is played now; ``played_us`` is what was played last."""
        if self.speed is None:
            return played_us
        return max(played_us, self._recorded_us + math.floor((now_us - self._played_us) * self.speed))
