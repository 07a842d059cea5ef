"""Which files belong to one recorded session, and which format each has.

SESSION.NNNNN.jsonl.gz is a part of a session of ``floorwire record``, with all that happened on all links.
VENUE.ws.N.0 is one WebSocket. VENUE.0 and VENUE.http.N.0 hold HTTP answers. The last number counts the files
of a rotation. Each name may end in ``.gz``. Any other file is one WebSocket, its answers among its frames.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from floorwire.connectors.json_lines import is_json_lines, read_json_lines
from floorwire.connectors.recorded_line import RecordedLine, SkippedLineCounter, first_text
from floorwire.connectors.recording_format import is_recording, read_recording
from floorwire.connectors.transcript import read_transcript

SESSION_FILE = re.compile(r"(?P<session>.+)\.(?P<part>[0-9]{5})\.jsonl")
"""A file of ``floorwire record``."""
SOCKET_FILE = re.compile(r"(?P<venue>.+)\.ws\.(?P<number>[0-9]+)\.(?P<part>[0-9]+)")
ANSWER_FILE = re.compile(r"(?P<venue>.+?)(?:\.http\.(?P<number>[0-9]+))?\.(?P<part>[0-9]+)")


class RecordingError(ValueError):
    """A recording that cannot be played; ``path`` says which, ``reason`` why."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class RecordingFiles(NamedTuple):
    """The files of a session: for each WebSocket its files in order, and the files with HTTP answers."""

    sockets: dict[str, list[Path]]
    answers: list[Path]


def folder_files(folder: Path) -> RecordingFiles:
    """Return the files of the one session in a folder. Raises RecordingError, OSError."""
    files = [_name(file) for file in folder.iterdir()]
    sessions = {found["session"] for name in files if (found := SESSION_FILE.fullmatch(name))}
    venues = {found["venue"] for name in files if (found := SOCKET_FILE.fullmatch(name))}
    if len(sessions) + len(venues) != 1:
        names = ", ".join(sorted(sessions | venues))
        what = (
            f"has sessions of {names}: name a file"
            if names
            else "has no SESSION.NNNNN.jsonl.gz and no VENUE.ws.N.0"
        )
        raise RecordingError(folder, what)
    if sessions:
        session = sessions.pop()
        return RecordingFiles({session: _session_files(folder, session)}, [])
    return _venue_files(folder, venues.pop())


def files_with(path: Path) -> RecordingFiles:
    """Return the files that belong to a file: one WebSocket with all answers, or the whole session.

    A part of a session is played alone, with the answers of the parts before it; the name of a session stands
    for all its parts. Raises OSError.
    """
    part = SESSION_FILE.fullmatch(_name(path))
    if part is not None:
        before = [file for file in _session_files(path.parent, part["session"]) if _name(file) < _name(path)]
        return RecordingFiles({part["session"]: [path]}, before)
    socket = SOCKET_FILE.fullmatch(_name(path))
    if socket is not None:
        return RecordingFiles({_name(path): [path]}, _venue_files(path.parent, socket["venue"]).answers)
    answer = ANSWER_FILE.fullmatch(_name(path))
    if answer is not None:
        files = _venue_files(path.parent, answer["venue"])
        if files.sockets:
            return files
    parts = [] if path.exists() or not path.parent.is_dir() else _session_files(path.parent, path.name)
    return RecordingFiles({path.name: parts or [path]}, [])


def read_lines(path: Path, skipped: SkippedLineCounter) -> Iterator[RecordedLine]:
    """Yield the recorded lines of a file, whose first line shows its format. Raises OSError."""
    first = first_text(path)
    if is_recording(first):
        return read_recording(path, skipped)
    if is_json_lines(first):
        return read_json_lines(path, skipped)
    return read_transcript(path, skipped)


def _session_files(folder: Path, session: str) -> list[Path]:
    """Return the parts of a session in order."""
    found = [(SESSION_FILE.fullmatch(_name(file)), file) for file in folder.iterdir()]
    parts = [(part["part"], file) for part, file in found if part is not None and part["session"] == session]
    return [file for _, file in sorted(parts)]


def _venue_files(folder: Path, venue: str) -> RecordingFiles:
    sockets: dict[str, list[Path]] = {}
    answers: list[Path] = []
    for file in sorted(folder.iterdir(), key=_numeric_order):
        socket, answer = SOCKET_FILE.fullmatch(_name(file)), ANSWER_FILE.fullmatch(_name(file))
        if file.name != _name(file) and file.with_name(_name(file)).exists():
            continue  # the uncompressed file is there too
        if socket is not None and socket["venue"] == venue:
            sockets.setdefault(f"{venue}.ws.{socket['number']}", []).append(file)
        elif answer is not None and answer["venue"] == venue:
            answers.append(file)
    return RecordingFiles(sockets, answers)


def _name(file: Path) -> str:
    return file.name.removesuffix(".gz")


def _numeric_order(file: Path) -> list[tuple[int, str]]:
    """Return a sort key that compares the numbers in a name by value, so that file 10 comes after file 9."""
    return [(int(part), "") if part.isdecimal() else (0, part) for part in file.name.split(".")]
