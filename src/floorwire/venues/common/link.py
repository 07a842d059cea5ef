"""A line: one WebSocket link's life, from asked for to up, lost, and asked for again."""

from __future__ import annotations

from typing import Literal, TypeAlias

from floorwire.core.ports import Close, Open

SECOND_US = 1_000_000
STALE_US = 10 * SECOND_US
"""How long nothing may come on an open link until what came is not current any more."""
BACKOFF_S = (1, 2, 4, 8, 16, 32, 60)
"""How long to wait before the next try, by the number of tries that failed."""
STEADY_US = 60 * SECOND_US
"""A link that was up this long has proved itself: the next try comes soon again."""
STUCK_US = 30 * SECOND_US
"""How long opening or closing may take before it is done over."""

State: TypeAlias = Literal["opening", "up", "closing", "waiting"]
Due: TypeAlias = Literal["nothing", "open", "silent", "stuck"]


class Link:
    """One link by its name and address; says what is due and never acts by itself."""

    __slots__ = (
        "_heard_us",
        "_next_us",
        "_since_us",
        "_speaks_since_us",
        "_tries",
        "is_quiet",
        "link",
        "silent_us",
        "state",
        "url",
    )

    def __init__(self, link: str, url: str, silent_us: int) -> None:
        self.link = link
        self.url = url
        self.silent_us = silent_us
        self.state: State = "waiting"
        self._since_us = 0
        self._heard_us = 0
        self._next_us = 0
        self._tries = 0
        self._speaks_since_us = 0
        self.is_quiet = False
        """Whether nothing came for so long that what is known is not current."""

    def open(self, now_us: int) -> Open:
        """Ask for the link."""
        self._become("opening", now_us)
        return Open(self.link, self.url)

    def opened(self, now_us: int) -> None:
        """The link is up."""
        self._become("up", now_us)
        self._heard_us = self._speaks_since_us = now_us

    def heard(self, now_us: int) -> None:
        """Something came on the link."""
        self._heard_us = now_us
        if self.is_quiet:
            self.is_quiet = False
            self._speaks_since_us = now_us

    def becomes_quiet(self, now_us: int, stale_us: int) -> bool:
        """Return whether nothing came on the open link for ``stale_us``, and this was not returned before."""
        if self.state != "up" or self.is_quiet or now_us - self._heard_us < stale_us:
            return False
        self.is_quiet = True
        return True

    def speaks_us(self, now_us: int) -> int:
        """Return for how long the link has been up and not quiet, 0 where it is not."""
        return now_us - self._speaks_since_us if self.state == "up" and not self.is_quiet else 0

    def close(self, reason: str, now_us: int) -> Close:
        """Give the link up; ``lost`` follows when it is down."""
        self._become("closing", now_us)
        return Close(self.link, reason)

    def lost(self, now_us: int) -> None:
        """The link is down: wait, longer each time that it did not last."""
        if self.state == "up" and now_us - self._since_us >= STEADY_US:
            self._tries = 0
        self._next_us = now_us + BACKOFF_S[self._tries] * SECOND_US
        self._tries = min(self._tries + 1, len(BACKOFF_S) - 1)
        self._become("waiting", now_us)

    def up_us(self, now_us: int) -> int:
        """Return for how long the link has been up, 0 where it is not."""
        return now_us - self._since_us if self.state == "up" else 0

    def due(self, now_us: int) -> Due:
        """Return what is due: the next try, or an end to silence or to waiting for the shell."""
        match self.state:
            case "waiting":
                return "open" if now_us >= self._next_us else "nothing"
            case "up":
                return "silent" if now_us - self._heard_us >= self.silent_us else "nothing"
            case "opening" | "closing":
                return "stuck" if now_us - self._since_us >= STUCK_US else "nothing"

    def _become(self, state: State, now_us: int) -> None:
        self.state = state
        self._since_us = now_us
        self.is_quiet = False
