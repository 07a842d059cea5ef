"""The machine: which CPU is whose, and what else is running on it."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterator
from pathlib import Path

BUSY = 0.05
"""Share of a CPU above which another process is said to disturb."""


def cpu_of_load() -> int:
    """Return the CPU of the load generator."""
    return min(os.sched_getaffinity(0))


def cpu_of_server() -> int:
    """Return the CPU of the server: another one, where there is one."""
    return max(os.sched_getaffinity(0))


def description() -> str:
    """Return what figures depend on."""
    models = [
        line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")
    ]
    model = models[0] if models else platform.machine()
    return f"{model}, {os.cpu_count()} CPUs, Linux {platform.release()}, Python {platform.python_version()}"


def disturbances(seconds: float = 1.0) -> list[str]:
    """Return the other processes that use a CPU now, busiest first, with how much of it they use."""
    before = dict(_cpu_seconds())
    time.sleep(seconds)
    shares = {
        pid: (used - before.get(pid, used)) / seconds for pid, used in _cpu_seconds() if pid != os.getpid()
    }
    busy = sorted((share, pid) for pid, share in shares.items() if share > BUSY)
    return [f"{_command(pid)} (pid {pid}) uses {share:.0%} of a CPU" for share, pid in reversed(busy)]


def _cpu_seconds() -> Iterator[tuple[int, float]]:
    tick = os.sysconf("SC_CLK_TCK")
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and (lines := _lines(f"{folder}/stat")):
            fields = lines[0].rpartition(")")[2].split()
            yield int(folder.name), (int(fields[11]) + int(fields[12])) / tick


def _command(pid: int) -> str:
    lines = _lines(f"/proc/{pid}/cmdline")
    return " ".join("".join(lines).split("\0"))[:80].strip() or "a kernel thread"


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:  # the process is gone
        return []
