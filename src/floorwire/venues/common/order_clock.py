"""The exchange's clock, and when it and the instruments are read.

What is signed has the exchange's date: ours, and what its answers say it is ahead. Nothing is signed before
it is known.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import NamedTuple, TypeAlias

from floorwire.core.microseconds import SECOND_US
from floorwire.core.ports import Answer
from floorwire.venues.common.pending_requests import NEVER_US
from floorwire.venues.common.request_sequences import HttpRequest, Steps

REFRESH_US = 600 * SECOND_US
RETRY_US = 5 * SECOND_US
MISSING_US = 30 * SECOND_US
"""How soon the instruments are read again if one is not among them."""

InstrumentReads: TypeAlias = Generator[HttpRequest, Answer, None]
"""Requests that read the instruments. They raise ValueError where an answer says nothing."""


class DateRequest(NamedTuple):
    """How the exchange is asked for its date."""

    request: HttpRequest
    date_us: Callable[[Answer], int]
    """Returns the date in an answer. Raises ValueError."""


class OrderClock:
    """Our times, the exchange's date, and when it is read (again), with the instruments."""

    def __init__(
        self,
        date: DateRequest | None = None,
        read_instruments: Callable[[], InstrumentReads] | None = None,
    ) -> None:
        """``date``: None where our own date serves. Then nothing is read."""
        self.now_us = 0
        self.date_us = 0
        self.is_complete = date is None
        """Whether all was read once. No link opens before."""
        self._date = date
        self._read_instruments = read_instruments
        self._is_reading = False
        self._due_us = NEVER_US if date is None else 0
        self._asked_us = 0
        self._ahead_us = 0
        """The exchange's date minus ours."""

    def at(self, now_us: int, date_us: int) -> None:
        """Take in the time."""
        self.now_us, self.date_us = now_us, date_us

    @property
    def venue_us(self) -> int:
        """The date by the exchange's clock."""
        return self.date_us + self._ahead_us

    def read_soon(self, wait_us: int = SECOND_US) -> None:
        """Read it again: the exchange refused a date."""
        self._due_us = min(self._due_us, self.now_us + wait_us)

    def read_for_missing(self) -> None:
        """Read it again, but not at once: an instrument is not known."""
        self._due_us = min(self._due_us, max(self.now_us, self._asked_us + MISSING_US))

    @property
    def is_due(self) -> bool:
        """Whether to read it now."""
        return not self._is_reading and self.now_us >= self._due_us

    @property
    def wake_us(self) -> int:
        """When it is due; never while it is read."""
        return NEVER_US if self._is_reading else self._due_us

    def read(self) -> Steps:
        """Return the requests that read the date, then the instruments. If they fail it is due again soon."""
        assert self._date is not None, "it is never due"
        self._asked_us, self._due_us = self.now_us, self.now_us + RETRY_US
        return self._read(self._date, self.date_us)

    def _read(self, date: DateRequest, sent_us: int) -> Steps:
        self._is_reading = True
        try:
            answer = yield date.request
            # how much of the way was there and how much back is not known
            self._ahead_us = date.date_us(answer) - (sent_us + self.date_us) // 2
            if self._read_instruments is not None:
                yield from self._read_instruments()
            self.is_complete, self._due_us = True, self.now_us + REFRESH_US
        finally:
            self._is_reading = False
        return ()
