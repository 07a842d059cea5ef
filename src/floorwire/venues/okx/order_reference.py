"""What OKX has to say before orders are placed: its time, and the numbers of its instruments."""

from __future__ import annotations

from floorwire.venues.common.pending_requests import NEVER_US
from floorwire.venues.common.request_sequences import HttpRequest, Steps
from floorwire.venues.okx import order_messages as messages

SECOND_US = 1_000_000
TIME = "/api/v5/public/time"
INSTRUMENTS = "/api/v5/public/instruments"
REFRESH_US = 600 * SECOND_US
RETRY_US = 5 * SECOND_US
MISSING_US = 30 * SECOND_US
"""How soon the list is asked for again if an instrument is not in it."""


class OrderReference:
    """The venue's clock, and its instruments by their ids."""

    def __init__(self) -> None:
        self.is_complete = False
        """Whether both were read once."""
        self._is_reading = False
        self._due_us = 0
        """When to read them (again)."""
        self._offset_us = 0
        """The venue's time minus the date."""
        self._date_us = 0
        self._now_us = 0
        self._asked_us = 0
        self._instruments: dict[str, messages.InstrumentCode] = {}

    def at(self, now_us: int, date_us: int) -> None:
        """Take in the time."""
        self._now_us, self._date_us = now_us, date_us

    @property
    def venue_us(self) -> int:
        """The date by the venue's clock."""
        return self._date_us + self._offset_us

    def instrument(self, inst_id: str) -> messages.InstrumentCode | None:
        """Return the instrument. None: it is not known, and the list is read again soon."""
        found = self._instruments.get(inst_id)
        if found is None:
            self._due_us = min(self._due_us, max(self._now_us, self._asked_us + MISSING_US))
        return found

    def read_soon(self) -> None:
        """Read the venue's clock again: it refused a timestamp."""
        self._due_us = min(self._due_us, self._now_us + SECOND_US)

    @property
    def is_due(self) -> bool:
        """Whether to read them now."""
        return not self._is_reading and self._now_us >= self._due_us

    @property
    def wake_us(self) -> int:
        """When they are due; never while they are read."""
        return NEVER_US if self._is_reading else self._due_us

    def read(self) -> Steps:
        """Return the sequence that reads the time, then the instruments. If it fails it is due again soon."""
        self._asked_us, self._due_us = self._now_us, self._now_us + RETRY_US
        return self._read(self._date_us)

    def _read(self, sent_us: int) -> Steps:
        self._is_reading = True
        try:
            answer = yield HttpRequest(TIME, budget="list", is_signed=False)
            (row,) = messages.rows(answer, messages.TIMES)
            # how much of the way was there and how much back is not known
            self._offset_us = row.ts * 1000 - (sent_us + self._date_us) // 2
            answer = yield HttpRequest(INSTRUMENTS, "instType=SPOT", budget="list", is_signed=False)
            listed = messages.usable_rows(answer, messages.INSTRUMENT)
            self._instruments = {instrument.inst_id: instrument for instrument in listed}
            self.is_complete, self._due_us = True, self._now_us + REFRESH_US
        finally:
            self._is_reading = False
        return ()
