"""A number in a memory-mapped file. Storing it is a write to memory: it needs no room, and survives kill -9.

It is stored twice, each time beside its complement. A kill in the middle of a store tears one copy only.
"""

from __future__ import annotations

import mmap
import struct
from pathlib import Path

from floorwire.storage.private_files import touch_private

_pair = struct.Struct("<Qq")
PAIR_BYTES = _pair.size


class DamagedNumberError(Exception):
    """Neither of the two copies can be read, and they are not empty."""


def open_map(path: Path, size: int) -> mmap.mmap:
    """Map the file into memory. It is made, or lengthened with zeros, so that it has blocks on the disk.

    Raises OSError.
    """
    touch_private(path)
    with path.open("r+b") as file:
        length = len(file.read())
        if length < size:
            file.write(bytes(size - length))
            file.flush()
        return mmap.mmap(file.fileno(), size)


def store(content: mmap.mmap, first_at: int, second_at: int, n: int) -> None:
    """Write both copies, the second before the first."""
    _pair.pack_into(content, second_at, n, ~n)
    _pair.pack_into(content, first_at, n, ~n)


def load(content: bytes | mmap.mmap, first_at: int, second_at: int) -> int:
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
