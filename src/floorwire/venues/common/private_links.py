"""The links of an account for one purpose: one, and for some time a second one that takes its place.

``private_link`` has the life of each. An exchange that ends links by age, or after a notice, is left before:
a second link is opened, and the first one is closed when the second one has been up for ``OVERLAP_US`` and no
answer is to come on the first one. Both tell the account's events until then. So what was on its way when the
second one was subscribed is not lost.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import NamedTuple, TypeAlias

from floorwire.core.microseconds import SECOND_US
from floorwire.core.ports import Answer, Close, Open, Random, Send
from floorwire.venues.common.pending_requests import NEVER_US
from floorwire.venues.common.private_link import LinkTimes, PrivateLink, PrivateLinkState
from floorwire.venues.common.request_sequences import HttpRequest

AGE_SPREAD_S = 1_800
"""Links get old at random times within this, so that those of many accounts are not replaced at once."""
OVERLAP_US = 5 * SECOND_US
"""So long two links tell the account's events."""

Preparation: TypeAlias = Generator[HttpRequest, Answer, int | None]
"""Requests before a link opens. They return how long to wait before they are tried again; None: it opens."""


class PrivateLinkKind(NamedTuple):
    """A kind of link: what it is for, and what the exchange says about it."""

    name: str
    url: str
    times: LinkTimes
    takes_orders: bool
    """Whether requests about orders go over it."""
    ping: str = ""
    age_us: int | None = None
    """How old a link becomes before another one takes its place; None: the exchange ends none by age."""
    prepare: Callable[[], Preparation | None] | None = None
    """Returns the requests whose answers are needed to open a link; None if none is missing."""


class _Held:
    __slots__ = ("ends_us", "is_retiring", "link", "takes_requests")

    def __init__(self, link: PrivateLink) -> None:
        self.link = link
        self.ends_us = NEVER_US
        """When another link is opened to take its place."""
        self.is_retiring = False
        """Another link takes its place."""
        self.takes_requests = True
        """False: the exchange takes no new requests on it, and answers those that it has."""


class PrivateLinks:
    """At most two links of one kind. ``active`` carries the requests."""

    def __init__(self, kind: PrivateLinkKind, random: Random) -> None:
        self.kind = kind
        self._names = (kind.name, f"{kind.name}_2")
        self._random = random
        self._held = {kind.name: _Held(PrivateLink(kind.name, kind.times, random))}

    @property
    def is_up(self) -> bool:
        """Whether one of them is up."""
        return any(held.link.is_up for held in self._held.values())

    def of(self, name: str) -> PrivateLink | None:
        """Return the link with this name; None where there is none."""
        held = self._held.get(name)
        return None if held is None else held.link

    def links(self) -> list[PrivateLink]:
        """Return the links."""
        return [held.link for held in self._held.values()]

    def ready(self) -> list[PrivateLink]:
        """Return the links that are up."""
        return [link for link in self.links() if link.is_up]

    def active(self) -> str | None:
        """Return the name of the link for the next request: one that is up, a new one first."""
        retiring: str | None = None
        for held in self._held.values():
            if held.takes_requests and held.link.is_up:
                if not held.is_retiring:
                    return held.link.name
                retiring = retiring or held.link.name
        return retiring

    def opened(self, name: str, now_us: int) -> bool:
        """Record that a link is connected. Return whether that was wanted."""
        held = self._held.get(name)
        if held is None or not held.link.opened(now_us):
            return False
        if self.kind.age_us is not None:
            spread_us = self._random.randrange(0, AGE_SPREAD_S) * SECOND_US
            held.ends_us = now_us + self.kind.age_us - spread_us
        return True

    def closed(self, name: str, now_us: int) -> None:
        """Record that a link is down. It is opened again later, unless another takes its place."""
        held = self._held.get(name)
        if held is None:
            return
        held.link.lost(now_us)
        if held.is_retiring:
            del self._held[name]
        held.ends_us, held.takes_requests = NEVER_US, True

    def replace(self, name: str, *, takes_requests: bool = True) -> None:
        """Let another link take the place of this one. ``takes_requests``: whether it still does."""
        held = self._held.get(name)
        if held is None or not held.link.is_up:
            return
        held.takes_requests = held.takes_requests and takes_requests
        if not held.is_retiring and len(self._held) < len(self._names):
            held.is_retiring = True
            [other] = [one for one in self._names if one not in self._held]
            self._held[other] = _Held(PrivateLink(other, self.kind.times, self._random))

    def postpone(self, now_us: int, wait_us: int) -> None:
        """None can be opened now: what that needs did not come."""
        for link in self.links():
            link.postpone(now_us, wait_us)

    def is_opening_due(self, now_us: int) -> bool:
        """Return whether a link is to be opened now."""
        return any(
            link.state is PrivateLinkState.WAITING and link.due_us() <= now_us for link in self.links()
        )

    def due(
        self, now_us: int, *, may_open: bool, is_idle: Callable[[str], bool]
    ) -> list[Open | Send | Close]:
        """Return what is due. ``is_idle``: whether no answer is to come on the link with this name."""
        effects: list[Open | Send | Close] = []
        for held in list(self._held.values()):
            if held.link.is_up and now_us >= held.ends_us:
                self.replace(held.link.name)
            if self._leave_us(held) <= now_us and is_idle(held.link.name):
                effects += held.link.close("another link takes its place", now_us)
        for link in self.links():
            effects += self._link_due(link, now_us, may_open=may_open)
        return effects

    def _link_due(self, link: PrivateLink, now_us: int, *, may_open: bool) -> list[Open | Send | Close]:
        if link.state is PrivateLinkState.WAITING and not may_open:
            return []
        match link.due(now_us):
            case "open":
                return [link.open(self.kind.url, now_us)]
            case "ping":
                return [Send(link.name, self.kind.ping)]
            case "silent" | "not_accepted" as reason:
                return [*link.close(reason, now_us)]
            case "lost":
                self.closed(link.name, now_us)
        return []

    def _leave_us(self, held: _Held) -> int:
        """Return from when on a link may be closed, since another takes its place."""
        if not (held.is_retiring and held.link.is_up):
            return NEVER_US
        if not held.takes_requests:
            return 0
        others = [
            other.link.since_us for other in self._held.values() if other.link.is_up and other is not held
        ]
        return min(others) + OVERLAP_US if others else NEVER_US

    def due_us(self, now_us: int, *, may_open: bool) -> int:
        """Return when something is due. A link that waits for answers is closed when they have come."""
        due_us = NEVER_US
        for held in self._held.values():
            if may_open or held.link.state is not PrivateLinkState.WAITING:
                due_us = min(due_us, held.link.due_us())
            if held.link.is_up and not held.is_retiring:
                due_us = min(due_us, held.ends_us)
            if self._leave_us(held) > now_us:
                due_us = min(due_us, self._leave_us(held))
        return due_us
