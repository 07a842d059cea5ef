"""Frame budget: how many frames a client may send that no rate limit of requests counts.

These are pings, pongs, and small fragments of messages. Each costs about a microsecond, and a client could
send millions. Beyond the budget reading pauses; the connection stays open.
"""

from __future__ import annotations

from typing import Final

from floorwire.protocol.cost_budget import CostBudget

FRAMES_PER_S: Final = 250
FRAMES_BURST: Final = 1_000
MAX_PAUSE_US: Final = 5_000_000
"""The longest pause. It is shorter than ``ping.timeout_s``: our own ping is answered in time."""
SMALL_BYTES: Final = 64
"""A fragment with fewer bytes is small. Larger ones are bounded by the size of the message."""


class FrameBudget:
    """The budget of one connection."""

    __slots__ = ("_budget",)

    def __init__(self) -> None:
        self._budget = CostBudget(FRAMES_PER_S, FRAMES_BURST, MAX_PAUSE_US)

    def charge(self, frames: int, now_us: int) -> int:
        """Charge for frames that came. Return for how many microseconds reading is to pause."""
        self._budget.charge(frames, now_us)
        return self._budget.wait_us(now_us)
