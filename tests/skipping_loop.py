"""An event loop in which waiting takes no time, with real sockets.

Where nothing is ready, a loop waits until its next timer is due. This one skips that wait: its time is set
ahead. So minutes of silence, bans and pauses pass in milliseconds, in the same order as without skipping.
It is for tests whose both sides are in this process, with clocks that follow the loop's time.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from typing import TypeVar, TypeVarTuple, Unpack

from floorwire.clock import Clock

GRACE_S = 0.0003
"""How long sockets may take until what was written on one side can be read on the other."""
Result = TypeVar("Result")
Arguments = TypeVarTuple("Arguments")


class SkippingLoop(asyncio.SelectorEventLoop):
    """It does not skip while a thread works for it."""

    def __init__(self) -> None:
        self.skipped_ns = 0
        self.threads = 0
        super().__init__(_SkippingSelector(self))

    def time(self) -> float:
        """Return the loop's time in seconds, what was skipped included."""
        return super().time() + self.skipped_ns / 1e9

    def monotonic_ns(self) -> int:
        """Return monotonic time, what was skipped included."""
        return time.monotonic_ns() + self.skipped_ns

    def date_ns(self) -> int:
        """Return the date, what was skipped included."""
        return time.time_ns() + self.skipped_ns

    def clock(self) -> Clock:
        """Make a clock that follows this loop's time."""
        return Clock(self.monotonic_ns, self.date_ns)

    def run_in_executor(
        self,
        executor: Executor | None,
        func: Callable[[Unpack[Arguments]], Result],
        *args: *Arguments,
    ) -> asyncio.Future[Result]:
        """Count the threads that work."""
        self.threads += 1
        future = super().run_in_executor(executor, func, *args)
        future.add_done_callback(self._thread_ended)
        return future

    def _thread_ended(self, _: asyncio.Future[Result]) -> None:
        self.threads -= 1


class _SkippingSelector(selectors.DefaultSelector):
    def __init__(self, loop: SkippingLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(  # type: ignore[explicit-any] # a key's data
        self, timeout: float | None = None
    ) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout <= GRACE_S or self._loop.threads:
            return super().select(timeout)
        ready = super().select(GRACE_S)
        if not ready:
            self._loop.skipped_ns += int((timeout - GRACE_S) * 1e9)
        return ready


def run(coroutine: Coroutine[None, None, Result]) -> Result:
    """Run it in a loop of this kind."""
    with asyncio.Runner(loop_factory=SkippingLoop) as runner:
        return runner.run(coroutine)


def running_clock() -> Clock:
    """Return a clock that follows the time of the loop that runs, of this kind or not."""
    loop = asyncio.get_running_loop()
    return loop.clock() if isinstance(loop, SkippingLoop) else Clock()
