"""Pauses of threads that work beside the event loop.

A thread that computes gives the interpreter's lock back after 5 ms. The event loop lets go of it at each
write, and would wait as long each time. So our threads sleep for a moment after each 0.3 ms of work.
"""

from __future__ import annotations

import time
from typing import Final

WORK_S: Final = 0.0003
PAUSE_S = 0.00005


class Pauses:
    """Call it often. It sleeps if the thread has worked for some time."""

    def __init__(self) -> None:
        self._since_s = time.perf_counter()

    def __call__(self) -> None:
        """Sleep, if it is time."""
        if time.perf_counter() - self._since_s > WORK_S:
            time.sleep(PAUSE_S)
            self._since_s = time.perf_counter()
