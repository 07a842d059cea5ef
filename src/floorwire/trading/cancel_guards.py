"""Guards: what cancels a key's orders when nobody is there: cancel on disconnect, the dead man's timer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import NamedTuple

from floorwire.clock import Clock
from floorwire.core.account_events import Guard
from floorwire.core.codes import Code
from floorwire.core.dates import Moment
from floorwire.protocol.desk_ports import DeskClient
from floorwire.protocol.trading_requests import MAX_GRACE_S


class GuardOwner(NamedTuple):
    """Whose orders: those that an account placed with one key."""

    account: str
    key: str


class GuardTimer(NamedTuple):
    """One that runs, in monotonic time, and what a ``Guard`` says of it."""

    handle: asyncio.TimerHandle
    ends_us: int
    """When it is up, in monotonic time."""
    kept_us: int
    """The date at which a grace is over; how long a dead man has."""


def owner(client: DeskClient) -> GuardOwner:
    """Return whose orders the client's guards cancel."""
    principal = client.principal
    return GuardOwner(principal.account, principal.key)


class CancelGuards:
    """Timers on the event loop. ``cancel``: called when one is up, with the code that says which; ``keep``:
    whenever a key's guard may be another."""

    def __init__(
        self,
        clock: Clock,
        cancel: Callable[[GuardOwner, Code], None],
        keep: Callable[[GuardOwner, Guard], None],
    ) -> None:
        self._clock = clock
        self._cancel = cancel
        self._keep = keep
        self._watching: dict[GuardOwner, dict[DeskClient, int]] = {}
        """The graces of connections, by whom they had signed in as when they asked."""
        self._asked: dict[DeskClient, set[GuardOwner]] = {}
        self._graces: dict[GuardOwner, GuardTimer] = {}
        self._deadmen: dict[GuardOwner, GuardTimer] = {}
        self._has_begun = False

    def begin(self, kept: Mapping[GuardOwner, Guard]) -> list[GuardOwner]:
        """Take up the guards of a process before this one, once; return whose grace is over.

        To it every connection is gone, just now; and dead men have all their time again.
        """
        if self._has_begun:
            return []
        self._has_begun = True
        return [whose for whose, guard in kept.items() if self._take_up(whose, guard)]

    def _take_up(self, whose: GuardOwner, guard: Guard) -> bool:
        """Return whether its grace is over."""
        at = self._clock.moment()
        if guard.deadman_us is not None:
            self._arm(whose, guard.deadman_us)
        if guard.grace_us is not None:
            self._expect(whose, guard.grace_us, at)
        if guard.cancels_us is not None:
            # It is a date. Where the clock was set back since, it is far off: no grace is longer than this.
            most_us = MAX_GRACE_S * 1_000_000
            self._expect(whose, min(guard.cancels_us - at.wall_us, most_us), at, guard.cancels_us)
        grace = self._graces.get(whose)
        if grace is None or grace.ends_us > at.now_us:
            return False
        self._disarm(self._graces, whose)
        return True

    def owners(self) -> list[GuardOwner]:
        """Return who has any guard."""
        return sorted(self._watching.keys() | self._graces.keys() | self._deadmen.keys())

    def of(self, whose: GuardOwner) -> Guard:
        """Return what guards a key's orders."""
        graces, grace, deadman = self._watching.get(whose), self._graces.get(whose), self._deadmen.get(whose)
        return Guard(
            min(graces.values()) if graces else None,
            None if grace is None else grace.kept_us,
            None if deadman is None else deadman.kept_us,
        )

    def armed(self) -> dict[str, int]:
        """Return how many there are: connections that were promised it, graces and timers that run."""
        return {
            "disconnect": sum(map(len, self._watching.values())),
            "grace": len(self._graces),
            "deadman": len(self._deadmen),
        }

    # --- what clients ask ---------------------------------------------------------------------------

    def watch(self, client: DeskClient, grace_us: int) -> None:
        """Cancel when the client is gone for so long; it is back, if it was away."""
        whose = owner(client)
        self._asked.setdefault(client, set()).add(whose)
        self._watching.setdefault(whose, {})[client] = grace_us
        self._disarm(self._graces, whose)
        self._keep(whose, self.of(whose))

    def ignore(self, client: DeskClient) -> None:
        """Do not cancel when the client goes."""
        whose = owner(client)
        if whose in self._asked.get(client, ()):
            self._asked[client].remove(whose)
            self._unwatch(client, whose)
            self._keep(whose, self.of(whose))

    def left(self, client: DeskClient) -> None:
        """The client is gone: cancel when its grace is over; by the loop's next turn where it has none."""
        for whose in self._asked.pop(client, ()):
            self._expect(whose, self._unwatch(client, whose), self._clock.moment())
            self._keep(whose, self.of(whose))

    def arm(self, whose: GuardOwner, timeout_us: int) -> None:
        """Cancel unless asked again in time; 0: do not."""
        self._arm(whose, timeout_us)
        self._keep(whose, self.of(whose))

    def end(self) -> None:
        """The server goes: nobody will be there to cancel when it is time, so that it is time now."""
        gone = self._watching.keys() | self._graces.keys()
        due = self.owners()
        for timers in (self._graces, self._deadmen):
            for whose in list(timers):
                self._disarm(timers, whose)
        self._watching.clear()
        self._asked.clear()
        for whose in due:
            self._fire(whose, Code.DISCONNECTED if whose in gone else Code.DEADMAN)

    # --- parts --------------------------------------------------------------------------------------

    def _arm(self, whose: GuardOwner, timeout_us: int) -> None:
        self._disarm(self._deadmen, whose)
        if timeout_us:
            handle = self._later(self._deadmen, whose, timeout_us)
            self._deadmen[whose] = GuardTimer(handle, self._clock.monotonic_us() + timeout_us, timeout_us)

    def _expect(self, whose: GuardOwner, wait_us: int, at: Moment, kept_us: int | None = None) -> None:
        """Cancel so long after ``at``, or before, where that was said of another connection that went.

        ``kept_us``: the date of that, where it is known already.
        """
        ends_us, running = at.now_us + wait_us, self._graces.get(whose)
        if running is None or running.ends_us > ends_us:
            self._disarm(self._graces, whose)
            handle = self._later(self._graces, whose, wait_us)
            self._graces[whose] = GuardTimer(
                handle, ends_us, at.wall_us + wait_us if kept_us is None else kept_us
            )

    def _unwatch(self, client: DeskClient, whose: GuardOwner) -> int:
        """Return the grace that the client had asked for."""
        graces = self._watching[whose]
        grace_us = graces.pop(client)
        if not graces:
            del self._watching[whose]
        return grace_us

    def _later(
        self, timers: dict[GuardOwner, GuardTimer], whose: GuardOwner, wait_us: int
    ) -> asyncio.TimerHandle:
        wait_s = max(0, wait_us) / 1_000_000
        return asyncio.get_running_loop().call_later(wait_s, self._up, timers, whose)

    def _up(self, timers: dict[GuardOwner, GuardTimer], whose: GuardOwner) -> None:
        del timers[whose]
        self._fire(whose, Code.DEADMAN if timers is self._deadmen else Code.DISCONNECTED)

    def _fire(self, whose: GuardOwner, code: Code) -> None:
        self._cancel(whose, code)
        self._keep(whose, self.of(whose))

    @staticmethod
    def _disarm(timers: dict[GuardOwner, GuardTimer], whose: GuardOwner) -> None:
        timer = timers.pop(whose, None)
        if timer is not None:
            timer.handle.cancel()
