"""Whether open files are still where they were opened, and as long.

A file that was removed or replaced goes on to work for the process that has it open. What the process writes
there is gone when it ends. SQLite does not notice that its write-ahead log is gone, or was cut in place.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path


class FileGoneError(Exception):
    """A file was removed, moved, replaced, cut or overwritten while it was open. The message names it."""


class FilesInPlace:
    """Some files, as they are at construction. They may grow. Raises OSError."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self._files = [(str(path), os.stat(path)) for path in paths]

    def check(self) -> None:
        """Raise FileGoneError where one is no longer there, is another file, or is shorter than it was."""
        for path, opened in self._files:
            try:
                found = os.stat(path)
            except FileNotFoundError:
                raise FileGoneError(f"{path} was removed") from None
            except OSError as error:
                raise FileGoneError(f"{path}: {error.strerror}") from None
            if (found.st_dev, found.st_ino) != (opened.st_dev, opened.st_ino):
                raise FileGoneError(f"{path} was replaced by another file")
            if found.st_size < opened.st_size:
                raise FileGoneError(f"{path} was cut to {found.st_size} bytes")
