"""The private link of an account: when it opens, whether the venue has accepted it, when it is tried again.

    WAITING --- its time has come ---> OPENING --- connected ---> SIGNING_IN --- all accepted ---> UP
       ^                                  |                           |                            |
       |                                  '----- refused, or in no time, silence, a fault ---------'
       |                                                              v
       '------------------------- down ---------------------------- CLOSING

What the venue has accepted may end on a link that stays open: then it is SIGNING_IN again.

It says what is due; the adapter acts. ``LinkUp`` and ``LinkDown`` of ``core.remote_order_messages`` follow
UP.
"""

from __future__ import annotations

from enum import Enum
from typing import Literal, TypeAlias

import msgspec

from floorwire.core.microseconds import SECOND_US
from floorwire.core.ports import Close, Open, Random

LEAST_WAIT_US = SECOND_US // 2
FIRST_WAIT_US = SECOND_US
MOST_WAIT_US = 60 * SECOND_US
STEADY_US = 60 * SECOND_US
"""After a link was up for this long, the wait before the next try begins small again."""
STUCK_US = 30 * SECOND_US
"""Closing takes no longer than this."""
NEVER_US = 1 << 62

Due: TypeAlias = Literal["nothing", "open", "ping", "silent", "not_accepted", "lost"]


class PrivateLinkState(Enum):
    """What the link is doing; the module's docstring has the picture."""

    WAITING = "waiting"
    OPENING = "opening"
    SIGNING_IN = "signing_in"
    UP = "up"
    CLOSING = "closing"


class LinkTimes(msgspec.Struct, frozen=True):
    """What the venue says about silence."""

    silent_us: int
    """After this long without a message the link is closed, and opened again."""
    ping_us: int = NEVER_US
    """After this long without a message a ping is due."""
    accepted_us: int = 20 * SECOND_US
    """How long opening, and then signing in, may take."""


class PrivateLink:
    """The state of the one private link of an account."""

    def __init__(self, name: str, times: LinkTimes, random: Random) -> None:
        self.name = name
        self.state = PrivateLinkState.WAITING
        self._times = times
        self._random = random
        self.since_us = 0
        """When the link came into this state."""
        self._received_us = 0
        self._pinged_us = 0
        """When the last message came, and when the last ping was due."""
        self._next_us = 0
        """When to open it, while WAITING."""
        self._tries = 0
        """How often it went down without having been up for long."""

    @property
    def is_up(self) -> bool:
        """Whether the venue has accepted all that was asked of it."""
        return self.state is PrivateLinkState.UP

    def open(self, url: str, now_us: int) -> Open:
        """Return the request to open the link."""
        self._move(PrivateLinkState.WAITING, PrivateLinkState.OPENING, now_us)
        return Open(self.name, url)

    def opened(self, now_us: int) -> bool:
        """Record that it is connected. Return False, and change nothing, if it was not opening."""
        if self.state is not PrivateLinkState.OPENING:
            return False
        self._move(PrivateLinkState.OPENING, PrivateLinkState.SIGNING_IN, now_us)
        self._received_us = self._pinged_us = now_us
        return True

    def received(self, now_us: int) -> bool:
        """Record a message. Return whether it counts: nothing of a link that is being closed does."""
        if self.state not in (PrivateLinkState.SIGNING_IN, PrivateLinkState.UP):
            return False
        self._received_us = self._pinged_us = now_us
        return True

    def accepted(self, now_us: int) -> None:
        """The venue has accepted all that was asked of it."""
        self._move(PrivateLinkState.SIGNING_IN, PrivateLinkState.UP, now_us)

    def sign_in_again(self, now_us: int) -> None:
        """The venue has ended what it had accepted: that is asked for again on the same link."""
        self._move(PrivateLinkState.UP, PrivateLinkState.SIGNING_IN, now_us)

    def close(self, reason: str, now_us: int, wait_us: int = 0) -> list[Close]:
        """Return the request to close the link; none where it is down, or being closed, already.

        ``wait_us``: the least time until the next try.
        """
        if self.state in (PrivateLinkState.WAITING, PrivateLinkState.CLOSING):
            return []
        self._plan(now_us, wait_us)
        self._become(PrivateLinkState.CLOSING, now_us)
        return [Close(self.name, reason)]

    def postpone(self, now_us: int, wait_us: int = 0) -> None:
        """It cannot be opened now: what that needs did not come. Plan the next try."""
        if self.state is PrivateLinkState.WAITING:
            self._plan(now_us, wait_us)

    def lost(self, now_us: int) -> None:
        """Record that the link is down."""
        if self.state is PrivateLinkState.WAITING:
            return
        if self.state is not PrivateLinkState.CLOSING:
            self._plan(now_us, 0)
        self._become(PrivateLinkState.WAITING, now_us)

    def due(self, now_us: int) -> Due:
        """Return what to do now. A ping is due once until something comes."""
        if now_us < self.due_us():
            return "nothing"
        match self.state:
            case PrivateLinkState.WAITING:
                return "open"
            case PrivateLinkState.CLOSING:
                return "lost"
            case PrivateLinkState.OPENING:
                return "not_accepted"
            case PrivateLinkState.SIGNING_IN if now_us >= self.since_us + self._times.accepted_us:
                return "not_accepted"
            case PrivateLinkState.SIGNING_IN | PrivateLinkState.UP:
                return self._silence(now_us)

    def _silence(self, now_us: int) -> Due:
        if now_us >= self._received_us + self._times.silent_us:
            return "silent"
        self._pinged_us = now_us
        return "ping"

    def due_us(self) -> int:
        """Return when something is due."""
        match self.state:
            case PrivateLinkState.WAITING:
                return self._next_us
            case PrivateLinkState.CLOSING:
                return self.since_us + STUCK_US
            case PrivateLinkState.OPENING:
                return self.since_us + self._times.accepted_us
            case PrivateLinkState.SIGNING_IN:
                return min(self.since_us + self._times.accepted_us, self._silence_us())
            case PrivateLinkState.UP:
                return self._silence_us()

    def _silence_us(self) -> int:
        return min(self._pinged_us + self._times.ping_us, self._received_us + self._times.silent_us)

    def _plan(self, now_us: int, wait_us: int) -> None:
        """Choose the time of the next try: at random up to a bound that doubles, so that no crowd forms."""
        if self.is_up and now_us - self.since_us >= STEADY_US:
            self._tries = 0
        bound_us = min(FIRST_WAIT_US << self._tries, MOST_WAIT_US)
        self._tries = min(self._tries + 1, 10)
        jitter_us = int(self._random.random() * bound_us)
        self._next_us = now_us + max(LEAST_WAIT_US, jitter_us, wait_us)

    def _move(self, before: PrivateLinkState, after: PrivateLinkState, now_us: int) -> None:
        if self.state is not before:
            raise ValueError(f"{self.state.name} is not {before.name}")
        self._become(after, now_us)

    def _become(self, state: PrivateLinkState, now_us: int) -> None:
        self.state, self.since_us = state, now_us
