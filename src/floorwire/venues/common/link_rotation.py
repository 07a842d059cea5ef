"""The replacement of a link by a new one before the exchange ends it, without a loss in between.

Both links are up for a while. The new one is subscribed to all that the old one carries. Each symbol moves
when its book is complete on the new link, and only then; the old link is closed when all have moved.
"""

from __future__ import annotations

from collections.abc import Mapping

from floorwire.core.capabilities import StreamKind
from floorwire.core.microseconds import SECOND_US
from floorwire.venues.common.subscribed_symbol import SubscribedSymbol

SETTLE_US = 10 * SECOND_US
"""The new link is up for at least this long before the old one is closed: streams without books need time."""
LIMIT_US = 300 * SECOND_US
"""Books that are not complete by then start again on the new link."""
RETRY_US = 60 * SECOND_US
"""After a replacement was given up, the next one begins this much later."""


class Rotation:
    """One replacement that is under way."""

    __slots__ = ("_since_us", "carried", "is_up", "new", "old", "waiting")

    def __init__(
        self,
        old: str,
        new: str,
        carried: Mapping[str, frozenset[StreamKind]],
        waiting: dict[str, SubscribedSymbol],
        now_us: int,
    ) -> None:
        self.old = old
        self.new = new
        self.carried = dict(carried)
        """What the old link carried at the beginning. A change of that ends the replacement."""
        self.waiting = waiting
        """The exchange's name -> what is known of a symbol by the new link, until its book is complete."""
        self.is_up = False
        """Whether the new link is up."""
        self._since_us = now_us
        """When it came up; before that: when the replacement began."""

    def opened(self, now_us: int) -> None:
        """Record that the new link is up."""
        self.is_up = True
        self._since_us = now_us
        for symbol in self.waiting.values():
            symbol.requested_us = now_us

    def is_done(self, now_us: int) -> bool:
        """Return whether to close the old link now."""
        up_us = now_us - self._since_us
        return self.is_up and (up_us >= LIMIT_US or (not self.waiting and up_us >= SETTLE_US))

    def has_failed(self, now_us: int) -> bool:
        """Return whether the new link has not come up in time."""
        return not self.is_up and now_us - self._since_us >= RETRY_US
