"""Sessions of Binance's WebSocket API: one, and for some time a second one that takes its place.

``common.private_link`` has the life of each link. A session signs in by comparing the clocks and then
subscribing to the account's events. It is ready while its link is up and its events come. A stream that ended
is requested again on the same link.

A session ends after 24 hours, or earlier after a notice. So a second one is opened before, and the first one
is closed when the second one is ready and no answer is to come on the first one.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from floorwire.core.ports import Close, Open, Random
from floorwire.venues.common.private_link import SECOND_US, LinkTimes, PrivateLink, PrivateLinkState

NAMES = ("orders", "orders_2")
URL = "wss://ws-api.binance.com:443"
PATH = "/ws-api/v3"
HOSTS = {
    "stream.binance.com": "ws-api.binance.com",
    "stream.testnet.binance.vision": "ws-api.testnet.binance.vision",
    "demo-stream.binance.com": "demo-ws-api.binance.com",
}
"""Hosts of market data, and those of orders beside them."""
TIMES = LinkTimes(silent_us=60 * SECOND_US)
"""An answer to ``time`` comes twice in this time."""
AGE_US = 23 * 3_600 * SECOND_US
"""Binance ends a session after 24 hours."""


def session_url(ws_url: str) -> str:
    """Return where sessions are opened. ``ws_url``: may be where market data comes from."""
    if not ws_url:
        return URL + PATH
    parts = urlsplit(ws_url)
    host = HOSTS.get(parts.hostname or "")
    if host is not None:
        parts = parts._replace(netloc=host)
    return parts.geturl().rstrip("/") + PATH


class Session:
    """One connection."""

    def __init__(self, name: str, random: Random) -> None:
        self.link = PrivateLink(name, TIMES, random)
        self.is_subscribed = False
        """Whether the account's events come on it."""
        self.ends_us = 0
        """When another session is opened to take its place."""
        self.is_retiring = False
        """Another session takes its place."""

    @property
    def name(self) -> str:
        """Its link."""
        return self.link.name

    @property
    def is_ready(self) -> bool:
        """Whether requests go over it."""
        return self.link.is_up and self.is_subscribed

    @property
    def is_open(self) -> bool:
        """Whether it is connected."""
        return self.link.state in (PrivateLinkState.SIGNING_IN, PrivateLinkState.UP)

    def subscribed(self, now_us: int) -> None:
        """Record that the account's events come."""
        if not self.is_open:
            return
        self.is_subscribed = True
        if not self.link.is_up:
            self.link.accepted(now_us)

    def close(self, reason: str, now_us: int) -> list[Close]:
        """Return the request to close it, unless it is down or closing already."""
        self.is_subscribed = False
        return self.link.close(reason, now_us)


class OrderSessions:
    """The sessions of one account. ``active`` carries the requests."""

    def __init__(self, url: str, random: Random) -> None:
        self._url = url
        self._random = random
        self._by_name: dict[str, Session] = {}

    def of(self, name: str) -> Session | None:
        """Return the session of a link; None where there is none."""
        return self._by_name.get(name)

    def active(self) -> Session | None:
        """Return the session for the next request: one that is ready, a new one first."""
        return min(self.ready(), key=lambda session: session.is_retiring, default=None)

    def start(self, now_us: int) -> Open:
        """Open the first session."""
        return self._add(NAMES[0], now_us)

    def opened(self, name: str, now_us: int) -> Session | None:
        """Record that a link is up. Return its session; None where nobody wanted it."""
        session = self._by_name.get(name)
        if session is None or not session.link.opened(now_us):
            return None
        # so that not all sessions of many accounts are replaced at once
        session.ends_us = now_us + AGE_US - self._random.randrange(0, 1_800) * SECOND_US
        return session

    def closed(self, name: str, now_us: int) -> None:
        """Record that a link is down. It is opened again later, unless another takes its place."""
        session = self._by_name.get(name)
        if session is None:
            return
        session.link.lost(now_us)
        session.is_subscribed = False
        if session.is_retiring:
            del self._by_name[name]

    def replace(self, session: Session, now_us: int) -> list[Open]:
        """Open another session to take the place of this one, if there is none."""
        if session.is_retiring or len(self._by_name) == len(NAMES):
            return []
        session.is_retiring = True
        [name] = [name for name in NAMES if name not in self._by_name]
        return [self._add(name, now_us)]

    def due(self, now_us: int) -> list[Open | Close]:
        """Return what is due: links to open again, links to give up, a session that gets old."""
        effects: list[Open | Close] = []
        for session in list(self._by_name.values()):
            match session.link.due(now_us):
                case "open":
                    effects.append(session.link.open(self._url, now_us))
                case "silent" | "not_accepted" as reason:
                    effects += session.close(reason, now_us)
                case "lost":
                    self.closed(session.name, now_us)
                case _ if session.is_ready and now_us >= session.ends_us:
                    effects += self.replace(session, now_us)
                case _:
                    pass
        return effects

    def retired(self) -> list[Session]:
        """Return the sessions whose place another one has taken."""
        active = self.active()
        if active is None or active.is_retiring:
            return []
        return [one for one in self._by_name.values() if one.is_retiring and one.is_open]

    def ready(self) -> list[Session]:
        """Return the sessions that are ready."""
        return [one for one in self._by_name.values() if one.is_ready]

    def open(self) -> list[Session]:
        """Return the sessions that are connected."""
        return [one for one in self._by_name.values() if one.is_open]

    def _add(self, name: str, now_us: int) -> Open:
        session = self._by_name[name] = Session(name, self._random)
        return session.link.open(self._url, now_us)
