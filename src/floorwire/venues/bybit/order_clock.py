"""The clock of Bybit, as far ahead of ours as its answers say."""

from __future__ import annotations

from floorwire.venues.bybit import order_messages as messages
from floorwire.venues.common.pending_requests import NEVER_US
from floorwire.venues.common.request_sequences import HttpRequest, Steps

SECOND_US = 1_000_000
TIME = "/v5/market/time"
REFRESH_US = 600 * SECOND_US
RETRY_US = 5 * SECOND_US


class OrderClock:
    """Bybit's date. Nothing is signed before it is known."""

    def __init__(self) -> None:
        self.is_complete = False
        self._is_reading = False
        self._due_us = 0
        self._offset_us = 0
        """Bybit's date minus ours."""
        self._now_us = 0
        self._date_us = 0

    def at(self, now_us: int, date_us: int) -> None:
        """Take in the time."""
        self._now_us, self._date_us = now_us, date_us

    @property
    def venue_us(self) -> int:
        """The date by Bybit's clock."""
        return self._date_us + self._offset_us

    def read_soon(self) -> None:
        """Read it again: Bybit refused a timestamp."""
        self._due_us = min(self._due_us, self._now_us + SECOND_US)

    @property
    def is_due(self) -> bool:
        """Whether to read it now."""
        return not self._is_reading and self._now_us >= self._due_us

    @property
    def wake_us(self) -> int:
        """When it is due; never while it is read."""
        return NEVER_US if self._is_reading else self._due_us

    def read(self) -> Steps:
        """Return the sequence that reads it. If it fails it is due again soon."""
        self._due_us = self._now_us + RETRY_US
        return self._read(self._date_us)

    def _read(self, sent_us: int) -> Steps:
        self._is_reading = True
        try:
            answer = yield HttpRequest(TIME, budget="time", is_signed=False)
            venue_us = messages.time_of(answer) * 1_000
            # how much of the way was there and how much back is not known
            self._offset_us = venue_us - (sent_us + self._date_us) // 2
            self.is_complete, self._due_us = True, self._now_us + REFRESH_US
        finally:
            self._is_reading = False
        return ()
