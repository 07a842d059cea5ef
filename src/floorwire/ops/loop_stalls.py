"""Stalls: notices that the event loop stood still, and lets it read its input before timers judge.

A process that is stopped (SIGSTOP), a machine that is suspended or overloaded, or one long computation holds
the loop. When it goes on, all timers that became due are late. What clients sent meanwhile is still unread,
such as the request that would have set a dead man's timer again. The loop may run timers before it reads.
"""

from __future__ import annotations

import asyncio

import structlog

from floorwire.ops.stats import Stats

TICK_S = 0.1
"""Seconds between two measurements."""
STALL_S = 0.25
"""A timer that is so late tells of a stall."""
SETTLE_S = 0.5
"""How long after a stall timers wait, so that the loop reads what came meanwhile."""
MAX_WAITS = 3
"""How often in a row one timer waits. A loop that stalls all the time must not keep it from judging."""
LOGGED_S = 1.0
"""Each stall that is so long is logged."""
SAMPLED_S = 0.1
"""Stalls from here to LOGGED_S are logged together. It is twenty times what one turn of long work takes, so
something held the loop. A tenth of it is usual on a busy machine: the histogram of the lag has that."""
SAMPLE_S = 60.0
"""Seconds between two lines about these."""

log = structlog.get_logger("floorwire.loop")


class LoopStalls:
    """The stalls of the event loop. Its times are ``loop.time()``, in seconds."""

    def __init__(self, stats: Stats) -> None:
        self._stats = stats
        self._settled_s = 0.0
        """Until then, input may be unread."""
        self._next_line_s = 0.0
        """From then on, the next short stall is logged, with those since the line before."""
        self._short_ones = 0
        self._longest_s = 0.0
        """Short stalls that no line has told of yet, and the longest of them."""

    def wait_s(self, due_s: float, now_s: float) -> float:
        """Return how long a timer that was due at ``due_s`` has to wait before it judges; 0: not at all."""
        if now_s - due_s >= STALL_S:
            self._settled_s = max(self._settled_s, now_s + SETTLE_S)
        return max(0.0, self._settled_s - now_s)

    async def run(self) -> None:
        """Measure, count and log stalls, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due_s = loop.time() + TICK_S
            await asyncio.sleep(TICK_S)
            self._observe(due_s, loop.time())

    def _observe(self, due_s: float, now_s: float) -> None:
        late_s = now_s - due_s
        self.wait_s(due_s, now_s)
        if late_s >= STALL_S:
            self._stats.loop_stalls += 1
            self._stats.loop_stalled_us += round(late_s * 1_000_000)
        if late_s >= LOGGED_S:
            log.warning(
                "the event loop stood still; timers wait until input is read", seconds=round(late_s, 3)
            )
        elif late_s >= SAMPLED_S:
            self._sample(late_s, now_s)

    def _sample(self, late_s: float, now_s: float) -> None:
        self._short_ones += 1
        self._longest_s = max(self._longest_s, late_s)
        if now_s >= self._next_line_s:
            log.warning(
                "the event loop was held", times=self._short_ones, longest_seconds=round(self._longest_s, 3)
            )
            self._short_ones, self._longest_s = 0, 0.0
            self._next_line_s = now_s + SAMPLE_S
