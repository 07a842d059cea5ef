"""Tasks that a connector runs in the background."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine

import structlog

log = structlog.get_logger("floorwire.venues")


class OwnedTasks:
    """The tasks of one venue, until they end. A fault of ours in one is logged, and ends no other."""

    __slots__ = ("_running", "_venue")

    def __init__(self, venue: str) -> None:
        self._venue = venue
        self._running: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._running)

    def start(self, run: Coroutine[object, object, None]) -> asyncio.Task[None]:
        """Run it in the background."""
        task = asyncio.get_running_loop().create_task(run)
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    def cancel(self) -> None:
        """Ask all to end."""
        for task in self._running:
            task.cancel()

    async def wait(self) -> None:
        """Wait until all have ended."""
        while self._running:
            await asyncio.wait(self._running)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("a task failed by a fault of ours", venue=self._venue, exc_info=task.exception())
