"""What ``floorwire doctor`` looks at of the machine: open files, the clock, the disk."""

from __future__ import annotations

import ctypes
import os
import resource
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from floorwire.cli.check_result import CheckResult, note, well, wrong
from floorwire.config import Settings
from floorwire.core.os_errors import reason
from floorwire.ops import file_descriptors
from floorwire.ops.file_descriptors import DescriptorPlan, TooFewDescriptorsError

FILES: Final = "open files"
CLOCK: Final = "clock"
DISK: Final = "disk"

UNSYNCHRONIZED: Final = 0x0040
"""STA_UNSYNC of adjtimex(2): nothing keeps the clock in step."""
CLOCK_ERROR_US: Final = 1_000_000
"""The kernel's own estimate may be as large as this."""

SYNCS: Final = 9
SYNC_BYTES: Final = 4_096
SLOW_SYNC_S: Final = 0.05
"""CommitsSlow of docs/operations.md has the same threshold."""
LEAST_FREE: Final = 100 << 20
GIB: Final = 1 << 30


def open_files(settings: Settings) -> CheckResult:
    """Check how many connections the limit of open files leaves room for."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)  # serve raises the other one to this
    allowed = 1 << 30 if hard == resource.RLIM_INFINITY else hard
    wanted = settings.limits.connections
    raise_it = "raise `ulimit -n`, or LimitNOFILE= in systemd"
    try:
        room = file_descriptors.plan(allowed, DescriptorPlan(wanted, 0)).connections
    except TooFewDescriptorsError as error:
        return wrong(FILES, str(error).partition(":")[0], raise_it)
    if room < wanted:
        return note(
            FILES,
            f"{allowed} leave room for {room} connections, and limits.connections is {wanted}",
            f"{raise_it}; or lower limits.connections",
        )
    return well(FILES, f"enough for limits.connections = {wanted}")


class _TimeX(ctypes.Structure):
    """The start of ``struct timex`` of Linux."""

    _fields_ = (
        ("modes", ctypes.c_int),
        ("offset", ctypes.c_long),
        ("frequency", ctypes.c_long),
        ("max_error", ctypes.c_long),
        ("estimated_error", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 512),
    )
    status: int
    max_error: int


def clock() -> CheckResult:
    """Check whether something keeps the system's clock in step, as far as the kernel knows."""
    todo = "start chrony or systemd-timesyncd; on a virtual machine, look at the host"
    if not sys.platform.startswith("linux"):
        return well(CLOCK, "only Linux tells whether it is kept in step")
    state = _TimeX()
    if ctypes.CDLL(None).adjtimex(ctypes.byref(state)) < 0:
        return note(CLOCK, "the system does not tell whether its clock is kept in step", todo)
    if state.status & UNSYNCHRONIZED:
        return note(
            CLOCK, "nothing keeps it in step: signed logins and deadlines may be refused (clock_skew)", todo
        )
    if state.max_error > CLOCK_ERROR_US:
        return note(CLOCK, f"it may be off by {state.max_error / 1e6:.1f} s", todo)
    return well(CLOCK, f"kept in step, to {state.max_error / 1e3:.0f} ms at worst")


def disk(settings: Settings) -> CheckResult:
    """Check the free space where the data folder is, and how long a write takes to be durable."""
    folder = existing(Path(settings.data).expanduser())
    try:
        free = shutil.disk_usage(folder).free
        sync_s = _sync_s(folder)
    except OSError as error:
        return wrong(DISK, f"{folder}: {reason(error)}", "choose another folder with --data")
    found = f"{free / GIB:.1f} GiB free at {folder}, durable in {sync_s * 1e3:.1f} ms"
    history = settings.history
    most = history.trades_bytes + history.seconds_bytes + history.minutes_bytes + history.longer_bytes
    if free < LEAST_FREE:
        return wrong(DISK, found, "make room: the journal has to grow, or orders are refused")
    if sync_s > SLOW_SYNC_S:
        return note(DISK, found, "orders wait for that: use a faster disk; `iostat` shows who uses it")
    if history.store == "disk" and free < most:
        return note(
            DISK,
            found,
            f"market history may grow to {most / GIB:.1f} GiB: make room, or lower history.trades_bytes",
        )
    return well(DISK, found)


def existing(folder: Path) -> Path:
    """Return the folder, or what is there of the path above it."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder


def _sync_s(folder: Path) -> float:
    """Return how long it takes until a small write is durable: the median of some."""
    times = []
    with tempfile.NamedTemporaryFile(dir=folder, prefix="doctor-") as file:
        for _ in range(SYNCS):
            file.write(bytes(SYNC_BYTES))
            file.flush()
            began_s = time.perf_counter()
            os.fsync(file.fileno())
            times.append(time.perf_counter() - began_s)
    return statistics.median(times)
