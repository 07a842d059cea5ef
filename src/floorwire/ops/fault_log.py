"""Logs faults in our code that requests cause: a line a minute for each place, so nobody fills the log."""

from __future__ import annotations

from collections import Counter
from typing import Final

import structlog

INTERVAL_US: Final = 60_000_000
"""The least time between two tracebacks of the same place."""
MAX_PLACES: Final = 100
"""More places than that are logged as one."""

log = structlog.get_logger("floorwire.faults")


class FaultLog:
    """Counts faults by their place in the code.

    The first fault of a place is logged with its traceback. The next line about the place comes INTERVAL_US
    later, with the number of faults since.
    """

    def __init__(self, counts: Counter[str]) -> None:
        """``counts``: those of the metric, by the type of the exception."""
        self._counts = counts
        self._since: Counter[str] = Counter()
        """Faults by place, since the last line about it."""
        self._next_us: dict[str, int] = {}

    def add(self, error: BaseException, now_us: int) -> None:
        """Count a fault, and log it if its place was not logged lately."""
        self._counts[type(error).__name__] += 1
        place = _place(error)
        if place not in self._next_us and len(self._next_us) >= MAX_PLACES:
            place = "elsewhere"
        self._since[place] += 1
        if now_us >= self._next_us.get(place, now_us):
            log.error("request failed", place=place, count=self._since.pop(place), exc_info=error)
            self._next_us[place] = now_us + INTERVAL_US


def _place(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = "nowhere" if trace is None else f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
    return f"{type(error).__name__} at {where}"
