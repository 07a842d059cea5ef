"""CPU time and resident memory of another process."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Self

import msgspec

_SCHEDULED = 2  # the kernel's CPUCLOCK_SCHED: user and system time of all threads, in nanoseconds


class NoSuchProcessError(LookupError):
    """There is no such process, or it may not be measured."""

    def __init__(self, pid: int) -> None:
        super().__init__(f"no process {pid} that may be looked into")
        self.pid = pid


def cpu_seconds(pid: int) -> float:
    """Return user and system seconds of all threads of the process, ended threads included.

    /proc/PID/stat has the same sum, but in hundredths of a second. Raises NoSuchProcessError.
    """
    try:
        return time.clock_gettime(~pid << 3 | _SCHEDULED)
    except OSError as error:
        raise NoSuchProcessError(pid) from error


def resident_bytes(pid: int) -> int:
    """Return the process's resident memory, counted page by page. Raises NoSuchProcessError."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError as error:
        raise NoSuchProcessError(pid) from error
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("Rss:"))


class Memory(msgspec.Struct, frozen=True):
    """Resident bytes of a process before and after, and the growth for each of its connections."""

    before_bytes: int
    after_bytes: int
    growth_per_connection: float

    @classmethod
    def since(cls, before_bytes: int, pid: int, connections: int) -> Self:
        """Return how much the process has grown since it had ``before_bytes``. Raises NoSuchProcessError."""
        after = resident_bytes(pid)
        return cls(before_bytes, after, (after - before_bytes) / max(1, connections))
