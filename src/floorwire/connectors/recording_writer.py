"""Writes the files of a recording: compressed, flushed in blocks, and rotated by size and by age.

A file is one gzip stream. Each flush ends a block (zlib's Z_SYNC_FLUSH), so what was flushed can be read
whatever happens to the process afterwards. Only a file that was closed has gzip's end: a reader says of any
other that it is cut. Files are synced to the disk when they are closed.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from floorwire.connectors import recording_format
from floorwire.connectors.recording_format import Header

BLOCK_BYTES: Final = 512 * 1024
"""After so much text a block is flushed, even within one call."""
FILE_BYTES: Final = 256 * 1_000_000
FILE_AGE_US: Final = 3_600_000_000
"""When a server that records begins a new file."""
GZIP: Final = 16 + zlib.MAX_WBITS
LEVEL: Final = 6


def session_name(venue: str) -> str:
    """Return a name for a session of the venue that begins now."""
    now = datetime.now(UTC)
    return f"{venue}-{now:%Y%m%dT%H%M%S}.{now.microsecond // 1_000:03}Z"


class RecordingWriter:
    """The files of one session. It writes in its caller's thread, and is of one thread at a time."""

    def __init__(
        self, folder: Path, venue: str, adapter: str, session: str, max_bytes: int, max_age_us: int
    ) -> None:
        """Files are rotated after ``max_bytes`` on the disk, or ``max_age_us``."""
        self.files: list[Path] = []
        self.total_bytes = 0
        """Of all files, as written."""
        self._folder = folder
        self._venue = venue
        self._adapter = adapter
        self.session = session
        self._max_bytes = max_bytes
        self._max_age_us = max_age_us
        self._descriptor: int | None = None
        self._compressor = zlib.compressobj(LEVEL, zlib.DEFLATED, GZIP)
        self._unflushed = 0
        """Bytes of text since the last flush."""
        self._size = 0
        self._started_us = 0

    def start_file(self, at_us: int) -> None:
        """End the file, if one is open, and begin the next with its header. Makes the folder.

        Raises OSError.
        """
        self.close()
        self._folder.mkdir(parents=True, exist_ok=True)
        part = len(self.files) + 1
        path = self._folder / f"{self.session}.{part:05}.jsonl.gz"
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        self.files.append(path)
        self._compressor = zlib.compressobj(LEVEL, zlib.DEFLATED, GZIP)
        self._unflushed = self._size = 0
        self._started_us = at_us
        header = Header(at_us, self._venue, self._adapter, self.session, part)
        self._write(recording_format.encode(header))
        self._flush()

    def append(self, lines: Iterable[bytes], at_us: int) -> None:
        """Write lines and flush them; begin the next file if it is due. Raises OSError."""
        for line in lines:
            self._write(line)
        self._flush()
        if self._size >= self._max_bytes or at_us - self._started_us >= self._max_age_us:
            self.start_file(at_us)

    def close(self) -> None:
        """End the file and sync it. Raises OSError."""
        if self._descriptor is None:
            return
        try:
            self._put(self._compressor.flush(zlib.Z_FINISH))
            os.fsync(self._descriptor)
        finally:
            os.close(self._descriptor)
            self._descriptor = None

    def _write(self, line: bytes) -> None:
        self._put(self._compressor.compress(line))
        self._unflushed += len(line)
        if self._unflushed >= BLOCK_BYTES:
            self._flush()

    def _flush(self) -> None:
        if self._unflushed:
            self._put(self._compressor.flush(zlib.Z_SYNC_FLUSH))
            self._unflushed = 0

    def _put(self, data: bytes) -> None:
        assert self._descriptor is not None, "start_file comes first"
        while data:
            written = os.write(self._descriptor, data)
            self._size += written
            self.total_bytes += written
            data = data[written:]
