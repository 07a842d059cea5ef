"""The mark: the last acknowledged record, kept beside the journal so that a lost tail does not go unseen.

SQLite drops what follows the first bad frame of its log without a word. The mark is written after the commit
and never synced: it survives kill -9, and after a power cut it may be too low, never too high.

The mark also tells whether the journal beside it is the one that it was written for, and not an older copy
that was put back. It holds the inode number of the journal, the time at which an empty file beside it was
made (its ctime, which no copy keeps), and the last record that a commit was begun for: the journal cannot
have come further since.
"""

from __future__ import annotations

import mmap
import struct
from pathlib import Path

from floorwire.storage.private_files import touch_private

FILE = "journal.mark"
MADE_FILE = "journal.made"
"""Empty, and never changed: its ctime is when the folder got it."""
_pair = struct.Struct("<Qq")
_begun = struct.Struct("<Q")
_files = struct.Struct("<QQ")
_BEGUN_AT = _pair.size
_FILES_AT = _BEGUN_AT + _begun.size
_SIZE = _FILES_AT + _files.size


class HighWaterMark:
    """A number in a file, raised at the cost of a write to memory. Raises OSError."""

    def __init__(self, path: Path) -> None:
        touch_private(path)
        with path.open("r+b") as file:
            length = len(file.read())
            if length < _SIZE:
                file.write(bytes(_SIZE - length))
                file.flush()
            self._map = mmap.mmap(file.fileno(), _SIZE)
        made = path.with_name(MADE_FILE)
        touch_private(made)
        self._made_ns = made.stat().st_ctime_ns
        self._files: tuple[int, int] | None = None
        """What ``raise_to`` has to note, once, of the files as they are now."""

    def continues(self, journal: Path, last_n: int) -> bool:
        """Return whether the journal, whose last record this is, is the one that the mark was written for.

        False where the mark is missing or older, or where the files were copied: then the journal may be an
        older one that was put back, and what came after it is lost.
        """
        self._files = journal.stat().st_ino, self._made_ns
        files = _files.unpack_from(self._map, _FILES_AT)
        if not any(files):  # written by a version that did not note them
            return self.n == last_n
        (begun_n,) = _begun.unpack_from(self._map, _BEGUN_AT)
        return files == self._files and self.n <= last_n <= max(self.n, begun_n)

    @property
    def n(self) -> int:
        """The number; 0 where none was written, or not whole."""
        return _number(self._map)

    def begin(self, n: int) -> None:
        """Note that a commit up to this record is under way."""
        _begun.pack_into(self._map, _BEGUN_AT, n)

    def raise_to(self, n: int) -> None:
        """Write the number; from then on the mark is of the files as they are now."""
        _pair.pack_into(self._map, 0, n, ~n)
        if self._files is not None:
            _files.pack_into(self._map, _FILES_AT, *self._files)
            self._files = None

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
