"""Reads a file of a recording by the format that its first line shows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from floorwire.connectors.json_lines import is_json_lines, read_json_lines
from floorwire.connectors.recorded_line import RecordedLine, SkippedLineCounter, first_text
from floorwire.connectors.recording_format import is_recording, read_recording
from floorwire.connectors.transcript import read_transcript


def read_lines(path: Path, skipped: SkippedLineCounter) -> Iterator[RecordedLine]:
    """Yield the recorded lines of a file. Raises OSError."""
    first = first_text(path)
    if is_recording(first):
        return read_recording(path, skipped)
    if is_json_lines(first):
        return read_json_lines(path, skipped)
    return read_transcript(path, skipped)
