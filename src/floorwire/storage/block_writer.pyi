"""Writes one block of a file and syncs it, in a thread that never needs the interpreter's lock."""

class Writer:
    """What ``start`` returns. Opaque."""

def start(fd: int, event_fd: int, /) -> Writer:
    """Start a writer. The eventfd is written when a block is on the disk, or its write failed."""

def begin(writer: Writer, block: bytes, /) -> bool:
    """Begin to write a block. Return False where the last write is not done, or it is too long."""

def outcome(writer: Writer, /) -> int:
    """Return errno of the last write; 0: it is on the disk; -1: it is not done."""

def discard(writer: Writer, /) -> None:
    """Overwrite the block with zeros when it is written."""

def stop(writer: Writer, /) -> None:
    """End the thread, after what it was asked to do. From then on every use of it raises ValueError."""
