"""Keeps what the C library's allocator holds close to what is in use (glibc).

By default glibc answers a freed large block by taking blocks of that size from its heap from then on, and
gives each thread a heap of its own. What was once needed for a moment, such as a snapshot, then stays between
small blocks that live long, and the process holds more after each such moment.
"""

from __future__ import annotations

import ctypes
from typing import Final

# mallopt(3): the names and numbers of its parameters.
M_MMAP_THRESHOLD: Final = -3
M_ARENA_MAX: Final = -8
OWN_MAPPING_BYTES: Final = 131_072
"""A block from this size on gets pages of its own, which go back to the system when it is freed. It is the
value that glibc begins with; to set it keeps it."""
HEAPS: Final = 1


def configure() -> bool:
    """Set it for this process, before threads start. Return False where the C library is another one."""
    library = ctypes.CDLL(None)
    if not hasattr(library, "gnu_get_libc_version"):
        return False
    options = ((M_MMAP_THRESHOLD, OWN_MAPPING_BYTES), (M_ARENA_MAX, HEAPS))
    return all(library.mallopt(name, value) for name, value in options)
