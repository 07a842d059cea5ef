"""What the Binance adapter keeps for each symbol, and the rate limit of its snapshot requests."""

from __future__ import annotations

from floorwire.core.instrument import Instrument
from floorwire.core.market_events import Level
from floorwire.venues.common.diff_book import DiffBook
from floorwire.venues.common.links import SECOND_US
from floorwire.venues.common.trade_ids import TradeIds

BACKOFF_S = (1, 2, 4, 8, 16, 30)
"""Seconds to wait before the next snapshot request, by the number of requests that failed."""


class SymbolState:
    """One symbol that the adapter follows."""

    __slots__ = (
        "applied_us",
        "best",
        "depth_us",
        "diffs",
        "has_candles",
        "has_left_out",
        "instrument",
        "is_outdated",
        "is_requested",
        "is_silent",
        "link",
        "next_us",
        "quote_id",
        "quote_us",
        "resubscribed_us",
        "trade_ids",
        "tries",
    )

    def __init__(self, instrument: Instrument, link: str) -> None:
        self.instrument = instrument
        self.link = link
        self.diffs = DiffBook()
        self.is_requested = False
        """Whether a snapshot request is under way."""
        self.is_outdated = False
        """Whether that snapshot must not be used: it was requested before the link was lost."""
        self.next_us = 0
        """The earliest time of the next snapshot request."""
        self.tries = 0
        self.quote_id = 0
        """The update id of the last best prices that the venue sent."""
        self.quote_us = 0
        """When they came."""
        self.best: tuple[Level, Level] | None = None
        """The last published best bid and ask; None before the first since the link opened."""
        self.depth_us = 0
        """When the last difference came."""
        self.applied_us = 0
        """The latest venue time of a difference or snapshot that was applied or buffered; 0: none yet."""
        self.trade_ids = TradeIds()
        self.has_candles = False
        """Whether candles came since the link opened. Then the symbol is never silent for long."""
        self.has_left_out = False
        """Whether levels were left out of the book since the link opened: they were between two ticks."""
        self.is_silent = False
        """Whether the venue stopped sending the symbol, or its book, though the link is active."""
        self.resubscribed_us = 0
        """When the streams were last subscribed to again."""

    def clear(self) -> None:
        """Drop the book and the best prices, because the link was lost or the steps changed."""
        self.diffs.reset()
        self.is_outdated = self.is_requested
        self.tries = self.quote_id = 0
        self.best = None
        self.has_candles = self.has_left_out = self.is_silent = False

    def back_off(self, now_us: int) -> None:
        """Delay the next snapshot request, longer after each one that failed."""
        self.next_us = now_us + BACKOFF_S[self.tries] * SECOND_US
        self.tries = min(self.tries + 1, len(BACKOFF_S) - 1)


class RequestBudget:
    """The rate limit of our own requests: ``most`` at once, then one a second; none while it is stopped.

    The owner calls ``refill`` once a second.
    """

    __slots__ = ("_left", "_most", "_stopped_until_us")

    def __init__(self, most: int) -> None:
        self._most = most
        self._left = most
        self._stopped_until_us = 0

    def refill(self) -> None:
        """Add one request, after a second."""
        self._left = min(self._left + 1, self._most)

    def stop(self, until_us: int) -> None:
        """Allow no request before this time."""
        self._stopped_until_us = until_us

    def spend(self, now_us: int) -> bool:
        """Use up one request; False if none is allowed now."""
        if not self._left or now_us < self._stopped_until_us:
            return False
        self._left -= 1
        return True
