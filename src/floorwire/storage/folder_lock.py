"""A lock on the data folder: one server at a time uses it.

Two servers on one folder would be two markets with the same accounts. The kernel ends the lock with the
process, after ``kill -9`` too. Commands such as ``floorwire keys`` do not take it: they work beside a server.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from floorwire.storage.private_files import FILE_MODE

FILE = "server.lock"
_PID_BYTES = 20


class FolderInUseError(Exception):
    """Another server uses the data folder. The message says which."""


class FolderLock:
    """Held from construction to ``close``. Raises FolderInUseError, and OSError where it cannot be taken."""

    def __init__(self, folder: Path) -> None:
        handle = os.open(folder / FILE, os.O_RDWR | os.O_CREAT, FILE_MODE)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(handle, _PID_BYTES).decode("ascii", "replace").strip()
            os.close(handle)
            raise FolderInUseError(
                f"{folder}: another server uses this folder (process {holder}); stop that one, or take"
                " another folder with --data. One process serves a folder: not with --workers"
            ) from None
        except OSError:
            os.close(handle)
            raise
        self._handle = handle
        os.ftruncate(handle, 0)
        os.pwrite(handle, b"%d\n" % os.getpid(), 0)

    def close(self) -> None:
        """End the lock. The file stays: to remove it could end the lock of a server that starts just now."""
        os.close(self._handle)
