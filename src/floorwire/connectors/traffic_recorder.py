"""Records what a venue's connector does: it is told each message and request, both ways.

Records wait in memory and are written each second by a thread, so a disk that stalls holds up nothing else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from floorwire.connectors import recording_format
from floorwire.connectors.recording_format import (
    LeftOut,
    LinkClosed,
    LinkOpened,
    Received,
    Record,
    RecordingEnded,
    RequestAnswered,
    Requested,
    Sent,
)
from floorwire.connectors.recording_secrets import has_secret, without_secrets
from floorwire.connectors.recording_writer import RecordingWriter
from floorwire.core.venue_traffic import RecordingCounts

FLUSH_S: Final = 1.0
MAX_WAITING_BYTES: Final = 64 * 1024 * 1024
"""If so much waits for the disk, further records are left out and counted, until what waits is taken."""
LINE_BYTES: Final = 64
"""What a line costs in memory besides its text."""


class TrafficRecorder:
    """Fits ``ConnectorTap``. It records from ``start`` to ``end``; after a fault of the disk nothing."""

    def __init__(
        self,
        writer: RecordingWriter,
        stamp_us: Callable[[], int],
        on_fault: Callable[[OSError], None] = lambda _: None,
        max_waiting: int = MAX_WAITING_BYTES,
    ) -> None:
        """``stamp_us``: the date, which never goes back. ``on_fault`` is called once, in the thread."""
        self.counts = RecordingCounts()
        self.fault: OSError | None = None
        self._writer = writer
        self._stamp_us = stamp_us
        self._on_fault = on_fault
        self._max_waiting = max_waiting
        self._is_recording = False
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._lost = 0
        """Records that were left out since the last line."""
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="recorder")

    def start(self) -> None:
        """Begin the first file, and record from now on. Raises OSError."""
        self._thread.submit(self._writer.start_file, self._stamp_us()).result()
        self._is_recording = True

    async def run(self) -> None:
        """Write each second, until cancelled. ``end`` comes after it."""
        while True:
            await asyncio.sleep(FLUSH_S)
            await asyncio.wrap_future(self._thread.submit(self._write, self._taken(), self._stamp_us()))

    def flush(self) -> None:
        """Write what waits, now, and wait for that."""
        self._thread.submit(self._write, self._taken(), self._stamp_us()).result()

    def end(self) -> None:
        """Write what waits and the end, and close the file. Again: nothing happens."""
        if not self._is_recording:
            return
        self._is_recording = False
        last = [*self._taken(), recording_format.encode(RecordingEnded(self._stamp_us()))]
        self._thread.submit(self._write, last, self._stamp_us())
        self._thread.submit(self._close)
        self._thread.shutdown(wait=True)

    # --- called by the connector ------------------------------------------------------------------

    def opened(self, link: str, url: str) -> None:
        """A WebSocket opened."""
        self._put(LinkOpened(self._stamp_us(), link, without_secrets(url)))

    def received(self, link: str, message: bytes) -> None:
        """The venue sent a message."""
        text, data = _text(message)
        if self._put(Received(self._stamp_us(), link, text, data)):
            self.counts.messages += 1

    def sent(self, link: str, text: str) -> None:
        """We sent a message."""
        is_hidden = has_secret(text)
        self._put(Sent(self._stamp_us(), link, "" if is_hidden else text, is_hidden))

    def closed(self, link: str, reason: str) -> None:
        """A WebSocket was lost or closed."""
        self._put(LinkClosed(self._stamp_us(), link, reason))

    def requested(self, method: str, url: str) -> None:
        """We sent a request."""
        self._put(Requested(self._stamp_us(), method, without_secrets(url)))

    def answered(self, url: str, status: int, body: bytes) -> None:
        """A request was answered, or got no answer: status 0."""
        text, data = _text(body)
        self._put(RequestAnswered(self._stamp_us(), without_secrets(url), status, text, data))

    # --- the queue and the thread -----------------------------------------------------------------

    def _put(self, record: Record) -> bool:
        """Queue a record; return False where it is left out."""
        if not self._is_recording or self.fault is not None:
            return False
        if self._waiting_bytes > self._max_waiting:
            self.counts.left_out += 1
            self._lost += 1
            return False
        line = recording_format.encode(record)
        self._waiting.append(line)
        self._waiting_bytes += len(line) + LINE_BYTES
        return True

    def _taken(self) -> list[bytes]:
        """Return what waits. Where records were left out, a line says so."""
        if self._lost:
            self._waiting.append(recording_format.encode(LeftOut(self._stamp_us(), self._lost)))
            self._lost = 0
        taken, self._waiting = self._waiting, []
        self._waiting_bytes = 0
        return taken

    def _write(self, lines: list[bytes], at_us: int) -> None:
        self._guard(lambda: self._writer.append(lines, at_us))

    def _close(self) -> None:
        self._guard(self._writer.close)

    def _guard(self, write: Callable[[], None]) -> None:
        if self.fault is not None:
            return
        try:
            write()
        except OSError as error:
            self.fault = error
            self.counts.is_failed = True
            self._on_fault(error)


def _text(message: bytes) -> tuple[str, bytes]:
    """Return a message as text, or as bytes where it is no UTF-8."""
    try:
        return message.decode(), b""
    except UnicodeDecodeError:
        return "", message
