"""A transcript: one file of a recorded session, read line by line. Broken lines are left out and counted.

The file may be compressed by gzip. TIME is in seconds, or a whole number of milli-, micro- or nanoseconds.
A line is one of:
    URL -> TIME: BODY       the answer to GET URL
    URL <-> TIME            a WebSocket to URL opened
    URL <- TIME: TEXT       what the client sent on it
    TIME: TEXT              what the exchange sent on it
    configuration: TEXT     about the recorder; not read
A text may continue on the lines below.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from floorwire.connectors.recorded_line import MAX_LINE_BYTES, RecordedLine, SkippedLineCounter, text_lines
from floorwire.core.microseconds import DAY_US

ENTRY_BYTES = 128
"""What a line of a text costs in memory besides its bytes."""
LINE = re.compile(
    rb"(?:(?P<url>\S+) (?P<mark><->|<-|->) )?"
    rb"(?P<seconds>[0-9]{10})"
    rb"(?:\.?(?P<fraction>(?<=\.)[0-9]{1,12}|(?<!\.)(?:[0-9]{3}){1,3}))?"
    rb"(?P<text>: .*)?",
    re.DOTALL,
)


def read_transcript(path: Path, skipped: SkippedLineCounter) -> Iterator[RecordedLine]:
    """Yield the recorded lines of a file, with their continuations. Raises OSError."""
    last_us: int | None = None
    pending: RecordedLine | None = None
    continuation: list[tuple[int, bytes]] = []
    continued_bytes = 0
    for number, text in text_lines(path, skipped):
        line = _parse(number, text.rstrip(b"\r\n"))
        if line is None and not text.startswith(b"configuration: "):
            continued_bytes += len(text) + ENTRY_BYTES
            if continued_bytes > MAX_LINE_BYTES:
                skipped.add("long_line", path, number)
            elif text.strip():
                continuation.append((number, text))
            continue
        yield from _join(path, pending, continuation, skipped)
        pending, continuation, continued_bytes = line, [], 0
        if line is not None and last_us is not None and abs(line.at_us - last_us) > DAY_US:
            skipped.add("bad_time", path, number)
            pending = None
        elif line is not None:
            last_us = line.at_us
    yield from _join(path, pending, continuation, skipped)


def _parse(number: int, text: bytes) -> RecordedLine | None:
    """Return the recorded line that starts here; None for a continuation, a comment or a broken line."""
    found = LINE.fullmatch(text)
    if found is None or (found["text"] is None) != (found["mark"] == b"<->"):
        return None
    url = (found["url"] or b"").decode("utf-8", "replace")
    micros = int((found["fraction"] or b"")[:6].ljust(6, b"0"))
    at_us = int(found["seconds"]) * 1_000_000 + micros
    return RecordedLine(number, at_us, (found["text"] or b"")[2:], (found["mark"] or b"").decode(), url)


def _join(
    path: Path,
    line: RecordedLine | None,
    continuation: list[tuple[int, bytes]],
    skipped: SkippedLineCounter,
) -> Iterator[RecordedLine]:
    """Yield the line joined with its continuation; count the lines that belong to none."""
    if line is not None and not _is_whole(line):
        text = b"".join((line.text, *(more for _, more in continuation)))
        line = msgspec.structs.replace(line, text=text)
        continuation = []
        if not _is_whole(line):
            skipped.add("broken_message", path, line.number)
            line = None
    for number, _ in continuation:
        skipped.add("broken_line", path, number)
    if line is not None:
        yield line


def _is_whole(line: RecordedLine) -> bool:
    """Return whether the text is complete: whole JSON, or no JSON at all."""
    if line.text[:1] not in (b"{", b"["):
        return bool(line.text) or line.mark == "<->"
    try:
        msgspec.json.decode(line.text, type=msgspec.Raw)
    except (ValueError, RecursionError):
        return False
    return True
