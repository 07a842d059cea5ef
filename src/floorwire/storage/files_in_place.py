"""Whether open files are still where they were opened.

A file that was removed or replaced goes on to work for the process that has it open. What the process writes
there is gone when it ends. SQLite does not notice that its write-ahead log is gone.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path


class FileGoneError(Exception):
    """A file was removed, moved or replaced while it was open. The message names it."""


class FilesInPlace:
    """Some files, as they are at construction. Raises OSError."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self._files = [(str(path), _identity(os.stat(path))) for path in paths]

    def check(self) -> None:
        """Raise FileGoneError where one is no longer there, or is another file."""
        for path, identity in self._files:
            try:
                found = _identity(os.stat(path))
            except FileNotFoundError:
                raise FileGoneError(f"{path} was removed") from None
            except OSError as error:
                raise FileGoneError(f"{path}: {error.strerror}") from None
            if found != identity:
                raise FileGoneError(f"{path} was replaced by another file")


def _identity(found: os.stat_result) -> tuple[int, int]:
    return found.st_dev, found.st_ino
