"""The intent file: one block for what may happen before the journal has a record of it.

A commit of the journal begins when its records are made, and costs more than a block. An intent is known
before: the disk writes it while the records are made. When it is on the disk, what it is about may happen.
``docs/journal.md`` has its rules.
"""

from __future__ import annotations

import asyncio
import os
import struct
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from zlib import crc32

import structlog

from floorwire.storage.journal import OnWritten
from floorwire.storage.private_files import sync_folder, touch_private

try:  # block_writer.c, where it could be compiled
    from floorwire.storage.block_writer import begin, discard, outcome, start, stop

    IS_COMPILED = True
except ImportError:
    IS_COMPILED = False
if TYPE_CHECKING:
    from floorwire.storage.block_writer import Writer

log = structlog.get_logger("floorwire.journal")

FILE = "journal.intent"
BLOCK_BYTES = 4_096
COUNTER_BYTES = 8
_head = struct.Struct("<IQI")
"""The checksum of what follows it, the last record when the intent was written, the intent's length."""
CHECKSUM_BYTES = 4
MOST_BYTES = BLOCK_BYTES - _head.size
"""The longest intent."""


class IntentFile:
    """The file, and the thread that writes it: of ``block_writer.c``, since Python's would wait for the loop.

    The file is made with its block on the disk. Raises OSError.
    """

    def __init__(self, path: Path) -> None:
        touch_private(path)
        self._handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        self._eventfd = -1
        try:
            self._found = os.pread(self._handle, BLOCK_BYTES, 0)
            if len(self._found) < BLOCK_BYTES:
                whole = self._found.ljust(BLOCK_BYTES, b"\0")  # a cut file keeps its intent
                os.pwrite(self._handle, whole, 0)
                os.fsync(self._handle)
                sync_folder(path.parent)
            if IS_COMPILED:  # at once, so that no file descriptor is needed later
                self._eventfd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        except BaseException:
            os.close(self._handle)
            raise
        self._writer: Writer | None = None
        """Its thread starts with the first intent: servers without live orders need none."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._on_written: OnWritten | None = None
        self._has_failed = False
        """Whether the thread could not be started."""

    def read(self, last_n: int) -> bytes | None:
        """Return the intent that the file had when it was opened, if no record followed it.

        ``last_n``: the last record of the journal.
        """
        return decode(self._found, last_n)

    def write(self, last_n: int, intent: bytes, on_written: OnWritten) -> bool:
        """Begin to write an intent; return whether that is possible. Call it on the event loop only.

        ``last_n``: the last record, which is durable. It is not possible while another one is written, after
        ``close``, and where the writer is not compiled or its thread could not be started.
        """
        if self._on_written is not None or len(intent) > MOST_BYTES or self._handle < 0:
            return False
        writer = self._writer or self._start()
        if writer is None or not begin(writer, encode(last_n, intent)):
            return False
        self._on_written = on_written
        return True

    def discard(self) -> None:
        """Nothing happens: overwrite the intent. This is not synced: after a power cut it may be back."""
        if self._writer is not None:
            discard(self._writer)

    def close(self) -> None:
        """End the thread and close the file. It may be closed already, and in any thread."""
        writer, self._writer = self._writer, None  # first: the loop must not use one that is stopped
        handle, self._handle = self._handle, -1
        eventfd, self._eventfd = self._eventfd, -1
        if writer is not None:
            stop(writer)
        if eventfd >= 0:
            self._close_eventfd(eventfd)
        if handle >= 0:
            os.close(handle)

    def _start(self) -> Writer | None:
        """Start the thread; return None where that failed, now or before."""
        if not IS_COMPILED or self._has_failed:
            return None
        self._loop = asyncio.get_running_loop()
        try:
            self._writer = start(self._handle, self._eventfd)
        except OSError as error:
            self._has_failed = True
            log.warning("orders leave after their records, not after their intents", error=str(error))
            return None
        self._loop.add_reader(self._eventfd, self._wake, self._eventfd)
        return self._writer

    def _wake(self, eventfd: int) -> None:
        """``eventfd`` is open until ``_stop_reading``, also where another thread has called ``close``."""
        os.read(eventfd, COUNTER_BYTES)
        on_written, self._on_written = self._on_written, None
        writer = self._writer
        if on_written is not None and writer is not None:
            on_written(outcome(writer) == 0)

    def _close_eventfd(self, eventfd: int) -> None:
        loop = self._loop
        if loop is not None:
            with suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(_stop_reading, loop, eventfd)
                return
        os.close(eventfd)


def _stop_reading(loop: asyncio.AbstractEventLoop, eventfd: int) -> None:
    loop.remove_reader(eventfd)
    os.close(eventfd)


def encode(last_n: int, intent: bytes) -> bytes:
    """Return the start of the block."""
    content = _head.pack(0, last_n, len(intent))[CHECKSUM_BYTES:] + intent
    return crc32(content).to_bytes(CHECKSUM_BYTES, "little") + content


def decode(block: bytes, last_n: int) -> bytes | None:
    """Return the block's intent; None where there is none, it is torn, or a record came after it."""
    if len(block) < _head.size:
        return None
    checksum, found_n, size = _head.unpack_from(block)
    content = block[CHECKSUM_BYTES : _head.size + size]
    if not size or found_n != last_n or crc32(content) != checksum:
        return None
    return content[_head.size - CHECKSUM_BYTES :]
