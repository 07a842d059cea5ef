"""Writes the made session of OKX as a recorder would have: `python -m tests.recorded.make_session`."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from heapq import merge
from operator import attrgetter
from pathlib import Path
from typing import Final

from floorwire.connectors import recording_format
from floorwire.connectors.recorded_line import SkippedLineCounter
from floorwire.connectors.recording_files import read_lines
from floorwire.connectors.recording_format import (
    Header,
    LinkOpened,
    Received,
    Record,
    RecordingEnded,
    RequestAnswered,
    Requested,
    Sent,
)

SOURCE: Final = Path(__file__).parent / "okx"
FOLDER: Final = Path(__file__).parent / "recorder"
SESSION: Final = "okx-20240703T094640.000Z"


def records() -> list[Record]:
    """Return what would have been recorded, without headers."""
    return list(merge(*map(records_of, sorted(SOURCE.iterdir())), key=attrgetter("at_us")))


def records_of(file: Path) -> Iterator[Record]:
    """Yield what a recorder would have written of a file of a transcript."""
    link = file.name.removesuffix(".0")
    for line in read_lines(file, SkippedLineCounter()):
        text = line.text.decode()
        match line.mark:
            case "->":
                yield Requested(line.at_us, "GET", line.url)
                yield RequestAnswered(line.at_us, line.url, 200, text)
            case "<->":
                yield LinkOpened(line.at_us, link, line.url)
            case "<-":
                yield Sent(line.at_us, link, text)
            case _:
                yield Received(line.at_us, link, text)


def files() -> dict[str, bytes]:
    """Return the text of two files of the session by name."""
    made = records()
    half = len(made) // 2
    parts = made[:half], [*made[half:], RecordingEnded(made[-1].at_us)]
    found = {}
    for number, part in enumerate(parts, 1):
        header = Header(part[0].at_us, "okx", "okx", SESSION, number)
        found[f"{SESSION}.{number:05}.jsonl.gz"] = b"".join(map(recording_format.encode, (header, *part)))
    return found


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, text in files().items():
        (FOLDER / name).write_bytes(gzip.compress(text, mtime=0))
