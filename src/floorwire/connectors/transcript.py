"""A transcript: one file of a recorded session, line by line. What is broken is left out and counted.

A line is one of, with times in seconds:
    URL -> TIME: BODY       what GET URL answered
    URL <-> TIME            where a WebSocket opened
    URL <- TIME: TEXT       what the client sent on it
    TIME: TEXT              what the exchange sent on it
    configuration: TEXT     about the recorder; not read
A text may go on over the lines below.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

DAY_US = 86_400_000_000
NAMED = 5
"""So many broken lines of each kind are named; the others are counted."""

LINE = re.compile(
    rb"(?:(?P<url>\S+) (?P<mark><->|<-|->) )?"
    rb"(?P<seconds>[0-9]{10})(?:\.(?P<fraction>[0-9]{1,12}))?(?P<text>: .*)?",
    re.DOTALL,
)


class TranscriptLine(msgspec.Struct, frozen=True):
    """One thing recorded; ``mark`` and ``url`` are empty for what the exchange sent on a WebSocket."""

    number: int
    """Of its line, from 1."""
    at_us: int
    text: bytes
    mark: str = ""
    url: str = ""


class SkippedLines(msgspec.Struct):
    """How many lines were left out for one reason, and the first of them as ``file:line``."""

    reason: str
    count: int = 0
    lines: list[str] = []


class Skips:
    """What was left out of transcripts, by reason."""

    def __init__(self) -> None:
        self._by_reason: dict[str, SkippedLines] = {}

    def add(self, reason: str, path: Path, number: int) -> None:
        """Count a line."""
        skipped = self._by_reason.setdefault(reason, SkippedLines(reason))
        skipped.count += 1
        if len(skipped.lines) < NAMED:
            skipped.lines.append(f"{path.name}:{number}")

    def all(self) -> tuple[SkippedLines, ...]:
        """Return them, in order of appearance."""
        return tuple(self._by_reason.values())


def entries(path: Path, skips: Skips) -> Iterator[TranscriptLine]:
    """Yield what is recorded in the file, one by one. Raises OSError."""
    last_us: int | None = None
    pending: TranscriptLine | None = None
    more: list[tuple[int, bytes]] = []
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            entry = _entry(number, line.rstrip(b"\r\n"))
            if entry is None and not line.startswith(b"configuration: "):
                if line.strip():
                    more.append((number, line))
                continue
            yield from _whole(path, pending, more, skips)
            pending, more = entry, []
            if entry is not None and last_us is not None and abs(entry.at_us - last_us) > DAY_US:
                skips.add("bad_time", path, number)
                pending = None
            elif entry is not None:
                last_us = entry.at_us
        yield from _whole(path, pending, more, skips)


def _entry(number: int, line: bytes) -> TranscriptLine | None:
    found = LINE.fullmatch(line)
    if found is None or (found["text"] is None) != (found["mark"] == b"<->"):
        return None
    url = (found["url"] or b"").decode("utf-8", "replace")
    micros = int((found["fraction"] or b"")[:6].ljust(6, b"0"))
    at_us = int(found["seconds"]) * 1_000_000 + micros
    return TranscriptLine(number, at_us, (found["text"] or b"")[2:], (found["mark"] or b"").decode(), url)


def _whole(
    path: Path, entry: TranscriptLine | None, more: list[tuple[int, bytes]], skips: Skips
) -> Iterator[TranscriptLine]:
    """Yield the entry with the lines below that belong to it; count what belongs to nothing."""
    if entry is not None and not _is_whole(entry):
        text = b"".join((entry.text, *(line for _, line in more)))
        entry = msgspec.structs.replace(entry, text=text)
        more = []
        if not _is_whole(entry):
            skips.add("broken_message", path, entry.number)
            entry = None
    for number, _ in more:
        skips.add("broken_line", path, number)
    if entry is not None:
        yield entry


def _is_whole(entry: TranscriptLine) -> bool:
    """Return whether the text is not cut: JSON that ends, or no JSON at all."""
    if entry.text[:1] not in (b"{", b"["):
        return bool(entry.text) or entry.mark == "<->"
    try:
        msgspec.json.decode(entry.text, type=msgspec.Raw)
    except (ValueError, RecursionError):
        return False
    return True
