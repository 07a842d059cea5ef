"""The drain: how a server ends. Nobody new comes, orders are answered, and everybody is closed at a pace."""

from __future__ import annotations

import asyncio
from typing import Final

import structlog

from floorwire.clock import Clock
from floorwire.core.codes import CloseCode
from floorwire.core.notices import DrainBegun
from floorwire.hub.hub import Hub
from floorwire.trading.desk import Desk

STEP_S: Final = 0.05
"""Time between two groups of connections that are closed."""

log = structlog.get_logger("floorwire.server")


class Drain:
    """The drain of one gateway. ``within_s``: how long it may take."""

    def __init__(self, desk: Desk, hub: Hub, clock: Clock, within_s: float) -> None:
        self._desk = desk
        self._hub = hub
        self._clock = clock
        self._within_s = within_s
        self.has_begun = False
        self.is_hurried = False
        """Whether it waits for nothing any more, and closes all connections at once."""

    async def run(self) -> None:
        """Notify clients to reconnect. Then close their connections, paced evenly over the time. Once.

        None is closed before the orders that were accepted until now are durable and answered, unless that
        takes as long.
        """
        if self.has_begun:
            return
        self.has_begun = True
        log.info("draining: no new orders or connections; clients are told to reconnect")
        self._desk.drain()
        self._hub.notify(DrainBegun(max(1, round(self._within_s)), self._clock.stamp_us()))
        self._hub.flush()
        left_s = await self._answer_all()
        steps = max(1, round(left_s / STEP_S))
        for step in range(steps, 0, -1):
            if not self._hub.subscribers:
                return
            await asyncio.sleep(STEP_S)
            share = -(-len(self._hub.subscribers) // (1 if self.is_hurried else step))
            for subscriber in list(self._hub.subscribers)[:share]:
                subscriber.close(CloseCode.RESTART, "restart: reconnect")

    async def _answer_all(self) -> float:
        """Wait until all orders so far are durable and answered. Return what is left of the time."""
        loop = asyncio.get_running_loop()
        end_s = loop.time() + self._within_s
        try:
            async with asyncio.timeout_at(end_s):
                await self._desk.when_answered()
        except TimeoutError:
            log.warning("draining: the disk stalls, so the last orders are not answered")
        return max(0.0, end_s - loop.time())
