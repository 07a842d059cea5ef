"""Guards: what cancels a key's orders when nobody is there: cancel on disconnect, the dead man's timer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import NamedTuple

from floorwire.protocol.counter import Client


class Owner(NamedTuple):
    """Whose orders: those that an account placed with one key."""

    account: str
    key: str


def owner(client: Client) -> Owner:
    """Return whose orders the client's guards cancel."""
    principal = client.principal
    return Owner(principal.account, principal.key)


class Guards:
    """Timers on the event loop. ``cancel``: what is called when one is up."""

    def __init__(self, cancel: Callable[[Owner], None]) -> None:
        self._cancel = cancel
        self._on_disconnect: dict[Client, float] = {}
        self._graces: dict[Owner, asyncio.TimerHandle] = {}
        self._deadmen: dict[Owner, asyncio.TimerHandle] = {}

    def watch(self, client: Client, grace_s: float) -> None:
        """Cancel when the client is gone for so long; it is back, if it was away."""
        self._on_disconnect[client] = grace_s
        self._disarm(self._graces, owner(client))

    def ignore(self, client: Client) -> None:
        """Do not cancel when the client goes."""
        self._on_disconnect.pop(client, None)

    def left(self, client: Client) -> None:
        """The client is gone: cancel, at once or when its grace is over."""
        grace_s = self._on_disconnect.pop(client, None)
        if grace_s is None:
            return
        whose = owner(client)
        self._disarm(self._graces, whose)
        if grace_s:
            self._graces[whose] = self._later(self._graces, whose, grace_s)
        else:
            self._cancel(whose)

    def arm(self, whose: Owner, timeout_s: float) -> None:
        """Cancel unless asked again in time; 0: do not."""
        self._disarm(self._deadmen, whose)
        if timeout_s:
            self._deadmen[whose] = self._later(self._deadmen, whose, timeout_s)

    def armed(self) -> dict[str, int]:
        """Return how many there are: connections that were promised it, graces and timers that run."""
        return {
            "disconnect": len(self._on_disconnect),
            "grace": len(self._graces),
            "deadman": len(self._deadmen),
        }

    def end(self) -> None:
        """The server goes: nobody will be there to cancel when it is time, so that it is time now."""
        due = {owner(client) for client in self._on_disconnect} | self._graces.keys() | self._deadmen.keys()
        for timers in (self._graces, self._deadmen):
            for whose in list(timers):
                self._disarm(timers, whose)
        self._on_disconnect.clear()
        for whose in sorted(due):
            self._cancel(whose)

    def _later(
        self, timers: dict[Owner, asyncio.TimerHandle], whose: Owner, seconds: float
    ) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(seconds, self._up, timers, whose)

    def _up(self, timers: dict[Owner, asyncio.TimerHandle], whose: Owner) -> None:
        del timers[whose]
        self._cancel(whose)

    @staticmethod
    def _disarm(timers: dict[Owner, asyncio.TimerHandle], whose: Owner) -> None:
        timer = timers.pop(whose, None)
        if timer is not None:
            timer.cancel()
