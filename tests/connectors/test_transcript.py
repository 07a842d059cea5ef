from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorwire.connectors.recorded_line import MAX_NAMED_LINES, RecordedLine, SkippedLineCounter
from floorwire.connectors.transcript import read_transcript

OWN = Path(__file__).parent.parent / "recorded"
SOCKET = (OWN / "coinbase" / "COINBASE.ws.3.0").read_bytes()
T = 1_700_000_000_000_000


def read(tmp_path: Path, text: str | bytes) -> tuple[list[RecordedLine], list[tuple[str, int, list[str]]]]:
    """Return the lines of a file with this text, and what was left out."""
    file = tmp_path / "file"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    skips = SkippedLineCounter()
    found = list(read_transcript(file, skips))
    return found, [(skipped.reason, skipped.count, skipped.lines) for skipped in skips.all()]


@pytest.mark.parametrize(
    ("line", "entry"),
    [
        (
            'https://x/y -> 1700000000.5: {"a":1}',
            RecordedLine(1, T + 500_000, b'{"a":1}', "->", "https://x/y"),
        ),
        ("wss://x <-> 1700000000.25", RecordedLine(1, T + 250_000, b"", "<->", "wss://x")),
        ('wss://x <- 1700000000: {"b":2}', RecordedLine(1, T, b'{"b":2}', "<-", "wss://x")),
        ("1700000000.0000019: [1, 2]", RecordedLine(1, T + 1, b"[1, 2]")),
        ("1700000000.1: pong", RecordedLine(1, T + 100_000, b"pong")),
    ],
)
def test_each_kind_of_line(tmp_path: Path, line: str, entry: RecordedLine) -> None:
    assert read(tmp_path, line) == ([entry], [])
    assert read(tmp_path, line + "\r\n\n") == ([entry], [])


def test_configuration_and_blank_lines_are_not_counted_as_broken(tmp_path: Path) -> None:
    assert read(tmp_path, 'configuration: {"x": 1}\n\n   \n') == ([], [])


def test_a_text_may_continue_on_the_next_lines(tmp_path: Path) -> None:
    text = '1700000000: {\n "a": 1\n}\n1700000001: [2]\n'
    assert read(tmp_path, text) == (
        [RecordedLine(1, T, b'{ "a": 1\n}\n'), RecordedLine(4, T + 1_000_000, b"[2]")],
        [],
    )


def test_broken_lines_are_left_out_and_named(tmp_path: Path) -> None:
    text = (
        "garbage\n"
        "1700000000: [1]\n"
        "more garbage\n"
        '1700000001: {"cut": \n'
        "1700000002: [2]\n"
        "1700000003\n"
        "wss://x <- 1700000003\n"
        "wss://x <-> 1700000003: text\n"
        "170000000: [3]\n"
        "1700000004: \n"
        "1700200000: [4]\n"
        "1600000000: [5]\n"
        "1700000005: [6]\n"
    )
    found, skipped = read(tmp_path, text)
    assert [entry.text for entry in found] == [b"[1]", b"[2]", b"[6]"]
    assert skipped == [
        ("broken_line", 6, ["file:1", "file:3", "file:6", "file:7", "file:8"]),
        ("broken_message", 2, ["file:4", "file:10"]),
        ("bad_time", 2, ["file:11", "file:12"]),
    ]


def test_only_the_first_lines_are_named(tmp_path: Path) -> None:
    [(reason, count, lines)] = read(tmp_path, "x\n" * 1000)[1]
    assert (reason, count, len(lines)) == ("broken_line", 1000, MAX_NAMED_LINES)


def test_deeply_nested_json_counts_as_broken(tmp_path: Path) -> None:
    assert read(tmp_path, "1700000000: " + "[" * 100_000)[1] == [("broken_message", 1, ["file:1"])]


@given(cut=st.integers(0, len(SOCKET)), place=st.integers(0, len(SOCKET)), junk=st.binary(max_size=9))
def test_a_file_cut_or_broken_anywhere_gives_what_it_has(
    tmp_path_factory: pytest.TempPathFactory, cut: int, place: int, junk: bytes
) -> None:
    whole, _ = read(tmp_path_factory.mktemp("whole"), SOCKET)
    start, _ = read(tmp_path_factory.mktemp("start"), SOCKET[:cut])
    kept, last = start[:-1], start[-1:]  # the time of the last may be cut short: a time all the same
    assert kept == [entry for entry in whole if entry in kept]
    assert {entry.number for entry in last} <= {entry.number for entry in whole}
    assert len(start) >= SOCKET[:cut].count(b"\n1") - 5, "all but what was cut or broken before"
    broken, skipped = read(tmp_path_factory.mktemp("broken"), SOCKET[:place] + junk + SOCKET[place:])
    assert len(whole) - len([entry for entry in broken if entry.text in {w.text for w in whole}]) <= 2
    of_one_message = SOCKET.count(b"\n ") + 1  # the one over several lines
    assert sum(count for _, count, _ in skipped) <= 4 + of_one_message + junk.count(b"\n")
