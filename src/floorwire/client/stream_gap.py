"""A gap in a stream: what a reader gets in place of events that will not come."""

from __future__ import annotations

import msgspec

from floorwire.core.market_events import Feed


class StreamGap(msgspec.Struct, frozen=True):
    """The events ``first`` to ``last`` will not come.

    ``reason`` is one of docs/protocol.md, or ``restarted``: the stream began anew. If ``first`` is greater
    than ``last``, nobody knows how many there were (a new epoch). ``feed``: with the reason ``feed``, what
    the symbol's feed is from now on.
    """

    channel: str
    symbol: str | None
    epoch: str
    """Of these seqs."""
    first: int
    last: int
    reason: str
    feed: Feed | None = None

    def joined(self, later: StreamGap) -> StreamGap:
        """Return one gap for both and for all in between. Only the seqs of the later epoch are kept."""
        first = self.first if self.epoch == later.epoch else later.first
        return StreamGap(later.channel, later.symbol, later.epoch, first, later.last, "slow", later.feed)
