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

import gzip
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

import msgspec

DAY_US = 86_400_000_000
GZIP = b"\x1f\x8b"
"""The first bytes of a gzip file (RFC 1952 2.3.1)."""
MAX_NAMED_LINES = 5
"""How many broken lines of each kind are named. The others are only counted."""

LINE = re.compile(
    rb"(?:(?P<url>\S+) (?P<mark><->|<-|->) )?"
    rb"(?P<seconds>[0-9]{10})"
    rb"(?:\.?(?P<fraction>(?<=\.)[0-9]{1,12}|(?<!\.)(?:[0-9]{3}){1,3}))?"
    rb"(?P<text>: .*)?",
    re.DOTALL,
)


class TranscriptLine(msgspec.Struct, frozen=True):
    """One recorded line. ``mark`` and ``url`` are empty for what the exchange sent on a WebSocket."""

    number: int
    """The line number, from 1."""
    at_us: int
    """When it was recorded, in microseconds since 1970."""
    text: bytes
    mark: str = ""
    url: str = ""


class SkippedLines(msgspec.Struct):
    """How many lines were left out for one reason, and the first of them as ``file:line``."""

    reason: str
    count: int = 0
    lines: list[str] = []


class SkippedLineCounter:
    """Counts the lines that were left out of transcripts, by reason."""

    def __init__(self) -> None:
        self._by_reason: dict[str, SkippedLines] = {}

    def add(self, reason: str, path: Path, number: int) -> None:
        """Count one line."""
        skipped = self._by_reason.setdefault(reason, SkippedLines(reason))
        skipped.count += 1
        if len(skipped.lines) < MAX_NAMED_LINES:
            skipped.lines.append(f"{path.name}:{number}")

    def all(self) -> tuple[SkippedLines, ...]:
        """Return the counts, in the order in which the reasons first occurred."""
        return tuple(self._by_reason.values())


def read_transcript(path: Path, skipped: SkippedLineCounter) -> Iterator[TranscriptLine]:
    """Yield the recorded lines of a file, with their continuations. Raises OSError."""
    last_us: int | None = None
    pending: TranscriptLine | None = None
    continuation: list[tuple[int, bytes]] = []
    for number, text in _lines(path, skipped):
        line = _parse(number, text.rstrip(b"\r\n"))
        if line is None and not text.startswith(b"configuration: "):
            if text.strip():
                continuation.append((number, text))
            continue
        yield from _join(path, pending, continuation, skipped)
        pending, continuation = line, []
        if line is not None and last_us is not None and abs(line.at_us - last_us) > DAY_US:
            skipped.add("bad_time", path, number)
            pending = None
        elif line is not None:
            last_us = line.at_us
    yield from _join(path, pending, continuation, skipped)


def _lines(path: Path, skipped: SkippedLineCounter) -> Iterator[tuple[int, bytes]]:
    """Yield the lines with their numbers, up to where a compressed file is cut or broken. Raises OSError."""
    with path.open("rb") as file:
        is_compressed = file.peek(len(GZIP))[: len(GZIP)] == GZIP
        number = 0
        try:
            for number, line in enumerate(gzip.GzipFile(fileobj=file) if is_compressed else file, 1):
                yield number, line
        except (EOFError, zlib.error, gzip.BadGzipFile):
            skipped.add("broken_file", path, number + 1)


def _parse(number: int, text: bytes) -> TranscriptLine | None:
    """Return the recorded line that starts here; None for a continuation, a comment or a broken line."""
    found = LINE.fullmatch(text)
    if found is None or (found["text"] is None) != (found["mark"] == b"<->"):
        return None
    url = (found["url"] or b"").decode("utf-8", "replace")
    micros = int((found["fraction"] or b"")[:6].ljust(6, b"0"))
    at_us = int(found["seconds"]) * 1_000_000 + micros
    return TranscriptLine(number, at_us, (found["text"] or b"")[2:], (found["mark"] or b"").decode(), url)


def _join(
    path: Path,
    line: TranscriptLine | None,
    continuation: list[tuple[int, bytes]],
    skipped: SkippedLineCounter,
) -> Iterator[TranscriptLine]:
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


def _is_whole(line: TranscriptLine) -> bool:
    """Return whether the text is complete: whole JSON, or no JSON at all."""
    if line.text[:1] not in (b"{", b"["):
        return bool(line.text) or line.mark == "<->"
    try:
        msgspec.json.decode(line.text, type=msgspec.Raw)
    except (ValueError, RecursionError):
        return False
    return True
