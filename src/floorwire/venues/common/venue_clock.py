"""A venue's own time, read from the times in its messages."""

from __future__ import annotations

from collections.abc import Iterable

from floorwire.core.market_events import BookChange, Clock, Quote, Trade
from floorwire.core.ports import VenueOutput

LATE_US = 500_000
"""How much later than the quickest a message may come and still count into its own second."""
WINDOW_US = 60_000_000


class VenueClock:
    """Tells how far the venue's time has surely come: no trade of before is to be expected any more.

    Our clock and the venue's differ, and messages travel: the quickest messages of the last minute or two
    tell by how much together. A minute's window, since a clock is set and a route changes.
    """

    def __init__(self) -> None:
        self._ahead_us: int | None = None
        self._before_us: int | None = None
        self._window = 0
        self._told_us = 0

    def hear(self, outputs: Iterable[VenueOutput], now_us: int) -> None:
        """Learn from what came of a message."""
        for output in outputs:
            if isinstance(output, Trade | Quote | BookChange):
                self._learn(output.ts_us - now_us, now_us // WINDOW_US)

    def _learn(self, ahead_us: int, window: int) -> None:
        if window != self._window:
            self._before_us = self._ahead_us if window == self._window + 1 else None
            self._ahead_us, self._window = None, window
        if self._ahead_us is None or ahead_us > self._ahead_us:
            self._ahead_us = ahead_us

    def clock(self, now_us: int) -> list[Clock]:
        """Return the venue's time; nothing before the first message, and never an earlier one again."""
        known = [ahead for ahead in (self._ahead_us, self._before_us) if ahead is not None]
        if known:
            self._told_us = max(self._told_us, now_us + max(known) - LATE_US)
        return [Clock(self._told_us)] if self._told_us else []
