"""The file of the audit log: whole lines are appended, and what a full disk did not take is known.

Several processes append to it (``O_APPEND``), and an operator may move it away at any moment. So a line that
was cut off is never completed, because another process may have written after it. It stays as it is, and the
next line starts on a line of its own.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from pathlib import Path

from floorwire.storage.private_files import FILE_MODE, NOT_WAITING, check_regular


class PartlyWrittenError(OSError):
    """Only the first ``lines`` lines are in the file."""

    def __init__(self, lines: int, cause: OSError) -> None:
        super().__init__(cause.errno, cause.strerror, cause.filename)
        self.lines = lines


class AuditFile:
    """Open from the start, so that a server without a free file descriptor can write it. Raises OSError."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle = self._open()

    def append(self, lines: Sequence[bytes]) -> None:
        """Append the lines; each ends with a line feed. Raises PartlyWrittenError."""
        written = 0
        try:
            self._follow_path()
            while written < len(lines):
                written += self._write(lines[written:])
        except OSError as error:
            raise PartlyWrittenError(written, error) from None

    def close(self) -> None:
        """Close the file."""
        os.close(self._handle)

    def _open(self) -> int:
        handle = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT | NOT_WAITING, FILE_MODE)
        try:
            check_regular(os.fstat(handle), self._path)
        except OSError:
            os.close(handle)
            raise
        return handle

    def _follow_path(self) -> None:
        """Open the file again if it was moved away."""
        mine = os.fstat(self._handle)
        try:
            there = os.stat(self._path)
        except FileNotFoundError:
            there = None
        if there is None or (there.st_dev, there.st_ino) != (mine.st_dev, mine.st_ino):
            handle = self._open()
            os.close(self._handle)
            self._handle = handle

    def _write(self, lines: Sequence[bytes]) -> int:
        """Return how many lines are in the file after one write; at least one. Raises OSError."""
        before = b"" if self._ends_with_line() else b"\n"
        taken = os.write(self._handle, before + b"".join(lines)) - len(before)
        for count, line in enumerate(lines):
            taken -= len(line)
            if taken < 0:
                if count == 0:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._path))
                return count
        return len(lines)

    def _ends_with_line(self) -> bool:
        size = os.fstat(self._handle).st_size
        return size == 0 or os.pread(self._handle, 1, size - 1) == b"\n"
