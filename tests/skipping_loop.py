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

LOOKS = 3
"""How often it looks at the sockets before it skips. Data of the other side is there almost at once."""
Result = TypeVar("Result")
Arguments = TypeVarTuple("Arguments")


class SkippingLoop(asyncio.SelectorEventLoop):
    """Its time goes on while it works, and is set ahead where it would wait.

    Work is CPU time. On a busy machine a process stands still for seconds: that is nobody's silence here.
    """

    def __init__(self, selector: Callable[[SkippingLoop], SkippingSelector] | None = None) -> None:
        self.skipped_ns = 0
        self._begin_ns = time.monotonic_ns() - time.process_time_ns()
        self._begin_date_ns = time.time_ns() - time.process_time_ns()
        super().__init__((selector or SkippingSelector)(self))

    def time(self) -> float:
        """Return the loop's time in seconds, what was skipped included."""
        return self.monotonic_ns() / 1e9

    def monotonic_ns(self) -> int:
        """Return monotonic time, what was skipped included."""
        return self._begin_ns + time.process_time_ns() + self.skipped_ns

    def date_ns(self) -> int:
        """Return the date, what was skipped included."""
        return self._begin_date_ns + time.process_time_ns() + self.skipped_ns

    def clock(self) -> Clock:
        """Make a clock that follows this loop's time."""
        return Clock(self.monotonic_ns, self.date_ns)

    def run_in_executor(
        self,
        executor: Executor | None,
        func: Callable[[Unpack[Arguments]], Result],
        *args: *Arguments,
    ) -> asyncio.Future[Result]:
        """Do the work now, and not in a thread: nobody could say how much time passes meanwhile."""
        future: asyncio.Future[Result] = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - of the work, for whoever waits for it
            future.set_exception(error)
        return future


class SkippingSelector(selectors.DefaultSelector):
    """Skips waits, where nothing is ready."""

    def __init__(self, loop: SkippingLoop) -> None:
        super().__init__()
        self._loop = loop

    def look(  # type: ignore[explicit-any] # a key's data
        self, timeout: float | None
    ) -> list[tuple[selectors.SelectorKey, int]]:
        """Wait for so long, without skipping."""
        return super().select(timeout)

    def select(  # type: ignore[explicit-any] # a key's data
        self, timeout: float | None = None
    ) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            return self.look(None)
        for _ in range(LOOKS):
            if ready := self.look(0):
                return ready
        if timeout > 0:
            self._loop.skipped_ns += max(1, int(timeout * 1e9))  # 0 ns would be for ever
        return []


def run(coroutine: Coroutine[None, None, Result]) -> Result:
    """Run it in a loop of this kind."""
    with asyncio.Runner(loop_factory=SkippingLoop) as runner:
        return runner.run(coroutine)


def running_clock() -> Clock:
    """Return a clock that follows the time of the loop that runs, of this kind or not."""
    loop = asyncio.get_running_loop()
    return loop.clock() if isinstance(loop, SkippingLoop) else Clock()
