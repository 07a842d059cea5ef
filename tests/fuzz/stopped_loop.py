"""An event loop whose time stands still: its timers never fire, and those that are armed can be listed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextvars import Context
from typing import TypeVarTuple, Unpack

Args = TypeVarTuple("Args")

TURNS = 60
"""Turns after which whatever still runs waits for something that does not come by itself."""


PATIENCE_MS = 5_000
SHORT_S = 0.1
"""A timer this short ends by itself. picows has one, for its close frame to leave."""


class StoppedLoop(asyncio.SelectorEventLoop):
    """Keeps each timer that is armed, and each exception that nobody caught."""

    def __init__(self) -> None:
        super().__init__()
        self.broken: list[object] = []
        self._timers: list[asyncio.TimerHandle] = []
        self.set_exception_handler(lambda _, context: self.broken.append(context))

    def time(self) -> float:
        """Return the same time always."""
        return 1_000.0

    def call_at(
        self,
        when: float,
        callback: Callable[[Unpack[Args]], object],
        *args: *Args,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """Arm a timer, and keep it."""
        timer = super().call_at(when, callback, *args, context=context)
        self._timers.append(timer)
        return timer

    def armed(self) -> list[asyncio.TimerHandle]:
        """Return the timers that are not cancelled, but for short ones."""
        soon = self.time() + SHORT_S
        return [timer for timer in self._timers if not timer.cancelled() and timer.when() > soon]

    def forget_timers(self) -> None:
        """Cancel what is left. Nothing would ever free it: time stands still."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()


async def settle() -> int:
    """Let everything run until only what waits is left. Return how many tasks wait."""
    for _ in range(TURNS):
        await asyncio.sleep(0)
        if _others() == 0:
            await asyncio.sleep(0)  # callbacks that the last task left behind
            await asyncio.sleep(0)
            if _others() == 0:
                break
    return _others()


async def settle_all() -> int:
    """Do the same, and wait for threads too. Return how many tasks are left after seconds."""
    for _ in range(PATIENCE_MS):
        if await settle() == 0:
            break
        time.sleep(0.001)
    return _others()


def _others() -> int:
    return len(asyncio.all_tasks()) - 1
