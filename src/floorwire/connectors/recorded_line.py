"""One line of a recording, whatever its format, and the count of those that cannot be read."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path

import msgspec

DAY_US = 86_400_000_000
GZIP = b"\x1f\x8b"
"""The first bytes of a gzip file (RFC 1952 2.3.1)."""
MAX_NAMED_LINES = 5
"""How many broken lines of each kind are named. The others are only counted."""


class RecordedLine(msgspec.Struct, frozen=True):
    """One recorded line.

    ``mark`` says what it is. Empty: what the exchange sent on a WebSocket. ``<-``: what the client
    sent on it. ``<->``: it opened. ``<x``: it was lost or closed; without a link, messages of all were lost.
    ``->``: an answer to a request. ``#``: the exchange, by the name of its adapter.
    """

    number: int
    """The line number, from 1."""
    at_us: int
    """When it was recorded, in microseconds since 1970."""
    text: bytes
    mark: str = ""
    url: str = ""
    link: str = ""
    """The WebSocket. Empty where a file has only one."""


class SkippedLines(msgspec.Struct):
    """How many lines were left out for one reason, and the first of them as ``file:line``."""

    reason: str
    count: int = 0
    lines: list[str] = []


class SkippedLineCounter:
    """Counts the lines that were left out of recordings, by reason."""

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


def text_lines(path: Path, skipped: SkippedLineCounter) -> Iterator[tuple[int, bytes]]:
    """Yield the lines with their numbers, up to where a compressed file is cut or broken. Raises OSError."""
    with path.open("rb") as file:
        is_compressed = file.peek(len(GZIP))[: len(GZIP)] == GZIP
        number = 0
        try:
            for number, line in enumerate(gzip.GzipFile(fileobj=file) if is_compressed else file, 1):
                yield number, line
        except (EOFError, zlib.error, gzip.BadGzipFile):
            skipped.add("broken_file", path, number + 1)


def first_text(path: Path) -> bytes:
    """Return the first line that is not blank; empty if there is none. Raises OSError."""
    lines = text_lines(path, SkippedLineCounter())
    return next((text.strip() for _, text in lines if text.strip()), b"")
