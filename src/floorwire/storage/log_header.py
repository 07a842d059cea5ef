"""The header of SQLite's write-ahead log: without it, a kill loses all commits in the log.

SQLite reads the header only when it opens the log. A process that has it open writes on behind a header that
somebody overwrote in place, and the next process finds no log.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import Final

from floorwire.storage.files_in_place import FileGoneError

# https://www.sqlite.org/fileformat2.html#the_write_ahead_log
HEADER_BYTES: Final = 32
MAGIC: Final = 0x377F0682
"""The last bit is 1 where checksums are of big-endian numbers."""
CHECKSUM_AT: Final = 24
WORD: Final = 0xFFFF_FFFF
_sums = struct.Struct(">II")


class LogHeader:
    """Looks at the header of a log that is open. It keeps a descriptor of its own. Raises OSError.

    SQLite has no lock on the log itself, so that to close the descriptor ends none.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def check(self) -> None:
        """Raise FileGoneError where the header is not one that SQLite wrote. Call it after the first commit.

        SQLite writes it with the first commit, and again after checkpoints: it is read a second time, since
        the first time may have been in the middle of that.
        """
        try:
            found = self._read()
            is_overwritten = not is_whole(found) and self._read() == found
        except OSError as error:
            raise FileGoneError(f"{self._path}: {error.strerror}") from None
        if is_overwritten:
            raise FileGoneError(f"{self._path} was overwritten")

    def close(self) -> None:
        """Look no longer. It may be closed already."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def _read(self) -> bytes:
        return os.pread(self._handle, HEADER_BYTES, 0)


def is_whole(header: bytes) -> bool:
    """Return whether the header has SQLite's mark and the right checksum."""
    if len(header) != HEADER_BYTES or int.from_bytes(header[:4]) & ~1 != MAGIC:
        return False
    words = struct.unpack(">6I" if header[3] & 1 else "<6I", header[:CHECKSUM_AT])
    first = second = 0
    for even, odd in zip(words[::2], words[1::2], strict=True):
        first = (first + even + second) & WORD
        second = (second + odd + first) & WORD
    return (first, second) == _sums.unpack_from(header, CHECKSUM_AT)
