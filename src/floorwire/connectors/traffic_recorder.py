"""Records what a venue's connector does: it is told each message and request, both ways."""

from __future__ import annotations

from collections.abc import Callable

from floorwire.connectors import recording_format
from floorwire.connectors.recording_format import (
    Answered,
    Ended,
    Header,
    LinkClosed,
    LinkOpened,
    Received,
    Record,
    Requested,
    Sent,
)
from floorwire.connectors.recording_secrets import has_secret, without_secrets
from floorwire.connectors.recording_writer import RecordingWriter


class TrafficRecorder:
    """Fits ``ConnectorTap``. After a fault of the disk it writes nothing more, and ``fault`` says why."""

    def __init__(
        self,
        writer: RecordingWriter,
        venue: str,
        adapter: str,
        session: str,
        stamp_us: Callable[[], int],
        on_fault: Callable[[], None],
    ) -> None:
        """``stamp_us``: the date, which never goes back. ``on_fault`` is called once. Raises OSError."""
        self.messages = 0
        """How many messages of the venue were written."""
        self.fault: OSError | None = None
        self._is_ended = False
        self._writer = writer
        self._venue = venue
        self._adapter = adapter
        self._session = session
        self._stamp_us = stamp_us
        self._on_fault = on_fault
        self._begin(stamp_us())

    # --- called by the connector ------------------------------------------------------------------

    def opened(self, link: str, url: str) -> None:
        """A WebSocket opened."""
        self._write(LinkOpened(self._stamp_us(), link, without_secrets(url)))

    def received(self, link: str, message: bytes) -> None:
        """The venue sent a message."""
        self.messages += 1
        text, data = _text(message)
        self._write(Received(self._stamp_us(), link, text, data))

    def sent(self, link: str, text: str) -> None:
        """We sent a message."""
        is_hidden = has_secret(text)
        self._write(Sent(self._stamp_us(), link, "" if is_hidden else text, is_hidden))

    def closed(self, link: str, reason: str) -> None:
        """A WebSocket was lost or closed."""
        self._write(LinkClosed(self._stamp_us(), link, reason))

    def requested(self, method: str, url: str) -> None:
        """We sent a request."""
        self._write(Requested(self._stamp_us(), method, without_secrets(url)))

    def answered(self, url: str, status: int, body: bytes) -> None:
        """A request was answered, or got no answer: status 0."""
        text, data = _text(body)
        self._write(Answered(self._stamp_us(), without_secrets(url), status, text, data))

    # --- called by the owner ----------------------------------------------------------------------

    def flush(self) -> None:
        """Write what waits to the file, and begin the next one if it is due. Call it each second."""
        self._guard(self._flush)

    def end(self) -> None:
        """Write the end, and close the file. What still comes is not written."""
        self._write(Ended(self._stamp_us()))
        self._guard(self._writer.close)
        self._is_ended = True

    def _write(self, record: Record) -> None:
        self._guard(lambda: self._writer.write(recording_format.encode(record)))

    def _flush(self) -> None:
        self._writer.flush()
        now_us = self._stamp_us()
        if self._writer.is_due(now_us):
            self._begin(now_us)

    def _begin(self, at_us: int) -> None:
        part = self._writer.begin(at_us)
        header = Header(at_us, self._venue, self._adapter, self._session, part)
        self._writer.write(recording_format.encode(header))
        self._writer.flush()

    def _guard(self, write: Callable[[], None]) -> None:
        if self.fault is not None or self._is_ended:
            return
        try:
            write()
        except OSError as error:
            self.fault = error
            self._on_fault()


def _text(message: bytes) -> tuple[str, bytes]:
    """Return a message as text, or as bytes where it is no UTF-8."""
    try:
        return message.decode(), b""
    except UnicodeDecodeError:
        return "", message
