"""The mark: the last acknowledged record, kept beside the journal so that a lost tail does not go unseen.

SQLite drops what follows the first bad frame of its log without a word. The mark is written after the commit
and never synced: it survives kill -9, and after a power cut it may be too low, never too high.
"""

from __future__ import annotations

import mmap
import struct
from pathlib import Path

from floorwire.storage.private_files import touch_private

FILE = "journal.mark"
_pair = struct.Struct("<Qq")


class HighWaterMark:
    """A number in a file, raised at the cost of a write to memory. Raises OSError."""

    def __init__(self, path: Path) -> None:
        touch_private(path)
        with path.open("r+b") as file:
            if len(file.read()) < _pair.size:
                file.write(bytes(_pair.size))
                file.flush()
            self._map = mmap.mmap(file.fileno(), _pair.size)

    @property
    def n(self) -> int:
        """The number; 0 where none was written, or not whole."""
        return _number(self._map)

    def raise_to(self, n: int) -> None:
        """Write the number."""
        _pair.pack_into(self._map, 0, n, ~n)

    def close(self) -> None:
        """Let go of the file."""
        self._map.close()


def peek(path: Path) -> int:
    """Return the number in the file, without touching it; 0 where there is none. Raises OSError."""
    try:
        return _number(path.read_bytes()[: _pair.size])
    except FileNotFoundError:
        return 0


def _number(content: bytes | mmap.mmap) -> int:
    if len(content) < _pair.size:
        return 0
    n, inverse = _pair.unpack_from(content)
    return int(n) if inverse == ~n else 0
