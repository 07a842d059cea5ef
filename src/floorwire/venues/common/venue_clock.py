"""A venue's own time, read from the times in its messages, and how far those may be believed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from floorwire.core.market_events import BookChange, BookSnapshot, Candle, Clock, DayStats, Quote, Trade
from floorwire.core.ports import VenueOutput

LATE_US = 500_000
"""How much later than the quickest a message may come and still count into its own second."""
WINDOW_US = 60_000_000
AHEAD_US = 5_000_000
"""How far ahead of our clock the time of a message may be; of the venue's, where ours is far behind it."""
ADOPT = 20
"""So many messages in a row, all ahead by about the same, are not wrong: the clocks differ by that much."""
ADOPT_US = 3_000_000
"""They come over at least this long: a burst of wrong ones is not taken for the venue's time."""


class VenueClock:
    """Tells how far the venue's time has surely come: no trade of before is to be expected any more.

    Our clock and the venue's differ, and messages travel: the quickest messages of the last minute or two
    tell by how much together. A minute's window, since a clock is set and a route changes. The time of a
    message that is seconds ahead of our clock is not used, unless all of them are. A time of the past is
    used: it moves nothing, and an exchange repeats old trades.
    """

    def __init__(self) -> None:
        self.refused = 0
        """How many times were not used."""
        self._ahead_us: int | None = None
        self._before_us: int | None = None
        self._window = 0
        self._told_us = 0
        self._behind_us = 0
        """By how much our clock is behind the venue's, where that is more than some seconds."""
        self._suspects = 0
        """How many messages in a row were ahead by about ``_suspect_us``, since ``_suspect_since_us``."""
        self._suspect_us = 0
        self._suspect_since_us = 0

    def hear(self, outputs: Iterable[VenueOutput], now_us: int) -> list[VenueOutput]:
        """Learn from what came of a message; return it, without times that cannot be."""
        return [known for output in outputs for known in self._believed(output, now_us)]

    def bounded(self, ts_us: int, now_us: int) -> int:
        """Return the time, or the venue's present time as learned where it is too far ahead."""
        if ts_us <= now_us + self._behind_us + AHEAD_US:
            return ts_us
        return self.present(now_us)

    def present(self, now_us: int) -> int:
        """Return the venue's present time as learned: that of a message that would come now."""
        ahead_us = self._learned()
        return now_us + (self._behind_us if ahead_us is None else ahead_us)

    def clock(self, now_us: int) -> list[Clock]:
        """Return the venue's time; nothing before the first message, and never an earlier one again."""
        ahead_us = self._learned()
        if ahead_us is not None:
            self._told_us = max(self._told_us, now_us + ahead_us - LATE_US)
        return [Clock(self._told_us, is_reckoned=True)] if self._told_us else []

    def _believed(self, output: VenueOutput, now_us: int) -> Iterator[VenueOutput]:
        if not isinstance(output, Trade | Quote | BookChange | BookSnapshot | DayStats | Candle):
            yield output
            return
        ts_us = self.bounded(output.ts_us, now_us)
        if ts_us != output.ts_us and self._adopts(output.ts_us - now_us, now_us):
            ts_us = output.ts_us
        is_ahead = isinstance(output, Candle) and self.bounded(output.start_us, now_us) != output.start_us
        if ts_us == output.ts_us and not is_ahead:
            is_ours = isinstance(output, Quote) and ts_us == now_us  # the venue did not say when
            if isinstance(output, Trade | Quote | BookChange) and not is_ours:
                self._suspects = 0
                self._learn(ts_us - now_us, now_us // WINDOW_US)
            yield output
            return
        self.refused += 1
        if not isinstance(output, Candle):  # a candle's time is its place: without it, it has none
            yield replace(output, ts_us=ts_us)

    def _adopts(self, ahead_us: int, now_us: int) -> bool:
        """Return whether the messages of late agree in a time that is further ahead than we learned."""
        if not self._suspects or abs(ahead_us - self._suspect_us) > AHEAD_US:
            self._suspects, self._suspect_us, self._suspect_since_us = 0, ahead_us, now_us
        self._suspects += 1
        if self._suspects < ADOPT or now_us - self._suspect_since_us < ADOPT_US:
            return False
        self._ahead_us = self._before_us = None
        self._behind_us = ahead_us
        return True

    def _learned(self) -> int | None:
        if self._before_us is None or (self._ahead_us is not None and self._ahead_us > self._before_us):
            return self._ahead_us
        return self._before_us

    def _learn(self, ahead_us: int, window: int) -> None:
        if window != self._window:
            self._before_us = self._ahead_us if window == self._window + 1 else None
            if self._ahead_us is not None and self._ahead_us < self._behind_us:
                self._behind_us = max(0, self._ahead_us)  # our clock was set
            self._ahead_us, self._window = None, window
        if self._ahead_us is None or ahead_us > self._ahead_us:
            self._ahead_us = ahead_us
