"""A lock on the data folder: one server at a time uses it.

Two servers on one folder would be two markets with the same accounts. The lock is on the folder itself, so
that no file can be removed to get round it. The kernel ends it with the process, after ``kill -9`` too.
Commands such as ``floorwire keys`` do not take it: they work beside a server.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from floorwire.storage.private_files import read_start, touch_private

FILE = "server.pid"
"""File with the process id of the server that has the lock, or had it last."""
PID_BYTES = 32


class FolderInUseError(Exception):
    """Another server uses the data folder. The message says which."""


class FolderLock:
    """Held from construction to ``close``. Raises FolderInUseError, and OSError where it cannot be taken."""

    def __init__(self, folder: Path) -> None:
        self._handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.close()
            raise FolderInUseError(
                f"{folder}: another server uses this folder{_holder(folder)}; stop that one, or give this one"
                " another folder: --data, or FLOORWIRE_DATA. Several processes of one server cannot share it"
            ) from None
        except OSError:
            self.close()
            raise
        with suppress(OSError):  # on a full disk; only the message of a second server needs it
            touch_private(folder / FILE)
            (folder / FILE).write_text(f"{os.getpid()}\n")

    def close(self) -> None:
        """End the lock."""
        os.close(self._handle)


def _holder(folder: Path) -> str:
    try:
        return f" (process {int(read_start(folder / FILE, PID_BYTES))})"
    except (OSError, ValueError):
        return ""
