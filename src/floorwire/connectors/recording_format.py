"""The format of ``floorwire record``: a JSON object a line, in the order in which things happened.

The first line of each file is its header. Texts are what was sent, unchanged. Headers of requests are never
in it, and nothing that would let anybody sign in (recording_secrets.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

import msgspec

from floorwire.connectors.recorded_line import RecordedLine, SkippedLineCounter, text_lines

FORMAT = "floorwire recording 1"
FIRST_BYTES = b'{"kind":"header"'
OK = 200


class Header(msgspec.Struct, frozen=True, tag_field="kind", tag="header"):
    """The first line of a file."""

    at_us: int
    venue: str
    """The id of the venue instance."""
    adapter: str
    """The kind of the venue, whose adapter can play this."""
    session: str
    """The files with the same session are one recording."""
    part: int
    """From 1, in order."""
    format: str = FORMAT


class LinkOpened(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="kind", tag="opened"):
    """A WebSocket opened."""

    at_us: int
    link: str
    url: str


class Received(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="kind", tag="received"):
    """The venue sent a message."""

    at_us: int
    link: str
    text: str = ""
    data: bytes = b""
    """What is no UTF-8, in base64."""


class Sent(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="kind", tag="sent"):
    """We sent a message. ``is_hidden``: it had a credential, and its text is left out."""

    at_us: int
    link: str
    text: str
    is_hidden: bool = False


class LinkClosed(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="kind", tag="closed"):
    """A WebSocket was lost or closed."""

    at_us: int
    link: str
    reason: str


class Requested(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="kind", tag="requested"):
    """We sent an HTTP request."""

    at_us: int
    method: str
    url: str


class RequestAnswered(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="kind", tag="answered"):
    """The answer to a request. Status 0: none came."""

    at_us: int
    url: str
    status: int
    text: str = ""
    data: bytes = b""
    """What is no UTF-8, in base64."""


class LeftOut(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="kind", tag="left_out"):
    """The disk was too slow: so many records are missing here, of any links."""

    at_us: int
    count: int


class RecordingEnded(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="kind", tag="ended"):
    """The recorder was ended in good form. Without this line it was killed, or its machine stopped."""

    at_us: int


Record: TypeAlias = (
    Header
    | LinkOpened
    | Received
    | Sent
    | LinkClosed
    | Requested
    | RequestAnswered
    | LeftOut
    | RecordingEnded
)

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Record] = msgspec.json.Decoder(Record)


def encode(record: Record) -> bytes:
    """Return the line of a record."""
    return _encoder.encode(record) + b"\n"


def is_recording(first: bytes) -> bool:
    """Return whether a file with this first line has this format."""
    return first.startswith(FIRST_BYTES)


def header(first: bytes) -> Header | None:
    """Return the header in a file's first line; None if it is none."""
    try:
        record = _decoder.decode(first)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, Header) else None


def read_recording(path: Path, skipped: SkippedLineCounter) -> Iterator[RecordedLine]:
    """Yield what happened, from one file. Lines that cannot be read are counted. Raises OSError."""
    for number, text in text_lines(path, skipped):
        if not text.endswith(b"\n"):
            skipped.add("broken_line", path, number)  # the recorder was killed within it
            continue
        try:
            record = _decoder.decode(text)
        except (ValueError, RecursionError):
            skipped.add("broken_line", path, number)
            continue
        line = _line(number, record)
        if line is not None:
            yield line


def _line(number: int, record: Record) -> RecordedLine | None:
    at_us, link, url = record.at_us, "", ""
    match record:
        case Received():
            mark, text, link = "", record.data or record.text.encode(), record.link
        case RequestAnswered() if record.status == OK:
            mark, text, url = "->", record.data or record.text.encode(), record.url
        case LinkOpened():
            mark, text, link, url = "<->", b"", record.link, record.url
        case LinkClosed():
            mark, text, link = "<x", record.reason.encode(), record.link
        case LeftOut():
            mark, text = "<x", f"{record.count} records were left out".encode()
        case Sent():
            mark, text, link = "<-", record.text.encode(), record.link
        case Header():
            mark, text = "#", record.adapter.encode()
        case _:
            return None
    return RecordedLine(number, at_us, text, mark, url, link)
