"""Lines of recordings whose content somebody else made: too long, without an end, packed badly."""

from __future__ import annotations

import gzip
import os
import zipfile
from pathlib import Path

import pytest

from floorwire.connectors import json_lines, recorded_line, transcript
from floorwire.connectors.json_lines import read_json_lines
from floorwire.connectors.recorded_line import SkippedLineCounter, first_text, text_lines
from floorwire.connectors.table_files import row_groups, table_file
from floorwire.connectors.transcript import read_transcript

TRADE = "1,64000.0,0.1,6400.0,1722988800000,True,True\n"


@pytest.fixture
def skipped(monkeypatch: pytest.MonkeyPatch) -> SkippedLineCounter:
    """A counter; no line may have more than 64 bytes, and 16 are skipped at once."""
    for module in (recorded_line, transcript, json_lines):
        monkeypatch.setattr(module, "MAX_LINE_BYTES", 64)
    monkeypatch.setattr(recorded_line, "SKIPPED_BYTES", 16)
    return SkippedLineCounter()


def reasons(skipped: SkippedLineCounter) -> dict[str, int]:
    return {one.reason: one.count for one in skipped.all()}


@pytest.mark.parametrize("packed", [False, True])
def test_a_line_that_is_too_long_is_left_out_and_those_after_it_are_read(
    tmp_path: Path, skipped: SkippedLineCounter, packed: bool
) -> None:
    path = tmp_path / "a"
    content = b"one\n" + b"x" * 1000 + b"\n" + b"y" * 63 + b"\n" + b"z" * 64
    path.write_bytes(gzip.compress(content) if packed else content)
    assert [text for _, text in text_lines(path, skipped)] == [b"one\n", b"y" * 63 + b"\n"]
    assert [(one.reason, one.lines) for one in skipped.all()] == [("long_line", ["a:2", "a:4"])]


def test_a_bomb_costs_no_more_memory_than_a_line(tmp_path: Path, skipped: SkippedLineCounter) -> None:
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(bytes(1_000_000)))
    assert list(text_lines(path, skipped)) == []
    assert reasons(skipped) == {"long_line": 1}


def test_a_text_that_goes_on_over_endless_lines_is_bounded(
    tmp_path: Path, skipped: SkippedLineCounter
) -> None:
    path = tmp_path / "a"
    path.write_bytes(b'1700000000.0: {"a":\n' + b"1\n" * 1000 + b"1700000001.0: {}\n")
    assert [line.text for line in read_transcript(path, skipped)] == [b"{}"]
    assert reasons(skipped)["long_line"] == 1000


def test_lines_without_a_time_are_kept_up_to_a_size(tmp_path: Path, skipped: SkippedLineCounter) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"a":"0123456789"}\n' * 10)
    assert len(list(read_json_lines(path, skipped))) == 10


def test_what_has_no_end_is_not_opened(tmp_path: Path, skipped: SkippedLineCounter) -> None:
    os.mkfifo(tmp_path / "pipe.jsonl")
    (tmp_path / "device.jsonl").symlink_to("/dev/null")
    os.mkfifo(tmp_path / "BTCUSDT-trades-2024-08-08.zip")
    for name in ("pipe.jsonl", "device.jsonl"):
        with pytest.raises(OSError, match="not a regular file"):
            first_text(tmp_path / name)
    with pytest.raises(OSError, match="not a regular file"):
        table_file(tmp_path / "BTCUSDT-trades-2024-08-08.zip")


def zipped(path: Path, content: str) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("BTCUSDT-trades-2024-08-08.csv", content)
    return path


def test_a_bomb_in_a_zip_file_is_left_out_too(tmp_path: Path, skipped: SkippedLineCounter) -> None:
    path = zipped(tmp_path / "BTCUSDT-trades-2024-08-08.zip", TRADE + "1" * 1_000_000 + "\n" + TRADE)
    file = table_file(path)
    assert file is not None
    assert len(list(row_groups(file, skipped))) == 2
    assert reasons(skipped) == {"long_line": 1}


@pytest.mark.parametrize("damage", ["bits", "method", "encrypted"])
def test_a_zip_file_that_cannot_be_unpacked_is_a_broken_file(tmp_path: Path, damage: str) -> None:
    skipped = SkippedLineCounter()
    path = zipped(tmp_path / "BTCUSDT-trades-2024-08-08.zip", TRADE * 50)
    file = table_file(path)
    assert file is not None
    content = bytearray(path.read_bytes())
    head, listed = 0, content.index(b"PK\x01\x02")
    if damage == "bits":
        content[60:70] = b"\xff" * 10
    elif damage == "method":
        content[head + 8] = content[listed + 10] = 97
    else:
        content[head + 6] |= 1
        content[listed + 8] |= 1
    path.write_bytes(content)
    list(row_groups(file, skipped))
    assert reasons(skipped) == {"broken_file": 1}
