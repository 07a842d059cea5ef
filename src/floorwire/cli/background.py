"""Runs something beside a command, for as long as it takes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress


@asynccontextmanager
async def in_background(run: Coroutine[object, object, None]) -> AsyncIterator[None]:
    """Run it while the body runs, then end it. Raises what it raised, if it ended before."""
    running = asyncio.create_task(run)
    try:
        yield
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
