"""Tells the event loop when one of some files is removed, moved or replaced (inotify, on Linux).

The kernel queues the event while a file is removed. Asking for the files' state at each commit instead would
release the interpreter's lock once more. Measured: 30 us for each commit.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import structlog

NO_INOTIFY = -1
"""The system has no inotify, or no more of it. Whoever uses the watch has to look by a timer too."""
# linux/inotify.h
IN_ATTRIB = 0x4
"""A removed file's count of names changes: IN_DELETE_SELF does not come while it is open."""
IN_MOVE_SELF = 0x800
EVENT_BYTES = 4_096

log = structlog.get_logger("floorwire.journal")


class FileWatch:
    """Watches from construction on, and calls back on the event loop after ``start``."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._handle = _open(paths)

    def start(self, on_change: Callable[[], None]) -> None:
        """Call back at each change from now on, and at one since the construction. Call it on the loop."""
        if self._handle != NO_INOTIFY and self._loop is None:
            self._loop = asyncio.get_running_loop()
            self._loop.add_reader(self._handle, self._read, on_change)

    def close(self) -> None:
        """Watch no longer. May be called in any thread."""
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(self._close_on_loop)
                return
        self._close_handle()

    def _read(self, on_change: Callable[[], None]) -> None:
        with suppress(BlockingIOError):
            os.read(self._handle, EVENT_BYTES)
        on_change()

    def _close_on_loop(self) -> None:
        if self._loop is not None and self._handle != NO_INOTIFY:
            self._loop.remove_reader(self._handle)
        self._close_handle()

    def _close_handle(self) -> None:
        if self._handle != NO_INOTIFY:
            os.close(self._handle)
            self._handle = NO_INOTIFY


def _open(paths: Iterable[Path]) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "inotify_init1"):
        return NO_INOTIFY
    handle = int(libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))
    watched = handle != NO_INOTIFY and all(
        libc.inotify_add_watch(handle, os.fsencode(path), IN_ATTRIB | IN_MOVE_SELF) >= 0 for path in paths
    )
    if not watched:
        log.warning("files are looked for once a second only", error=os.strerror(ctypes.get_errno()))
        if handle != NO_INOTIFY:
            os.close(handle)
        return NO_INOTIFY
    return handle
