"""Writes lines that the process can do without: its log, and what it tells the person who started it.

Nobody may read them any more: a terminal is closed, ``head`` has ended, a disk is full. Then the line is lost
and counted. The work that had something to say goes on.
"""

from __future__ import annotations

import threading
from typing import Protocol


class TextFile(Protocol):
    """What lines are written to."""

    def write(self, text: str, /) -> int: ...

    def flush(self) -> None: ...


class LineWriter:
    """Writes to a file that may be closed or broken. Threads may share it."""

    def __init__(self, file: TextFile | None) -> None:
        """``file``: None where the process was started without one, as after ``2>&-``."""
        self._file = file
        self._lock = threading.Lock()
        self.lost = 0
        """Texts that could not be written."""

    def write(self, text: str) -> None:
        """Write whole lines at once, or lose them."""
        with self._lock:
            try:
                if self._file is None:
                    self.lost += 1
                else:
                    self._file.write(text)
                    self._file.flush()
            except (OSError, ValueError):  # ValueError: the file is closed
                self.lost += 1
