"""The machine: which CPU the server and the load use, and what else runs on it."""

from __future__ import annotations

import os
import platform
import resource
import time
from collections.abc import Iterator
from pathlib import Path

from floorwire.cli.version import compiled_parts

QUIET = 0.05
"""The share of the machine that other processes may use. Above it figures cannot be compared."""
BUSY = 0.05
"""The share of a CPU above which another process is reported."""
STEADY = 1.15
"""The greatest ratio of the yardsticks before and after."""


def cpu_of_load() -> int:
    """Return the CPU of the load generator."""
    return min(os.sched_getaffinity(0))


def cpu_of_server() -> int:
    """Return the CPU of the server: another one than the load's, where there are two."""
    return max(os.sched_getaffinity(0))


def description() -> str:
    """Return the processor, system and Python that figures depend on."""
    models = [
        line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")
    ]
    model = models[0] if models else platform.machine()
    python, compiled = platform.python_version(), " and ".join(compiled_parts()) or "nothing"
    return f"{model}, {os.cpu_count()} CPUs, Linux {platform.release()}, Python {python}, {compiled} compiled"


def yardstick_ms(times: int = 5) -> float:
    """Return the least milliseconds that a fixed piece of work takes on the server's CPU now.

    A virtual CPU may share a core with one of another machine. Then everything takes half as long again, and
    neither the list of processes nor the stolen time shows it.
    """
    mine = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {cpu_of_server()})
    try:
        return 1_000 * min(_work_s() for _ in range(times))
    finally:
        os.sched_setaffinity(0, mine)


def _work_s() -> float:
    started = time.process_time()
    known: dict[int, tuple[int, int]] = {}
    for number in range(100_000):
        known[number * 7919 % 9973] = number, len(known)
    return time.process_time() - started


def disturbances(seconds: float = 1.0) -> list[str]:
    """Return the other processes that use a CPU now, the busiest first, and how much each uses."""
    before = dict(_cpu_seconds())
    time.sleep(seconds)
    shares = {
        pid: (used - before.get(pid, used)) / seconds for pid, used in _cpu_seconds() if pid != os.getpid()
    }
    busy = sorted((share, pid) for pid, share in shares.items() if share > BUSY)
    return [f"{_command(pid)} (pid {pid}) uses {share:.0%} of a CPU" for share, pid in reversed(busy)]


class OtherProcesses:
    """Measures how much of the machine other processes use, from now on."""

    def __init__(self) -> None:
        self._begin = time.monotonic()
        self._yardstick_ms = yardstick_ms()
        self._all, self._ours = _busy_seconds(), _our_seconds()

    def text(self) -> str:
        """Return one line about it. Call it when every process that we started has ended."""
        available = (time.monotonic() - self._begin) * (os.cpu_count() or 1)
        share = max(0.0, _busy_seconds() - self._all - (_our_seconds() - self._ours)) / available
        before, after = self._yardstick_ms, yardstick_ms()
        is_quiet = share <= QUIET and max(before, after) <= STEADY * min(before, after)
        warning = "" if is_quiet else " **Disturbed: measure again on a quiet machine.**"
        return (
            f"Others used {share:.0%} of the machine meanwhile; "
            f"the yardstick took {before:.1f} ms before, {after:.1f} after.{warning}"
        )


def _busy_seconds() -> float:
    user, nice, system, _idle, _iowait, irq, softirq, steal = _lines("/proc/stat")[0].split()[1:9]
    return sum(map(int, (user, nice, system, irq, softirq, steal))) / os.sysconf("SC_CLK_TCK")


def _our_seconds() -> float:
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(used.ru_utime + used.ru_stime for used in both)


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
