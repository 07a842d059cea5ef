"""Sessions of Binance's WebSocket API: one, and for some time a second one that takes its place.

The life of a session:

    OPENING -- up --> CLOCK -- Binance's time is known --> SUBSCRIBING -- subscribed --> READY
       ^                |                                      |   ^                       |
       |                |                                      |   '-- the stream ended ---'
       '--- after a wait, while it is the only one ------------+------ the link is down ---'

A session ends after 24 hours, or earlier after a notice. So a second one is opened before, and the first one is
closed when the second one is READY and no answer is to come on the first one.
"""

from __future__ import annotations

from enum import Enum

from floorwire.core.ports import Close, Open, Random
from floorwire.venues.common.links import SECOND_US, Link

NAMES = ("orders", "orders_2")
PATH = "/ws-api/v3"
SILENT_US = 60 * SECOND_US
"""An answer to ``time`` comes twice in this time."""
AGE_US = 23 * 3_600 * SECOND_US
"""Binance ends a session after 24 hours."""
STEP_US = 30 * SECOND_US
"""If CLOCK or SUBSCRIBING takes longer, the link is opened again."""


class SessionState(Enum):
    """The life of a session. OPENING: its link is not up."""

    OPENING = "opening"
    CLOCK = "clock"
    SUBSCRIBING = "subscribing"
    READY = "ready"


LEGAL = {
    SessionState.OPENING: {SessionState.CLOCK, SessionState.OPENING},
    SessionState.CLOCK: {SessionState.SUBSCRIBING, SessionState.OPENING},
    SessionState.SUBSCRIBING: {SessionState.READY, SessionState.OPENING},
    SessionState.READY: {SessionState.SUBSCRIBING, SessionState.OPENING},
}


class Session:
    """One connection."""

    def __init__(self, name: str, url: str) -> None:
        self.link = Link(name, url, SILENT_US)
        self.state = SessionState.OPENING
        self.since_us = 0
        """When it came into this state."""
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
        """Whether the account's events come on it."""
        return self.state is SessionState.READY and self.link.state == "up"

    def become(self, state: SessionState, now_us: int) -> None:
        """Come into a state."""
        assert state in LEGAL[self.state], (self.state, state)
        self.state, self.since_us = state, now_us


class OrderSessions:
    """The sessions of one account. ``active`` carries the requests."""

    def __init__(self, url: str, random: Random) -> None:
        self._url = url + PATH
        self._random = random
        self._by_name: dict[str, Session] = {}

    def of(self, name: str) -> Session | None:
        """Return the session of a link; None where there is none."""
        return self._by_name.get(name)

    def active(self) -> Session | None:
        """Return the session for the next request: one whose events come, a new one first."""
        return min(self.ready(), key=lambda session: session.is_retiring, default=None)

    def start(self, now_us: int) -> Open:
        """Open the first session."""
        return self._add(NAMES[0], now_us)

    def opened(self, name: str, now_us: int) -> Session | None:
        """Record that a link is up. Return its session; None where nobody wanted it."""
        session = self._by_name.get(name)
        if session is None or session.link.state != "opening":
            return None
        session.link.opened(now_us)
        session.become(SessionState.CLOCK, now_us)
        session.ends_us = now_us + AGE_US - self._random.randrange(1_800) * SECOND_US
        return session

    def closed(self, name: str, now_us: int) -> None:
        """Record that a link is down. It is opened again later, unless another takes its place."""
        session = self._by_name.get(name)
        if session is None:
            return
        if session.is_retiring:
            del self._by_name[name]
            return
        session.link.lost(now_us)
        session.become(SessionState.OPENING, now_us)

    def replace(self, session: Session, now_us: int) -> Open | None:
        """Open another session to take the place of this one, if there is none."""
        if session.is_retiring or len(self._by_name) == len(NAMES):
            return None
        session.is_retiring = True
        [name] = [name for name in NAMES if name not in self._by_name]
        return self._add(name, now_us)

    def due(self, now_us: int) -> list[Open | Close]:
        """Return what is due: links to open again, and links to give up."""
        effects: list[Open | Close] = []
        for session in list(self._by_name.values()):
            due = session.link.due(now_us)
            is_slow = (
                session.state in (SessionState.CLOCK, SessionState.SUBSCRIBING)
                and session.link.state == "up"
                and now_us - session.since_us >= STEP_US
            )
            if due == "open":
                effects.append(session.link.open(now_us))
            elif due == "silent" or is_slow:
                effects.append(session.link.close("silent", now_us))
            elif due == "stuck":
                effects.append(session.link.close("link_lost", now_us))
            elif session.is_ready and now_us >= session.ends_us:
                effects += filter(None, [self.replace(session, now_us)])
        return effects

    def retired(self) -> list[Session]:
        """Return the sessions whose place another one has taken."""
        active = self.active()
        if active is None or active.is_retiring:
            return []
        return [one for one in self._by_name.values() if one.is_retiring and one.link.state == "up"]

    def ready(self) -> list[Session]:
        """Return the sessions on which the account's events come."""
        return [one for one in self._by_name.values() if one.is_ready]

    def up(self) -> list[Session]:
        """Return the sessions whose link is up."""
        return [one for one in self._by_name.values() if one.link.state == "up"]

    def _add(self, name: str, now_us: int) -> Open:
        session = self._by_name[name] = Session(name, self._url)
        return session.link.open(now_us)
