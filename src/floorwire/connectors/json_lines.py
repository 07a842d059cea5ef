"""Frames of an exchange as JSON, one a line, as many recorders write them. Broken lines are left out.

A line is one of:
    TIME JSON   TIME: when it came, a whole number of milli-, micro- or nanoseconds since 1970
    JSON        it came at the time that stands in it, or with the line before

A snapshot of a book that Binance answered to GET may stand between the frames.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import msgspec

from floorwire.connectors.recorded_line import MAX_LINE_BYTES, RecordedLine, SkippedLineCounter, text_lines
from floorwire.core.microseconds import DAY_US
from floorwire.venues.common.decimals import rfc3339_us

STAMPED = re.compile(rb"(?P<digits>[0-9]{13}(?:[0-9]{3}){0,2})[ \t]+(?P<text>[\[{].*)", re.DOTALL)
UNDATED_US = 946_684_800_000_000
"""2000-01-01: where no line has a time. Such lines are a millisecond apart."""
UNDATED_STEP_US = 1_000
MAX_UNDATED_LINES = 1_000
"""So many lines may come before the first one with a time."""
DEPTH_URL = "https://api.binance.com/api/v3/depth?symbol={}&limit=1000"


class Dates(msgspec.Struct):
    """The fields of a frame that may be its time."""

    timestamp: msgspec.Raw = msgspec.Raw(b"")
    """Kraken, Coinbase: RFC 3339."""
    time_in: msgspec.Raw = msgspec.Raw(b"")
    """Kraken, in answers: RFC 3339."""
    ts: msgspec.Raw = msgspec.Raw(b"")
    """Bybit, OKX: milliseconds, as a number or a text."""
    event_time: msgspec.Raw = msgspec.field(name="E", default=msgspec.Raw(b""))
    """Binance: milliseconds."""
    data: msgspec.Raw = msgspec.Raw(b"")


class Symbol(msgspec.Struct):
    """The symbol of a frame of Binance."""

    s: str = ""


class BinanceFrame(msgspec.Struct):
    """What tells a frame of Binance from a snapshot."""

    last_update_id: int | None = msgspec.field(name="lastUpdateId", default=None)
    s: str = ""
    data: Symbol | None = None


_dates = msgspec.json.Decoder(Dates)
_rows = msgspec.json.Decoder(list[Dates])
_binance = msgspec.json.Decoder(BinanceFrame)


def is_json_lines(first: bytes) -> bool:
    """Return whether a file with this first line is one of frames as JSON."""
    return first[:1] in (b"{", b"[") or STAMPED.fullmatch(first) is not None


def read_json_lines(path: Path, skipped: SkippedLineCounter) -> Iterator[RecordedLine]:
    """Yield the recorded lines of a file. Raises OSError."""
    snapshots = _Snapshots()
    for line in _dated(path, skipped):
        if snapshots.is_snapshot(line.text):
            url = snapshots.url()
            if url is None:
                skipped.add("unknown_snapshot", path, line.number)
            else:
                yield msgspec.structs.replace(line, mark="->", url=url)
        else:
            yield line


class _Snapshots:
    """Which symbol a snapshot of Binance is of: it does not say so, but a recording of one symbol does."""

    def __init__(self) -> None:
        self._symbols: set[str] = set()

    def is_snapshot(self, text: bytes) -> bool:
        """Return whether the line is a snapshot; note the symbol of a frame."""
        try:
            frame = _binance.decode(text)
        except (ValueError, RecursionError):
            return False
        symbol = frame.s or (frame.data.s if frame.data is not None else "")
        if symbol:
            self._symbols.add(symbol)
        return frame.last_update_id is not None and not symbol

    def url(self) -> str | None:
        """Return what the snapshot is the answer to; None if that is unknown."""
        return DEPTH_URL.format(quote(*self._symbols)) if len(self._symbols) == 1 else None


def _dated(path: Path, skipped: SkippedLineCounter) -> Iterator[RecordedLine]:
    """Yield the lines with their times. The first lines without one get that of the first that has one."""
    last_us: int | None = None
    waiting: list[tuple[int, bytes]] = []
    waiting_bytes = 0
    for number, text, at_us in _parsed(path, skipped):
        if last_us is None and at_us is None and len(waiting) < MAX_UNDATED_LINES:
            waiting_bytes += len(text)
            if waiting_bytes <= MAX_LINE_BYTES:
                waiting.append((number, text))
                continue
        start_us = UNDATED_US if at_us is None else at_us
        for earlier in waiting:
            yield RecordedLine(earlier[0], start_us, earlier[1])
        waiting.clear()
        if last_us is not None and at_us is not None and abs(at_us - last_us) > DAY_US:
            skipped.add("bad_time", path, number)
            continue
        last_us = start_us if last_us is None else max(last_us, at_us or 0)
        yield RecordedLine(number, last_us, text)
    for index, (number, text) in enumerate(waiting):
        yield RecordedLine(number, UNDATED_US + index * UNDATED_STEP_US, text)


def _parsed(path: Path, skipped: SkippedLineCounter) -> Iterator[tuple[int, bytes, int | None]]:
    """Yield number, JSON and time of each line that is whole; the time is None where it has none."""
    for number, raw in text_lines(path, skipped):
        text = raw.strip()
        if not text:
            continue
        stamped = STAMPED.fullmatch(text)
        body = text if stamped is None else stamped["text"]
        try:
            msgspec.json.decode(body, type=msgspec.Raw)
        except (ValueError, RecursionError):
            skipped.add("broken_line" if body[:1] not in (b"{", b"[") else "broken_message", path, number)
            continue
        yield number, body, _own_time(body) if stamped is None else _micros(stamped["digits"])


def _micros(digits: bytes) -> int:
    """Return a whole number of milli-, micro- or nanoseconds in microseconds."""
    return int(digits[:16].ljust(16, b"0"))


def _own_time(text: bytes) -> int | None:
    """Return the time that stands in a frame, or in the first row of its data."""
    try:
        frame = _dates.decode(text)
        found = _time_of(frame)
        if found is None and bytes(frame.data)[:1] == b"{":
            found = _time_of(_dates.decode(frame.data))
        elif found is None and bytes(frame.data)[:1] == b"[":
            found = next(filter(None, map(_time_of, _rows.decode(frame.data)[:1])), None)
    except (ValueError, RecursionError):
        return None
    return found


def _time_of(frame: Dates) -> int | None:
    for raw in (frame.timestamp, frame.time_in, frame.ts, frame.event_time):
        text = bytes(raw).decode("utf-8", "replace").strip('"')
        if re.fullmatch(r"[0-9]{13}(?:[0-9]{3}){0,2}", text):
            return _micros(text.encode())
        try:
            return rfc3339_us(text)
        except ValueError:
            continue
    return None
