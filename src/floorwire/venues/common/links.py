"""WebSocket links of a venue: when each opens, when it is silent or lost, when it is tried again.

The names of links are the adapter's own. A link that the adapter never asked for is ignored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Literal, TypeAlias

from floorwire.core.microseconds import SECOND_US
from floorwire.core.ports import Activity, Close, Open
from floorwire.venues.common.backoff import Backoff, Jitter

STALE_US = 10 * SECOND_US
"""If nothing comes on an open link for this long, what came before is not current any more."""
BACKOFF_S = (1, 2, 4, 8, 16, 32, 60)
"""Seconds to wait at most before the next try, by the number of tries that failed."""
STEADY_US = 60 * SECOND_US
"""After a link was up for this long, the count of failed tries starts at zero again."""
STUCK_US = 30 * SECOND_US
"""If opening or closing takes longer than this, it is done again."""

State: TypeAlias = Literal["opening", "up", "closing", "waiting"]
Due: TypeAlias = Literal["nothing", "open", "silent", "stuck"]
Receipt: TypeAlias = Literal["ignored", "received", "active_again"]


class Link:
    """The state of one link. It says what is due; the caller acts."""

    __slots__ = (
        "_active_since_us",
        "_next_us",
        "_since_us",
        "_waits",
        "is_quiet",
        "name",
        "received_us",
        "silent_us",
        "state",
        "url",
    )

    def __init__(self, name: str, url: str, silent_us: int, jitter: Jitter) -> None:
        """``silent_us``: after this long without a message the link is closed and opened again."""
        self.name = name
        self.url = url
        self.silent_us = silent_us
        self.state: State = "waiting"
        self._since_us = 0
        """When the link came into this state."""
        self.received_us = 0
        """When the last message came."""
        self._next_us = 0
        """When to try again, while waiting."""
        self._waits = Backoff(BACKOFF_S, jitter)
        self._active_since_us = 0
        self.is_quiet = False
        """Whether nothing came for so long that what is known is not current."""

    def open(self, now_us: int) -> Open:
        """Return the request to open the link."""
        self._become("opening", now_us)
        return Open(self.name, self.url)

    def opened(self, now_us: int) -> None:
        """Record that the link is up."""
        self._become("up", now_us)
        self.received_us = self._active_since_us = now_us

    def received(self, now_us: int) -> None:
        """Record that a message came on the link."""
        self.received_us = now_us
        if self.is_quiet:
            self.is_quiet = False
            self._active_since_us = now_us

    def becomes_quiet(self, now_us: int, stale_us: int) -> bool:
        """Return True once when nothing came on the open link for ``stale_us``."""
        if self.state != "up" or self.is_quiet or now_us - self.received_us < stale_us:
            return False
        self.is_quiet = True
        return True

    def active_us(self, now_us: int) -> int:
        """Return for how long the link has been up and not quiet; 0 if it is down or quiet."""
        return now_us - self._active_since_us if self.state == "up" and not self.is_quiet else 0

    def close(self, reason: str, now_us: int) -> Close:
        """Return the request to close the link. ``lost`` follows when it is down."""
        self._become("closing", now_us)
        return Close(self.name, reason)

    def lost(self, now_us: int) -> None:
        """Record that the link is down. The wait before the next try grows with each try that failed soon."""
        if self.state == "up" and now_us - self._since_us >= STEADY_US:
            self._waits.succeeded()
        self._next_us = now_us + self._waits.next_us()
        self._become("waiting", now_us)

    def up_us(self, now_us: int) -> int:
        """Return for how long the link has been up; 0 if it is down."""
        return now_us - self._since_us if self.state == "up" else 0

    def due(self, now_us: int) -> Due:
        """Return what to do now: open it, close a silent link, or do over what is stuck."""
        match self.state:
            case "waiting":
                return "open" if now_us >= self._next_us else "nothing"
            case "up":
                return "silent" if now_us - self.received_us >= self.silent_us else "nothing"
            case "opening" | "closing":
                return "stuck" if now_us - self._since_us >= STUCK_US else "nothing"

    def _become(self, state: State, now_us: int) -> None:
        self.state = state
        self._since_us = now_us
        self.is_quiet = False


class Links:
    """All links of a venue, by name."""

    __slots__ = ("_jitter", "_links", "_may_connect", "_silent_us", "_stale_us")

    def __init__(
        self, silent_us: int, stale_us: int, may_connect: Callable[[int], bool], jitter: Jitter
    ) -> None:
        """``silent_us``: after this long without a message a link is opened again.

        ``stale_us``: after this long without a message, what came on the link is not current any more.
        ``may_connect``: takes one new connection of the rate limit; False: not now.
        """
        self._silent_us = silent_us
        self._may_connect = may_connect
        self._stale_us = stale_us
        self._jitter = jitter
        self._links: dict[str, Link] = {}

    def add(self, name: str, url: str, now_us: int) -> Open:
        """Add a link; return the request to open it."""
        link = self._links[name] = Link(name, url, self._silent_us, self._jitter)
        return link.open(now_us)

    def plan(self, name: str, url: str) -> None:
        """Add a link that ``due_opens`` opens as soon as the rate limit of new connections allows it."""
        self._links[name] = Link(name, url, self._silent_us, self._jitter)

    def due_opens(self, now_us: int) -> Iterator[Open]:
        """Yield the links to open now, as far as the rate limit of new connections allows it."""
        for link in self._links.values():
            if link.due(now_us) == "open":
                if not self._may_connect(now_us):
                    return
                yield link.open(now_us)

    def opened(self, name: str, now_us: int) -> bool:
        """Record that the link is up; return whether the adapter asked for it."""
        link = self._links.get(name)
        if link is not None:
            link.opened(now_us)
        return link is not None

    def received(self, name: str, now_us: int) -> Receipt:
        """Record a message on the link.

        Return ``ignored`` if the link is not up (its messages must not be used), and ``active_again`` if the
        link was quiet before.
        """
        link = self._links.get(name)
        if link is None or link.state != "up":
            return "ignored"
        if link.is_quiet:
            link.received(now_us)
            return "active_again"
        link.received_us = now_us
        return "received"

    def received_us(self, name: str) -> int:
        """Return when the last message came on the link; 0: never."""
        link = self._links.get(name)
        return 0 if link is None else link.received_us

    def newly_quiet(self, now_us: int) -> list[str]:
        """Return the open links that have become quiet since the last call."""
        return [link.name for link in self._links.values() if link.becomes_quiet(now_us, self._stale_us)]

    def active_us(self, name: str, now_us: int) -> int:
        """Return for how long the link has been up and not quiet; 0 if it is down or quiet."""
        link = self._links.get(name)
        return 0 if link is None else link.active_us(now_us)

    def any_active(self, names: Iterable[str] | None = None) -> bool:
        """Return whether one of these links is up and not quiet; None: one of all links."""
        links = self._links.values() if names is None else [self._links[n] for n in names if n in self._links]
        return any(link.state == "up" and not link.is_quiet for link in links)

    def close(self, name: str, reason: str, now_us: int) -> Close:
        """Return the request to close a link. It is opened again later."""
        return self._links[name].close(reason, now_us)

    def remove(self, name: str, reason: str, now_us: int) -> Close | None:
        """Forget a link; return the request to close it, None if it is down."""
        link = self._links.pop(name)
        return None if link.state == "waiting" else link.close(reason, now_us)

    def lost(self, name: str, now_us: int) -> bool:
        """Record that a link is down; return False if ``close`` had asked for that."""
        link = self._links.get(name)
        if link is None:
            return False
        was_closing = link.state == "closing"
        link.lost(now_us)
        return not was_closing

    def due_effects(self, now_us: int) -> Iterator[Open | Close]:
        """Yield what is due: open lost links again, close silent links and links that are stuck."""
        yield from self.due_opens(now_us)
        for link in list(self._links.values()):  # whoever acts on a Close may add or remove links
            match link.due(now_us):
                case "silent":
                    yield link.close("silent", now_us)
                case "stuck":
                    yield link.close("link_lost", now_us)
                case "open" | "nothing":
                    pass

    def up_us(self, name: str, now_us: int) -> int | None:
        """Return for how long the link has been up; None if it is down."""
        link = self._links.get(name)
        return link.up_us(now_us) if link is not None and link.state == "up" else None

    def __len__(self) -> int:
        return len(self._links)


class ActivityTracker:
    """When the venue last sent something, by link and by symbol.

    Only messages of the venue count. What the adapter makes itself is no sign that the venue is there.
    """

    __slots__ = ("_earlier_us", "_last_link", "_links", "_received_us")

    def __init__(self) -> None:
        self._earlier_us: dict[str, int] = {}
        """Symbol -> when its last message came before the last ``pop``."""
        self._received_us: dict[str, int] = {}
        """The same since then."""
        self._links: set[str] = set()
        self._last_link: str | None = None
        """The last one that was added."""

    def link_received(self, link: str) -> None:
        """Record a message on the link."""
        if link is not self._last_link:
            self._links.add(link)
            self._last_link = link

    def symbol_received(self, symbol: str, now_us: int) -> None:
        """Record a message of the symbol."""
        self._received_us[symbol] = now_us

    def age_us(self, symbol: str, now_us: int) -> int | None:
        """Return how long ago the last message of the symbol came; None before the first."""
        received_us = self._received_us.get(symbol, self._earlier_us.get(symbol))
        return None if received_us is None else now_us - received_us

    def pop(self) -> Iterator[Activity]:
        """Yield what was recorded since the last call, if anything, and clear it."""
        if self._links:
            yield Activity(tuple(sorted(self._links)), tuple(sorted(self._received_us)))
            self._links.clear()
            self._last_link = None
            self._earlier_us.update(self._received_us)
            self._received_us.clear()
