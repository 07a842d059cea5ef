"""Lines that nobody reads any more are lost and counted. The work goes on."""

from __future__ import annotations

import io
import os
import threading
from pathlib import Path

import pytest

from floorwire.ops.line_writer import LineWriter, TextFile


class Full:
    """A file on a full disk."""

    def __init__(self) -> None:
        self.is_full = True
        self.written = ""

    def write(self, text: str, /) -> int:
        if self.is_full:
            raise OSError(28, "No space left on device")
        self.written += text
        return len(text)

    def flush(self) -> None:
        pass


def closed() -> TextFile:
    file = io.StringIO()
    file.close()
    return file


def broken_pipe() -> TextFile:
    reading, writing = os.pipe()
    os.close(reading)
    return os.fdopen(writing, "w", buffering=1, closefd=False)


def full_pipe() -> TextFile:
    """A pipe that takes no more, and does not let its writer wait."""
    _, writing = os.pipe()
    os.set_blocking(writing, False)
    try:
        while True:
            os.write(writing, bytes(65_536))
    except BlockingIOError:
        return os.fdopen(writing, "w", buffering=1, closefd=False)


@pytest.mark.parametrize("file", [lambda: None, closed, broken_pipe, full_pipe, Full])
def test_a_line_that_cannot_be_written_is_lost_and_counted(file: object) -> None:
    assert callable(file)
    writer = LineWriter(file())
    writer.write("one\n")
    writer.write("two\n")
    assert writer.lost == 2


def test_the_next_line_is_written_as_soon_as_it_can_be() -> None:
    disk = Full()
    writer = LineWriter(disk)
    writer.write("lost\n")
    disk.is_full = False
    writer.write("kept\n")
    assert disk.written == "kept\n"
    assert writer.lost == 1


def test_lines_of_threads_are_whole(tmp_path: Path) -> None:
    def write(name: str) -> None:
        for _ in range(200):
            writer.write(name * 50 + "\n")

    path = tmp_path / "log"
    with path.open("w") as file:
        writer = LineWriter(file)
        threads = [threading.Thread(target=write, args=name) for name in "abcd"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(path.read_text().split()) == sorted(name * 50 for name in "abcd" for _ in range(200))
    assert writer.lost == 0
