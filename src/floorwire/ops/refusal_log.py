"""Counts refusals and logs few of them, so that strangers cannot fill the log."""

from __future__ import annotations

from collections import Counter
from typing import Final

import structlog

INTERVAL_US: Final = 60_000_000
"""The least time between two lines about the same reason."""

log = structlog.get_logger("floorwire.refusals")


class RefusalLog:
    """Counts refusals by reason, for the metrics and the log.

    The first refusal of a reason is logged at once. The next line about it comes INTERVAL_US later, with the
    number of refusals since. A reason is always a word of ours, never a client's: there are few of them.
    """

    def __init__(self, counts: Counter[str]) -> None:
        """``counts``: those of the metric."""
        self._counts = counts
        self._logged: dict[str, int] = {}
        """The count that the last line told of, by reason."""
        self._next_us: dict[str, int] = {}
        """When a reason may be logged again."""

    def add(self, reason: str, now_us: int, **details: str) -> None:
        """Count one refusal. ``details`` are logged if this refusal is: use nothing that may be a secret."""
        self._counts[reason] += 1
        if now_us >= self._next_us.get(reason, now_us):
            self._write(reason, now_us, details)

    def write_due(self, now_us: int) -> None:
        """Log the counts whose time has come. Called about once a second, for a flood that ended."""
        for reason, next_us in self._next_us.items():
            if now_us >= next_us and self._counts[reason] > self._logged[reason]:
                self._write(reason, now_us, {})

    def _write(self, reason: str, now_us: int, details: dict[str, str]) -> None:
        total = self._counts[reason]
        log.warning("refused", reason=reason, count=total - self._logged.get(reason, 0), **details)
        self._logged[reason] = total
        self._next_us[reason] = now_us + INTERVAL_US
