"""A client's rhythm: as many rounds a minute at the end as at the beginning, also on a busy machine."""

from __future__ import annotations

import asyncio


class Pace:
    """Rounds begin ``period_s`` apart. One that is late is made up for."""

    def __init__(self, period_s: float) -> None:
        self._period_s = period_s
        self._due_s = asyncio.get_running_loop().time()

    async def wait(self) -> None:
        """Wait for the next round."""
        self._due_s += self._period_s
        await asyncio.sleep(max(0.0, self._due_s - asyncio.get_running_loop().time()))
