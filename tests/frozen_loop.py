"""An event loop whose time stands still while anything is ready, and is set ahead where it would wait.

Work takes no time in it at all. So a gateway and its client in this process do the same at the same
microseconds in each run, however busy the machine is. While it is held, no time passes at all: what needs
threads, such as the start of a gateway and its HTTP API, can be done then.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import TypeVar

from tests.skipping_loop import SkippingLoop, SkippingSelector

HELD_S = 0.005
Result = TypeVar("Result")


class FrozenLoop(SkippingLoop):
    """Time passes only where it would wait."""

    def __init__(self) -> None:
        self.is_held = True
        """Whether it really waits, and no time passes."""
        super().__init__(_FrozenSelector)

    def monotonic_ns(self) -> int:
        """Return monotonic time: what was skipped."""
        return self._begin_ns + self.skipped_ns

    def date_ns(self) -> int:
        """Return the date: the start's, and what was skipped."""
        return self._begin_date_ns + self.skipped_ns


class _FrozenSelector(SkippingSelector):
    def select(  # type: ignore[explicit-any] # a key's data
        self, timeout: float | None = None
    ) -> list[tuple[selectors.SelectorKey, int]]:
        assert isinstance(self._loop, FrozenLoop)
        if self._loop.is_held:
            return self.look(HELD_S if timeout is None else min(HELD_S, timeout))
        return super().select(timeout)


def run(coroutine: Coroutine[None, None, Result]) -> Result:
    """Run it in a loop of this kind, which is held at first."""
    with asyncio.Runner(loop_factory=FrozenLoop) as runner:
        return runner.run(coroutine)
