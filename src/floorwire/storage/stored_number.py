"""A number in a small file. To store it is one write into blocks that the file has: it survives kill -9.

It is stored twice, each time beside its complement. A store that is cut short tears one copy only.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path

from floorwire.storage.private_files import touch_private

_pair = struct.Struct("<Qq")
PAIR_BYTES = _pair.size


class DamagedNumberError(Exception):
    """Neither of the two copies can be read, and they are not empty."""


class NumberFile:
    """A file of a fixed size, with its content in memory. Raises OSError.

    It is not mapped into memory: if somebody cuts a mapped file, the next access ends the process (SIGBUS).
    """

    def __init__(self, path: Path, size: int) -> None:
        """Open the file. It is made, or lengthened with zeros, so that it has blocks on the disk."""
        touch_private(path)
        self._handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            self.content = bytearray(os.pread(self._handle, size, 0))
            missing = size - len(self.content)
            if missing:
                self.content += bytes(missing)
                self.write()
        except BaseException:
            os.close(self._handle)
            raise

    def write(self) -> None:
        """Write the content to the file. Raises OSError.

        It is written whole, in one system call: two threads that write leave what was stored last.
        """
        written = os.pwrite(self._handle, self.content, 0)
        if written != len(self.content):
            raise OSError(f"{written} of {len(self.content)} bytes were written")

    def sync(self) -> None:
        """Return when the file is on the disk. Raises OSError."""
        os.fdatasync(self._handle)

    def close(self) -> None:
        """Close the file. It may be closed already."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1


def store(content: bytearray, first_at: int, second_at: int, n: int) -> None:
    """Set both copies, the second before the first."""
    _pair.pack_into(content, second_at, n, ~n)
    _pair.pack_into(content, first_at, n, ~n)


def load(content: bytes | bytearray, first_at: int, second_at: int) -> int:
    """Return the number; 0 where none was ever stored. Raises DamagedNumberError.

    The first copy counts where it can be read. The second may be one store ahead of it, and files of earlier
    versions have no second.
    """
    for at in (first_at, second_at):
        if len(content) >= at + PAIR_BYTES:
            n, inverse = _pair.unpack_from(content, at)
            if inverse == ~n:
                return int(n)
    if any(content[first_at : first_at + PAIR_BYTES]) or any(content[second_at : second_at + PAIR_BYTES]):
        raise DamagedNumberError
    return 0
