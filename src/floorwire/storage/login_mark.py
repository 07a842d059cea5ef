"""The login mark: which signed logins may have been used, durable before a login counts.

One file of two slots, of a fixed size, so that a full disk does not stop it. States are written into the
slots by turns. A crash can spoil the slot that is being written, and the other one is still whole. A login
of a spoiled state did not count.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path
from threading import Lock
from zlib import crc32

import msgspec
import structlog

from floorwire.auth.replay_cache import UsedLogins
from floorwire.storage.private_files import sync_folder, touch_private

FILE = "logins.mark"
MAGIC = b"FWLM"
HEAD = struct.Struct(">4sQII")
"""Magic, the number of the state, the size of its data, and the checksum of both numbers and the data."""
SLOT_BYTES = 32_768
FILE_BYTES = 2 * SLOT_BYTES

log = structlog.get_logger("floorwire.logins")


class LoginMark:
    """The open file. ``used``: what it held; None where it is damaged. Raises OSError."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._handle = _open(self._path)
        self._writing = Lock()
        self._number, self.used = self._read()

    def write(self, used: UsedLogins) -> None:
        """Write the state, and return when it is on disk. Blocks. Raises OSError."""
        with self._writing:
            self._write(used)

    def _write(self, used: UsedLogins) -> None:
        if not os.fstat(self._handle).st_nlink:  # the file was removed, and the next start would not find it
            os.close(self._handle)
            self._handle = _open(self._path)
        self._number += 1
        data = _encoded(self._number, used)
        written = os.pwrite(self._handle, data, self._number % 2 * SLOT_BYTES)
        if written != len(data):
            raise OSError(f"{self._path}: {written} of {len(data)} bytes were written")
        os.fdatasync(self._handle)

    def close(self) -> None:
        """Close the file, when nobody writes it any more."""
        with self._writing:
            os.close(self._handle)
            self._handle = -1

    def _read(self) -> tuple[int, UsedLogins | None]:
        content = os.pread(self._handle, FILE_BYTES, 0)
        slots = [content[:SLOT_BYTES], content[SLOT_BYTES:]]
        states = [state for state in map(_decoded, slots) if state is not None]
        if states:
            return max(states, key=lambda state: state[0])
        if any(content):
            log.error("the used logins cannot be read: none is accepted for 30 s", file=str(self._path))
            return 0, None
        return 0, UsedLogins(0, ())


def _open(path: Path) -> int:
    touch_private(path)
    handle = os.open(path, os.O_RDWR)
    missing = FILE_BYTES - os.fstat(handle).st_size
    if missing > 0:  # new, or a crash cut it: all of it is allocated now
        os.pwrite(handle, bytes(missing), FILE_BYTES - missing)
        os.fsync(handle)
        sync_folder(path.parent)
    return handle


def _encoded(number: int, used: UsedLogins) -> bytes:
    data = msgspec.msgpack.encode(used)
    if HEAD.size + len(data) > SLOT_BYTES:
        raise OSError(f"{len(used.later)} logins do not fit into a slot")
    return HEAD.pack(MAGIC, number, len(data), _checksum(number, data)) + data


def _decoded(slot: bytes) -> tuple[int, UsedLogins] | None:
    """Return the number of the state and the state, or None where there is no whole one."""
    if len(slot) < HEAD.size:
        return None
    magic, number, size, checksum = HEAD.unpack_from(slot)
    data = slot[HEAD.size : HEAD.size + size]
    if magic != MAGIC or len(data) != size or checksum != _checksum(number, data):
        return None
    try:
        return number, msgspec.msgpack.decode(data, type=UsedLogins)
    except msgspec.MsgspecError:
        return None


def _checksum(number: int, data: bytes) -> int:
    return crc32(data, crc32(struct.pack(">QI", number, len(data))))
