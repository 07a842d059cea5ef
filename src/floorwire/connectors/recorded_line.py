"""One line of a recording, whatever its format, and the count of those that cannot be read."""

from __future__ import annotations

import errno
import gzip
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path
from typing import Protocol

import msgspec

GZIP = b"\x1f\x8b"
"""The first bytes of a gzip file (RFC 1952 2.3.1)."""
BROKEN = (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile, zipfile.BadZipFile)
MAX_LINE_BYTES = 128 * 1024 * 1024
"""The longest line. An answer has 64 MiB at most, and its quotes are escaped in a recording."""
SKIPPED_BYTES = 1024 * 1024
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


class Lines(Protocol):
    """An open file, packed or not."""

    def readline(self, size: int, /) -> bytes:
        """Return a line, or the next ``size`` bytes of it; nothing at the end."""


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
    with open_recorded(path) as file:
        is_compressed = file.peek(len(GZIP))[: len(GZIP)] == GZIP
        yield from bounded_lines(gzip.GzipFile(fileobj=file) if is_compressed else file, path, skipped)


def open_recorded(path: Path) -> BufferedReader:
    """Open a file of a recording. Raises OSError, also where it has no end: a pipe, a device."""
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return path.open("rb")


def bounded_lines(file: Lines, path: Path, skipped: SkippedLineCounter) -> Iterator[tuple[int, bytes]]:
    """Yield the lines with their numbers, up to where the content is broken. Raises OSError.

    A line that is too long is left out: a small compressed file can hold one that no memory holds.
    """
    number = 0
    try:
        while line := file.readline(MAX_LINE_BYTES):
            number += 1
            if len(line) < MAX_LINE_BYTES or line.endswith(b"\n"):
                yield number, line
                continue
            skipped.add("long_line", path, number)
            while line and not line.endswith(b"\n"):
                line = file.readline(SKIPPED_BYTES)
    except BROKEN:
        skipped.add("broken_file", path, number + 1)


def first_text(path: Path) -> bytes:
    """Return the first line that is not blank; empty if there is none. Raises OSError."""
    lines = text_lines(path, SkippedLineCounter())
    return next((text.strip() for _, text in lines if text.strip()), b"")
