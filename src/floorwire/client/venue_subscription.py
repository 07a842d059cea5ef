"""One subscription to all symbols of a venue: a ``Subscription`` for each, also for those listed later.

After a cut each symbol is resumed by itself. Then all are asked for again: what was listed meanwhile begins.
Pure, as ``subscription.py`` is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from msgspec import UNSET, UnsetType

from floorwire.client.stream_gap import StreamGap
from floorwire.client.subscription import State, Subscription, Topic, depth_of, interval_of
from floorwire.protocol.channel_events import ListedNotice
from floorwire.protocol.replies import HeldSubscription, SubscribedAll
from floorwire.protocol.requests import OnSlow, Subscribe, Unsubscribe


class VenueTopic(NamedTuple):
    """What it is to. ``venue`` None: the gateway's default one."""

    channel: str
    venue: str | None = None
    option: int | str | None = None
    """The depth of the books, or the interval of the candles."""
    closed_only: bool = False


class VenueSubscription:
    """Follows what a venue lists, on one connection at a time."""

    def __init__(
        self,
        topic: VenueTopic,
        make: Callable[[Topic], Subscription],
        on_gap: Callable[[StreamGap], None],
        *,
        on_slow: OnSlow | UnsetType = UNSET,
    ) -> None:
        """``make`` returns the subscription of a symbol. ``on_gap`` is told of a symbol that has none."""
        self.topic = topic
        self.state = State.WANTED
        self.request_count = 0
        """A reply counts only if no request was made after its own."""
        self.symbols: dict[str, Subscription] = {}
        """By the symbol as the server names it."""
        self._venue = topic.venue
        """Known from the first reply on."""
        self._make = make
        self._on_gap = on_gap
        self._on_slow = on_slow

    def request(self) -> Subscribe:
        """Return the request to send now."""
        assert self.state is not State.ENDED
        self.state = State.REQUESTED
        self.request_count += 1
        topic = self.topic
        return Subscribe(
            channel=topic.channel,
            all=True,
            venue=topic.venue or UNSET,
            depth=depth_of(topic.option),
            interval=interval_of(topic.option),
            closed_only=topic.closed_only or UNSET,
            on_slow=self._on_slow,
        )

    def end(self) -> Unsubscribe:
        """End it; return the request that ends it on a connection where it was sent."""
        self.state = State.ENDED
        topic = self.topic
        return Unsubscribe(
            channel=topic.channel,
            all=True,
            venue=topic.venue or UNSET,
            depth=depth_of(topic.option),
            interval=interval_of(topic.option),
            closed_only=topic.closed_only or UNSET,
        )

    def cut(self) -> None:
        """The connection is lost, or the server says to try later."""
        if self.state in (State.REQUESTED, State.LIVE):
            self.state = State.WANTED

    def refused(self) -> None:
        """No new try helps."""
        self.state = State.REFUSED

    def confirmed(self, reply: SubscribedAll) -> None:
        """It follows listings from now on."""
        self.state = State.LIVE
        self._venue = reply.venue or self._venue

    def has(self, notice: ListedNotice) -> bool:
        """Return whether a listing belongs to it."""
        topic, held = self.topic, notice.subscription
        if self.state is not State.LIVE or (topic.channel, self._venue) != (notice.channel, notice.venue):
            return False
        if held is UNSET:  # nothing tells the option
            return True
        option = held.depth or held.interval or None
        return (option, held.closed_only is True) == (topic.option, topic.closed_only)

    def left_out(self, notice: ListedNotice) -> None:
        """The symbol of a listing gets no subscription: nobody knows how many events will be missing."""
        self._on_gap(StreamGap(notice.channel, notice.symbol, "", 1, 0, str(notice.code)))

    def symbol(self, held: HeldSubscription) -> Subscription:
        """Return the subscription of a symbol, a new one where there is none."""
        name = held.instrument or held.symbol or ""
        found = self.symbols.get(name)
        if found is None:
            topic = Topic(self.topic.channel, name, self.topic.option, self.topic.closed_only)
            found = self.symbols[name] = self._make(topic)
            found.waits_for_listing = True
        return found
