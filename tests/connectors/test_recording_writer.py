"""Recordings of ``floorwire record``: written, killed at any moment, cut at any byte, and read again."""

from __future__ import annotations

import asyncio
import errno
import itertools
import os
import random
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from floorwire.connectors import recording, recording_format
from floorwire.connectors.recorded_line import RecordedLine, SkippedLineCounter, first_text
from floorwire.connectors.recording_files import RecordingError, read_lines
from floorwire.connectors.recording_writer import BLOCK_BYTES, RecordingWriter, session_name
from floorwire.connectors.traffic_recorder import TrafficRecorder
from floorwire.core.ports import Closed, Frame, Opened

T = 1_700_000_000_000_000
LINK_URL = "wss://ws-feed.exchange.coinbase.com"
LIST_URL = "https://api.exchange.coinbase.com/products"


class Clocked:
    """A recorder with a date that moves on by a millisecond."""

    def __init__(
        self,
        folder: Path,
        max_bytes: int = 10**9,
        max_age_us: int = 3_600_000_000,
        max_waiting: int = 10**6,
    ) -> None:
        self.now_us = T
        self.faults = 0
        self.writer = RecordingWriter(folder, "here", "coinbase", "here-1", max_bytes, max_age_us)
        self.recorder = TrafficRecorder(self.writer, self._stamp_us, self._on_fault, max_waiting)
        self.recorder.start()

    def _stamp_us(self) -> int:
        self.now_us += 1_000
        return self.now_us

    def _on_fault(self, _error: OSError) -> None:
        self.faults += 1


def lines(path: Path) -> tuple[list[RecordedLine], list[tuple[str, int]]]:
    skipped = SkippedLineCounter()
    found = [line for line in read_lines(path, skipped) if line.mark != "#"]
    return found, [(one.reason, one.count) for one in skipped.all()]


def frame(number: int) -> bytes:
    return b'{"type":"heartbeat","n":%d}' % number


def test_what_was_recorded_plays_again(tmp_path: Path) -> None:
    made = Clocked(tmp_path)
    made.recorder.requested("GET", LIST_URL)
    made.recorder.answered(LIST_URL, 200, b"[]")
    made.recorder.answered(LIST_URL, 503, b"later")
    made.recorder.opened("feed-0", LINK_URL)
    made.recorder.sent("feed-0", '{"type":"subscribe","product_ids":["ABC-USD"],"channels":["ticker"]}')
    made.recorder.received("feed-0", frame(1))
    made.recorder.opened("feed-1", LINK_URL)
    made.recorder.received("feed-1", "größer\n".encode())
    made.recorder.received("feed-0", b"\xff\x00")
    made.recorder.closed("feed-0", "cut")
    made.recorder.end()
    read = recording.read(tmp_path)
    assert (read.adapter, read.frames, read.symbols, read.skipped) == ("coinbase", 3, ("ABC-USD",), ())
    assert [(answer.url, answer.body) for answer in read.answers] == [(LIST_URL, b"[]")]
    assert [recorded.happened for recorded in read.inputs()] == [
        Opened("feed-0"),
        Frame("feed-0", frame(1)),
        Opened("feed-1"),
        Frame("feed-1", "größer\n".encode()),
        Frame("feed-0", b"\xff\x00"),
        Closed("feed-0", "cut"),
    ]
    [file] = made.writer.files
    assert file.name == "here-1.00001.jsonl.gz"
    header = recording_format.header(first_text(file))
    assert header == recording_format.Header(T + 1_000, "here", "coinbase", "here-1", 1)
    assert recording_format.header(b"{}") is None
    assert made.recorder.counts.messages == 3


def test_what_comes_after_the_end_is_not_counted(tmp_path: Path) -> None:
    made = Clocked(tmp_path)
    made.recorder.received("feed-0", frame(1))
    made.recorder.end()
    made.recorder.received("feed-0", frame(2))
    assert made.recorder.counts.messages == recording.read(tmp_path).frames == 1


def test_files_are_rotated_by_size_and_by_age(tmp_path: Path) -> None:
    made = Clocked(tmp_path / "a", max_bytes=2_000)
    noise = random.Random(1)
    made.recorder.opened("feed-0", LINK_URL)
    for number in range(100):
        made.recorder.received("feed-0", b'{"n":%d,"x":"%s"}' % (number, noise.randbytes(60).hex().encode()))
        made.recorder.flush()
    made.recorder.end()
    assert len(made.writer.files) > 3
    assert made.writer.total_bytes == sum(file.stat().st_size for file in made.writer.files)
    read = recording.read(tmp_path / "a")
    assert (read.frames, read.skipped) == (100, ())
    assert sum(isinstance(one.happened, Opened) for one in read.inputs()) == 1, "links go on in the next file"
    aged = Clocked(tmp_path / "b", max_age_us=1_000_000)
    aged.now_us += 2_000_000
    aged.recorder.flush()
    aged.recorder.end()
    assert [file.name for file in aged.writer.files] == ["here-1.00001.jsonl.gz", "here-1.00002.jsonl.gz"]


def test_a_part_is_played_alone_with_the_answers_before_it(tmp_path: Path) -> None:
    made = Clocked(tmp_path, max_age_us=0)
    made.recorder.answered(LIST_URL, 200, b"[]")
    made.recorder.opened("feed-0", LINK_URL)
    made.recorder.received("feed-0", frame(1))
    made.recorder.flush()
    made.recorder.received("feed-0", frame(2))
    made.recorder.end()
    part = recording.read(made.writer.files[1])
    assert (part.frames, len(part.answers)) == (1, 1)
    assert [one.happened for one in part.inputs()] == [Opened("feed-0"), Frame("feed-0", frame(2))]


def test_several_sessions_in_a_folder_are_not_one(tmp_path: Path) -> None:
    for session in ("a", "b"):
        RecordingWriter(tmp_path, "a", "b", session, 1, 1).start_file(T)
    with pytest.raises(RecordingError, match="has sessions of a, b: name a file"):
        recording.read(tmp_path)


def test_what_was_flushed_is_read_wherever_the_file_is_cut(tmp_path: Path) -> None:
    made = Clocked(tmp_path / "whole")
    made.recorder.opened("feed-0", LINK_URL)
    sizes: list[tuple[int, int]] = []
    [file] = made.writer.files
    for number in range(30):
        made.recorder.received("feed-0", frame(number))
        made.recorder.flush()
        sizes.append((file.stat().st_size, number + 1))
    made.recorder.end()
    whole = file.read_bytes()
    cut = tmp_path / "cut.00001.jsonl.gz"
    for length in range(sizes[0][0], len(whole)):
        cut.write_bytes(whole[:length])
        found, skipped = lines(cut)
        flushed = max(count for size, count in sizes if size <= length)
        assert sum(not line.mark for line in found) >= flushed
        assert [reason for reason, _ in skipped][-1:] == ["broken_file"], "it is said, and nothing fails"


@pytest.mark.parametrize("seed", range(4))
def test_a_recorder_that_is_killed_loses_nothing_that_it_flushed(tmp_path: Path, seed: int) -> None:
    command = [sys.executable, "-m", "tests.connectors.recorder_child", os.fspath(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        for _ in range(random.Random(seed).randrange(1, 60)):
            flushed = int(child.stdout.readline())
        child.send_signal(signal.SIGKILL)
        *rest, _ = child.stdout.read().split("\n")
    flushed = int(rest[-1]) if rest else flushed
    read = recording.read(tmp_path)
    assert read.frames >= flushed
    numbers = [one.happened.data for one in read.inputs() if isinstance(one.happened, Frame)]
    found = [int(bytes(data).split(b'"n":')[1].split(b",")[0]) for data in map(_bytes, numbers)]
    assert found == list(range(len(found)))
    assert {one.reason for one in read.skipped} <= {"broken_file", "broken_line"}
    if read.skipped:
        assert read.skipped[-1].count == 1


def _bytes(data: str | bytes) -> bytes:
    return data if isinstance(data, bytes) else data.encode()


def test_much_text_is_flushed_before_its_time(tmp_path: Path) -> None:
    made = Clocked(tmp_path)
    [file] = made.writer.files
    sizes: list[int] = []
    text = recording_format.encode(recording_format.Received(T, "a", "x" * (BLOCK_BYTES // 2)))

    def written() -> Iterator[bytes]:
        for _ in range(4):
            yield text
            sizes.append(len(lines(file)[0]))

    made.writer.append(written(), T)
    assert sizes == [0, 2, 2, 4]


def test_a_disk_that_fails_ends_the_recording_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Clocked(tmp_path)
    made.recorder.received("feed-0", frame(1))
    made.recorder.flush()

    def full(_descriptor: int, _data: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        made.recorder.received("feed-0", frame(2))
        made.recorder.flush()
    made.recorder.received("feed-0", frame(3))
    made.recorder.end()
    assert made.faults == 1
    assert made.recorder.counts.is_failed
    assert made.recorder.fault is not None
    found, _ = lines(made.writer.files[0])
    assert [line.text for line in found if not line.mark] == [frame(1)]


def test_a_write_that_is_short_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:7]))
    made = Clocked(tmp_path)
    made.recorder.received("feed-0", frame(1))
    made.recorder.end()
    found, skipped = lines(made.writer.files[0])
    assert ([line.text for line in found], skipped) == ([frame(1)], [])


def test_an_older_recording_is_never_overwritten(tmp_path: Path) -> None:
    Clocked(tmp_path).recorder.end()
    with pytest.raises(FileExistsError):
        Clocked(tmp_path)


def test_lines_that_are_no_records_are_counted(tmp_path: Path) -> None:
    file = tmp_path / "s.00001.jsonl"
    good = recording_format.encode(recording_format.Received(T, "a", "{}"))
    head = recording_format.encode(recording_format.Header(T, "here", "coinbase", "s", 1))
    file.write_bytes(head + b'{"kind":"other"}\n' + good + b"[" * 5_000 + b"\n" + good[:-1])
    found, skipped = lines(file)
    assert [line.text for line in found] == [b"{}"]
    assert skipped == [("broken_line", 3)]


def test_records_are_small_and_begin_with_their_kind() -> None:
    for record, text in (
        (recording_format.Received(1, "a", "x"), '{"kind":"received","at_us":1,"link":"a","text":"x"}\n'),
        (recording_format.RecordingEnded(2), '{"kind":"ended","at_us":2}\n'),
    ):
        assert recording_format.encode(record).decode() == text
    assert recording_format.is_recording(
        recording_format.encode(recording_format.Header(1, "a", "b", "c", 1))
    )
    assert not recording_format.is_recording(b'{"kind":"ended","at_us":2}')


def test_dates_of_a_session_rise(tmp_path: Path) -> None:
    made = Clocked(tmp_path)
    for number in range(10):
        made.recorder.received("feed-0", frame(number))
    made.recorder.end()
    found, _ = lines(made.writer.files[0])
    assert all(first.at_us < second.at_us for first, second in itertools.pairwise(found))
    assert msgspec.json.decode(found[3].text) == {"type": "heartbeat", "n": 3}


def test_what_the_disk_has_no_time_for_is_left_out_and_said(tmp_path: Path) -> None:
    made = Clocked(tmp_path, max_waiting=1_000)
    made.recorder.opened("feed-0", LINK_URL)
    for number in range(100):
        made.recorder.received("feed-0", frame(number))
    lost = made.recorder.counts.left_out
    assert 80 < lost < 100
    made.recorder.flush()
    made.recorder.received("feed-0", frame(100))
    made.recorder.end()
    read = recording.read(tmp_path)
    happened = [one.happened for one in read.inputs()]
    assert len(happened) == 1 + (100 - lost) + 1 + 2
    assert happened[-3:] == [
        Closed("feed-0", f"{lost} records were left out"),
        Opened("feed-0"),
        Frame("feed-0", frame(100)),
    ]


def test_a_disk_that_stalls_holds_up_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    goes_on, write = threading.Event(), os.write
    made = Clocked(tmp_path, max_waiting=10_000)

    def slow(descriptor: int, data: bytes) -> int:
        goes_on.wait(30)
        return write(descriptor, data)

    monkeypatch.setattr(os, "write", slow)

    async def record() -> None:
        task = asyncio.create_task(made.recorder.run())
        monkeypatch.setattr("floorwire.connectors.traffic_recorder.FLUSH_S", 0)
        for number in range(1_000):
            made.recorder.received("feed-0", frame(number))
            await asyncio.sleep(0)
        assert made.recorder.counts.left_out > 500
        goes_on.set()
        task.cancel()
        made.recorder.end()

    asyncio.run(record())
    read = recording.read(tmp_path)
    assert read.frames + made.recorder.counts.left_out == 1_000


def test_the_name_of_a_session_stands_for_all_its_files(tmp_path: Path) -> None:
    for session in ("a-1", "a-2"):
        writer = RecordingWriter(tmp_path, "a", "coinbase", session, 1, 10**12)
        recorder = TrafficRecorder(writer, lambda: T)
        recorder.start()
        for number in range(3):
            recorder.received("feed-0", frame(number))
            recorder.flush()
        recorder.end()
    assert recording.read(tmp_path / "a-2").frames == 3
    with pytest.raises(FileNotFoundError):
        recording.read(tmp_path / "a-3")


def test_nothing_is_recorded_before_the_start_or_after_the_end(tmp_path: Path) -> None:
    writer = RecordingWriter(tmp_path / "x", "a", "coinbase", "s", 10**6, 10**12)
    recorder = TrafficRecorder(writer, lambda: T)
    recorder.received("feed-0", frame(1))
    recorder.end()
    assert list(tmp_path.iterdir()) == []
    recorder.start()
    recorder.received("feed-0", frame(2))
    recorder.end()
    recorder.received("feed-0", frame(3))
    recorder.end()
    assert recording.read(tmp_path / "x").frames == 1


def test_sessions_have_names_of_their_own() -> None:
    first = session_name("binance")
    assert re.fullmatch(r"binance-[0-9]{8}T[0-9]{6}\.[0-9]{3}Z", first)
