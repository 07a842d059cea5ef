"""Worker threads for files and databases. All of them exist from the start.

An executor starts its threads when they are first needed. Where a process may start no more threads, a
checkpoint or a sign-in would then fail hours later.
"""

from __future__ import annotations

import errno
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Final

FILE_THREADS: Final = 4
"""Threads of the event loop for short work on files: keys, the audit log, snapshots, certificates."""


def start(name: str, count: int = 1) -> ThreadPoolExecutor:
    """Return an executor whose threads run already. Raises OSError where they cannot be started."""
    executor = ThreadPoolExecutor(count, name)
    all_run = Barrier(count + 1)
    try:
        for _ in range(count):
            executor.submit(all_run.wait)
    except RuntimeError:
        all_run.abort()
        executor.shutdown()
        raise OSError(errno.EAGAIN, f"no thread can be started for {name}: see ulimit -u") from None
    all_run.wait()
    return executor
