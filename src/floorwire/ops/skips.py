"""What venues leave out of what they receive: counted for the metrics, and logged now and then."""

from __future__ import annotations

import structlog

from floorwire.core.ports import CountsSkipped, Venue
from floorwire.ops.stats import Stats

CHECK_US = 1_000_000
EXPECTED = frozenset(("other_kind", "repeated", "out_of_order", "unknown_symbol", "old_snapshot"))
"""Reasons that occur in good sessions too. They are logged at ``info``, others at ``warning``."""

log = structlog.get_logger("floorwire.venues")


class VenueSkipCounter:
    """Counts what one venue leaves out. Each reason is logged at the 1st, 10th, 100th time and so on."""

    def __init__(self, venue: Venue, stats: Stats) -> None:
        self._name = venue.name
        self._venue = venue if isinstance(venue, CountsSkipped) else None
        self._stats = stats
        self._seen: dict[str, int] = {}
        """The venue's own count when it was last read, by reason."""
        self._log_at: dict[str, int] = {}
        """The total at which a reason is logged next; at 1 where there is none."""
        self._next_us = 0

    def poll(self, now_us: int) -> None:
        """Call ``count`` if the last time was a second ago or more, or the clock was set back."""
        if now_us >= self._next_us or now_us < self._next_us - CHECK_US:
            self._next_us = now_us + CHECK_US
            self.count()

    def count(self) -> None:
        """Add to the metrics what was left out since the last call."""
        if self._venue is None:
            return
        for reason, now in self._venue.skipped.items():
            seen = self._seen.get(reason, 0)
            if now == seen:
                continue
            self._seen[reason] = now
            key = (self._name, reason)
            # A smaller count than before: the venue was started again and counts from 0.
            self._stats.venue_skipped[key] += now - seen if now > seen else now
            self._log(reason, self._stats.venue_skipped[key])

    def _log(self, reason: str, total: int) -> None:
        if total >= self._log_at.get(reason, 1):
            self._log_at[reason] = 10 ** len(str(total))
            write = log.info if reason in EXPECTED else log.warning
            write("left out", venue=self._name, reason=reason, count=total)

    def log_total(self) -> None:
        """Log what was left out of the whole recording. Called when the venue has ended."""
        self.count()
        counts = {
            reason: count for (name, reason), count in self._stats.venue_skipped.items() if name == self._name
        }
        skipped = ", ".join(f"{reason} {count}" for reason, count in counts.items()) or "nothing"
        log.info("recording ended", venue=self._name, skipped=skipped)
