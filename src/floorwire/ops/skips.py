"""What venues leave out: counted for the metrics, and told in the log, seldom."""

from __future__ import annotations

import structlog

from floorwire.core.ports import CountsSkipped, Venue
from floorwire.ops.stats import Stats

CHECK_US = 1_000_000
EXPECTED = frozenset(("other_kind", "repeated", "out_of_order", "unknown_symbol", "old_snapshot"))
"""Left out in the best of sessions; in the log at ``info``, all else at ``warning``."""

log = structlog.get_logger("floorwire.venues")


class Skips:
    """One venue's. The log tells of a reason at the first time, the tenth, the hundredth and so on."""

    def __init__(self, venue: Venue, stats: Stats) -> None:
        self._name = venue.name
        self._venue = venue if isinstance(venue, CountsSkipped) else None
        self._stats = stats
        self._seen: dict[str, int] = {}
        self._told: dict[str, int] = {}
        self._next_us = 0

    def watch(self, now_us: int) -> None:
        """Look at what was left out; about once a second, however often it is called."""
        if now_us >= self._next_us or now_us < self._next_us - CHECK_US:
            self._next_us = now_us + CHECK_US
            self.count()

    def count(self) -> None:
        """Count what was left out since the last time."""
        if self._venue is None:
            return
        for reason, now in self._venue.skipped.items():
            seen = self._seen.get(reason, 0)
            if now == seen:
                continue
            self._seen[reason] = now
            key = (self._name, reason)
            self._stats.venue_skipped[key] += now - seen if now > seen else now  # less: it was started again
            self._tell(reason, self._stats.venue_skipped[key])

    def _tell(self, reason: str, total: int) -> None:
        if total >= self._told.get(reason, 1):
            self._told[reason] = 10 ** len(str(total))
            say = log.info if reason in EXPECTED else log.warning
            say("left out", venue=self._name, reason=reason, count=total)

    def end(self) -> None:
        """The venue has ended: say what was left out of all that it played."""
        self.count()
        mine = {
            reason: count for (name, reason), count in self._stats.venue_skipped.items() if name == self._name
        }
        skipped = ", ".join(f"{reason} {count}" for reason, count in mine.items()) or "nothing"
        log.info("recording ended", venue=self._name, skipped=skipped)
