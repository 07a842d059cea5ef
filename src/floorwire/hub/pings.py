"""Pings: sends those that are due, and closes the connections that do not answer."""

from __future__ import annotations

import asyncio
from typing import Final

from floorwire.clock import Clock
from floorwire.core.codes import CloseCode
from floorwire.hub.connection import Connection
from floorwire.hub.liveness import Liveness
from floorwire.ops.loop_stalls import LoopStalls

MAX_WAIT_S: Final = 2.0
"""How long pings wait at most because the event loop stood still."""


class Pings:
    """The pings of all connections. ``run`` is its only task."""

    def __init__(self, liveness: Liveness, loop_stalls: LoopStalls, clock: Clock) -> None:
        self._liveness = liveness
        self._loop_stalls = loop_stalls
        self._clock = clock

    async def run(self) -> None:
        """Look at each slot of the timing wheel when it is due, until cancelled."""
        loop, slot_s, waits = asyncio.get_running_loop(), self._liveness.slot_us / 1e6, 0
        while True:
            due_s = loop.time() + slot_s
            await asyncio.sleep(slot_s)
            if self._loop_stalls.wait_s(due_s, loop.time()) > 0 and waits * slot_s < MAX_WAIT_S:
                waits += 1  # pongs may lie unread in the sockets
                continue
            waits = 0
            for dead in self._liveness.due(self._clock.monotonic_us()):
                assert isinstance(dead, Connection)
                dead.close(CloseCode.NO_PONG, "no pong")
