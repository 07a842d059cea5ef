"""When a venue is silent that should not be, and what to tell when it is heard again. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from floorwire.core.market_events import Feed, FeedStatus


class FeedSilence:
    """The silence of one venue. ``stale_us``: the longest that a live venue may say nothing."""

    def __init__(self, stale_us: int) -> None:
        self._stale_us = stale_us
        self._venue_status: Feed = "connecting"
        self._from_us = 0
        """When the venue last reported itself live, or when something was wanted of it again; monotonic."""
        self._not_live: dict[str, FeedStatus] = {}
        """The last status of each symbol that is not live."""
        self.has_begun = False
        """Whether the venue is silent."""

    def update(self, status: FeedStatus, now_us: int) -> None:
        """Take in what the venue says of itself or of a symbol."""
        if status.symbol is None:
            self._venue_status = status.feed
            if status.feed == "live":
                self._from_us = now_us
            else:  # After a loss the venue reports each symbol again.
                self._not_live.clear()
        elif status.feed == "live":
            self._not_live.pop(status.symbol, None)
        else:
            self._not_live[status.symbol] = status

    def count_from(self, now_us: int) -> None:
        """Count from now: nothing was expected of the venue until now."""
        self._from_us = now_us

    def begins(self, heard_us: int, now_us: int) -> bool:
        """Return whether a live venue is found silent now. It is told once. ``heard_us``: its last data."""
        if self._venue_status != "live" or self.has_begun:
            return False
        self.has_begun = now_us - max(self._from_us, heard_us) > self._stale_us
        return self.has_begun

    def end(self, stamp_us: int) -> Sequence[FeedStatus]:
        """The venue is heard again. Return what to tell: the symbols that are not live, then the venue."""
        self.has_begun = False
        return [*self._not_live.values(), FeedStatus(None, self._venue_status, "heard", stamp_us)]
