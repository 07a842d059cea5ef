"""Timers of cancel guards: cancel on disconnect, and the dead man's timer. ``guard_cancels`` cancels."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import NamedTuple

from floorwire.clock import Clock
from floorwire.core.account_events import Guard
from floorwire.core.codes import Code
from floorwire.core.dates import Moment
from floorwire.ops.loop_stalls import MAX_WAITS, LoopStalls
from floorwire.protocol.desk_ports import DeskClient
from floorwire.protocol.trading_requests import MAX_GRACE_S


class GuardOwner(NamedTuple):
    """The owner of guarded orders: an account and the key that placed them."""

    account: str
    key: str


class GuardTimer(NamedTuple):
    """A running timer, and what the journal keeps of it."""

    handle: asyncio.Handle
    ends_us: int
    """When it fires (monotonic microseconds)."""
    journalled_us: int
    """Of a grace: the date of its end. Of a dead man's timer: its length. In microseconds."""
    length_us: int | None = None
    """Of a grace: its length; None where an earlier version did not keep it."""
    waits: int = 0
    """How often it was due, and waited because the event loop had stood still."""


class _Due(NamedTuple):
    """A timer that the event loop runs at ``at_s``, by its own time."""

    timers: dict[GuardOwner, GuardTimer]
    owner: GuardOwner
    at_s: float


def owner_of(client: DeskClient) -> GuardOwner:
    """Return the owner of the orders that the client's guards cancel."""
    principal = client.principal
    return GuardOwner(principal.account, principal.key)


class GuardTimers:
    """Timers on the event loop.

    ``cancel`` is called when a guard fires, with the code of the cancel: ``DISCONNECTED`` or ``DEADMAN``.
    ``save`` is called when the guard of an owner may have changed. After a stall of the event loop, a timer
    that is due waits until the loop has read its input: it may set the timer again.
    """

    def __init__(
        self,
        clock: Clock,
        cancel: Callable[[GuardOwner, Code], None],
        save: Callable[[GuardOwner, Guard], None],
        loop_stalls: LoopStalls,
    ) -> None:
        self._clock = clock
        self._cancel = cancel
        self._save = save
        self._loop_stalls = loop_stalls
        self._connection_graces: dict[GuardOwner, dict[DeskClient, int]] = {}
        """By owner: its connections with cancel on disconnect, each with its grace in microseconds."""
        self._owners_of_client: dict[DeskClient, set[GuardOwner]] = {}
        self._grace_timers: dict[GuardOwner, GuardTimer] = {}
        self._deadman_timers: dict[GuardOwner, GuardTimer] = {}
        self._is_restored = False

    def restore(self, guards: Mapping[GuardOwner, Guard]) -> list[GuardOwner]:
        """Restore the guards of an earlier process, once. Return owners whose grace is over.

        All connections count as lost now, and dead man's timers start again at their full length.
        """
        if self._is_restored:
            return []
        self._is_restored = True
        return [owner for owner, guard in guards.items() if self._restore(owner, guard)]

    def _restore(self, owner: GuardOwner, guard: Guard) -> bool:
        """Return whether the grace of the owner is over."""
        at = self._clock.moment()
        if guard.deadman_us is not None:
            self._start_deadman(owner, guard.deadman_us)
        if guard.grace_us is not None:
            self._start_grace(owner, guard.grace_us, at)
        if guard.cancels_us is not None:
            # A date: where the clock was set back since, it is too far off. The grace is no longer than this.
            most_us = MAX_GRACE_S * 1_000_000 if guard.length_us is None else guard.length_us
            self._start_grace(owner, min(guard.cancels_us - at.wall_us, most_us), at, guard)
        grace = self._grace_timers.get(owner)
        if grace is None or grace.ends_us > at.now_us:
            return False
        self._stop_timer(self._grace_timers, owner)
        return True

    def owners(self) -> list[GuardOwner]:
        """Return the owners that have any guard."""
        return sorted(
            self._connection_graces.keys() | self._grace_timers.keys() | self._deadman_timers.keys()
        )

    def guard_of(self, owner: GuardOwner) -> Guard:
        """Return the guard of the owner, as it is journalled."""
        graces, grace, deadman = (
            self._connection_graces.get(owner),
            self._grace_timers.get(owner),
            self._deadman_timers.get(owner),
        )
        return Guard(
            min(graces.values()) if graces else None,
            None if grace is None else grace.journalled_us,
            None if deadman is None else deadman.journalled_us,
            None if grace is None else grace.length_us,
        )

    def armed(self) -> dict[str, int]:
        """Return the number of guards by kind, for the metrics."""
        return {
            "disconnect": sum(map(len, self._connection_graces.values())),
            "grace": len(self._grace_timers),
            "deadman": len(self._deadman_timers),
        }

    # --- requests of clients ------------------------------------------------------------------------

    def enable_disconnect(self, client: DeskClient, grace_us: int) -> None:
        """Cancel on disconnect: cancel ``grace_us`` after the connection ends. Stops a running grace."""
        owner = owner_of(client)
        self._owners_of_client.setdefault(client, set()).add(owner)
        self._connection_graces.setdefault(owner, {})[client] = grace_us
        self._stop_timer(self._grace_timers, owner)
        self._save(owner, self.guard_of(owner))

    def disable_disconnect(self, client: DeskClient) -> None:
        """Turn cancel on disconnect off for the client."""
        owner = owner_of(client)
        if owner in self._owners_of_client.get(client, ()):
            self._owners_of_client[client].remove(owner)
            self._remove_grace(client, owner)
            self._save(owner, self.guard_of(owner))

    def on_disconnect(self, client: DeskClient) -> None:
        """The connection ended: cancel when the grace is over; without grace in the loop's next turn."""
        for owner in self._owners_of_client.pop(client, ()):
            self._start_grace(owner, self._remove_grace(client, owner), self._clock.moment())
            self._save(owner, self.guard_of(owner))

    def set_deadman(self, owner: GuardOwner, timeout_us: int) -> None:
        """Dead man's timer: cancel unless this is called again within ``timeout_us``; 0 turns it off."""
        self._start_deadman(owner, timeout_us)
        self._save(owner, self.guard_of(owner))

    def fire_all(self) -> None:
        """The process ends: fire all guards now, because no timer will run later."""
        gone = self._connection_graces.keys() | self._grace_timers.keys()
        due = self.owners()
        for timers in (self._grace_timers, self._deadman_timers):
            for owner in list(timers):
                self._stop_timer(timers, owner)
        self._connection_graces.clear()
        self._owners_of_client.clear()
        for owner in due:
            self._fire(owner, Code.DISCONNECTED if owner in gone else Code.DEADMAN)

    # --- parts --------------------------------------------------------------------------------------

    def _start_deadman(self, owner: GuardOwner, timeout_us: int) -> None:
        self._stop_timer(self._deadman_timers, owner)
        if timeout_us:
            handle = self._call_later(self._deadman_timers, owner, timeout_us)
            self._deadman_timers[owner] = GuardTimer(
                handle, self._clock.monotonic_us() + timeout_us, timeout_us
            )

    def _start_grace(
        self, owner: GuardOwner, wait_us: int, at: Moment, journalled: Guard | None = None
    ) -> None:
        """Cancel ``wait_us`` after ``at``, unless an earlier grace of the owner is running.

        ``journalled``: the guard of an earlier process that has the end of the grace.
        """
        ends_us, running = at.now_us + wait_us, self._grace_timers.get(owner)
        if running is None or running.ends_us > ends_us:
            self._stop_timer(self._grace_timers, owner)
            handle = self._call_later(self._grace_timers, owner, wait_us)
            if journalled is not None and journalled.cancels_us is not None:
                kept = journalled.cancels_us, journalled.length_us
            else:
                kept = at.wall_us + wait_us, wait_us
            self._grace_timers[owner] = GuardTimer(handle, ends_us, *kept)

    def _remove_grace(self, client: DeskClient, owner: GuardOwner) -> int:
        """Remove the client's grace, and return it in microseconds."""
        graces = self._connection_graces[owner]
        grace_us = graces.pop(client)
        if not graces:
            del self._connection_graces[owner]
        return grace_us

    def _call_later(
        self, timers: dict[GuardOwner, GuardTimer], owner: GuardOwner, wait_us: int
    ) -> asyncio.Handle:
        loop, wait_s = asyncio.get_running_loop(), max(0, wait_us) / 1_000_000
        return loop.call_later(wait_s, self._on_timer, _Due(timers, owner, loop.time() + wait_s))

    def _on_timer(self, due: _Due) -> None:
        timers, owner, at_s = due
        loop, timer = asyncio.get_running_loop(), timers[owner]
        now_s = loop.time()
        wait_s = self._loop_stalls.wait_s(at_s, now_s)
        if wait_s > 0 and timer.waits < MAX_WAITS:
            handle = loop.call_later(wait_s, self._on_timer, _Due(timers, owner, now_s + wait_s))
            timers[owner] = timer._replace(handle=handle, waits=timer.waits + 1)
            return
        del timers[owner]
        self._fire(owner, Code.DEADMAN if timers is self._deadman_timers else Code.DISCONNECTED)

    def _fire(self, owner: GuardOwner, code: Code) -> None:
        self._cancel(owner, code)
        self._save(owner, self.guard_of(owner))

    @staticmethod
    def _stop_timer(timers: dict[GuardOwner, GuardTimer], owner: GuardOwner) -> None:
        timer = timers.pop(owner, None)
        if timer is not None:
            timer.handle.cancel()
