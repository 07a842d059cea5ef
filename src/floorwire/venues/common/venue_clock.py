"""Estimates a venue's time from its messages, and refuses times in messages that cannot be right."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from floorwire.core.market_events import (
    BookChange,
    BookSnapshot,
    Candle,
    DayStats,
    MissingTrade,
    Quote,
    Trade,
    VenueTime,
)
from floorwire.core.ports import VenueOutput

LATE_US = 500_000
"""How much later than the fastest message another may come and still count in its own second."""
WINDOW_US = 60_000_000
"""The fastest message of the last one to two windows counts: clocks are set, and routes change."""
AHEAD_US = 5_000_000
"""How far the time of a message may be ahead of our clock. If our clock is far behind the venue's, how far
ahead of the venue's time."""
ACCEPT_AFTER = 20
"""After so many messages in a row that are ahead by about the same, the clocks differ by that much."""
ACCEPT_AFTER_US = 3_000_000
"""The messages must come over at least this long, so that a burst of wrong times is not accepted."""

BOUNDED = (Trade, MissingTrade, Quote, BookChange, BookSnapshot, DayStats, Candle)
"""Market events that carry a time of the venue. The others have our own time."""


MOVING = (Trade, Quote, BookChange)
"""Market events that say how late the venue's messages come."""


class VenueClock:
    """The venue's time, so that candles close although nothing trades. No earlier trade is expected then.

    The venue's clock differs from ours, and messages take time to travel. The fastest messages of the last
    minute or two show the sum of both. A message whose time is seconds ahead of our clock is given the
    estimated time instead, unless all messages are ahead. A time in the past is used: it moves nothing, and
    exchanges repeat old trades.
    """

    __slots__ = (
        "_ahead_us",
        "_before_us",
        "_behind_us",
        "_bound_us",
        "_most_ahead_us",
        "_sent_us",
        "_suspect_since_us",
        "_suspect_us",
        "_suspects",
        "_window",
        "_window_ends_us",
        "refused",
    )

    def __init__(self) -> None:
        self.refused = 0
        """How many times in messages were not used."""
        self._ahead_us: int | None = None
        """How far the fastest message of this window was ahead of our clock (negative: behind)."""
        self._before_us: int | None = None
        """The same of the window before."""
        self._window = 0
        self._window_ends_us = self._most_ahead_us = 0
        """The window, and ``_ahead_us`` in it: what a message is compared with that may say nothing new."""
        self._sent_us = 0
        self._behind_us = 0
        """By how much our clock is behind the venue's; 0 unless it is more than some seconds."""
        self._bound_us = AHEAD_US
        """How far the time of a message may be ahead of our clock."""
        self._suspects = 0
        """How many messages in a row were ahead by about ``_suspect_us``, since ``_suspect_since_us``."""
        self._suspect_us = 0
        self._suspect_since_us = 0

    def check(self, outputs: list[VenueOutput], now_us: int) -> list[VenueOutput]:
        """Learn from the events of one message; return them with impossible times replaced."""
        at_us = now_us
        for output in outputs:
            # The usual cases at once: a time that can be right, and most of these say how late messages come.
            if type(output) is not BookChange and type(output) is not Quote and type(output) is not Trade:
                if type(output) is DayStats and output.ts_us - at_us <= self._bound_us:
                    continue
                break
            ahead_us = output.ts_us - at_us
            if ahead_us > self._bound_us:
                break
            if ahead_us or type(output) is not Quote:  # else it has our time
                self._suspects = 0
                if at_us >= self._window_ends_us or ahead_us > self._most_ahead_us:
                    self._learn(ahead_us, at_us // WINDOW_US)
        else:
            return outputs
        return [checked for output in outputs for checked in self._checked(output, now_us)]

    def bounded(self, ts_us: int, now_us: int) -> int:
        """Return the time, or the venue's estimated time if it is too far ahead."""
        if ts_us - now_us <= self._bound_us:
            return ts_us
        return self.venue_time(now_us)

    def venue_time(self, now_us: int) -> int:
        """Return the venue's estimated time: what a message would say that comes now."""
        ahead_us = self._learned()
        return now_us + (self._behind_us if ahead_us is None else ahead_us)

    def events(self, now_us: int) -> list[VenueTime]:
        """Return the venue's time as an event; none before the first message. It never goes back."""
        ahead_us = self._learned()
        if ahead_us is not None:
            self._sent_us = max(self._sent_us, now_us + ahead_us - LATE_US)
        return [VenueTime(self._sent_us, is_reckoned=True)] if self._sent_us else []

    def _checked(self, output: VenueOutput, now_us: int) -> Iterator[VenueOutput]:
        if not isinstance(output, BOUNDED):
            yield output
            return
        ts_us = self.bounded(output.ts_us, now_us)
        if ts_us != output.ts_us and self._accepts_jump(output.ts_us - now_us, now_us):
            ts_us = output.ts_us
        is_ahead = isinstance(output, Candle) and self.bounded(output.start_us, now_us) != output.start_us
        if ts_us == output.ts_us and not is_ahead:
            is_ours = isinstance(output, Quote) and ts_us == now_us  # this venue sends no time with quotes
            if isinstance(output, MOVING) and not is_ours:
                self._suspects = 0
                self._learn(ts_us - now_us, now_us // WINDOW_US)
            yield output
            return
        self.refused += 1
        if not isinstance(output, Candle):  # a candle without a right time belongs to no interval
            yield replace(output, ts_us=ts_us)

    def _accepts_jump(self, ahead_us: int, now_us: int) -> bool:
        """Return whether enough messages in a row are ahead by about ``ahead_us``: our clock is behind."""
        if not self._suspects or abs(ahead_us - self._suspect_us) > AHEAD_US:
            self._suspects, self._suspect_us, self._suspect_since_us = 0, ahead_us, now_us
        self._suspects += 1
        if self._suspects < ACCEPT_AFTER or now_us - self._suspect_since_us < ACCEPT_AFTER_US:
            return False
        self._ahead_us = self._before_us = None
        self._window_ends_us = 0
        self._behind_us = ahead_us
        self._bound_us = ahead_us + AHEAD_US
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
                self._bound_us = self._behind_us + AHEAD_US
            self._ahead_us, self._window = None, window
        if self._ahead_us is None or ahead_us > self._ahead_us:
            self._ahead_us = ahead_us
        self._most_ahead_us, self._window_ends_us = self._ahead_us, (window + 1) * WINDOW_US
