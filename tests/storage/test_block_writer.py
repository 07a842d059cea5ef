from __future__ import annotations

import errno
import os
import select
import signal
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

block_writer = pytest.importorskip("floorwire.storage.block_writer", reason="block_writer.c is not compiled")
BLOCK_BYTES = 4_096
BUSY = -1


class Opened:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self.event_fd = os.eventfd(0, os.EFD_CLOEXEC)
        self.threads_before = set(os.listdir("/proc/self/task"))
        self.writer = block_writer.start(self.fd, self.event_fd)

    def wait(self) -> int:
        """Wait until the block is written; return the outcome."""
        assert select.select([self.event_fd], [], [], 30)[0]
        assert os.eventfd_read(self.event_fd) == 1
        return int(block_writer.outcome(self.writer))


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opened]:
    opened = Opened(tmp_path / "block")
    yield opened
    with suppress(ValueError):  # the test stopped it
        block_writer.stop(opened.writer)
    os.close(opened.fd)
    os.close(opened.event_fd)


def test_a_block_is_written_whole(opened: Opened) -> None:
    for data in (b"a" * BLOCK_BYTES, b"b", b"", b"c" * 100):
        assert block_writer.begin(opened.writer, data)
        assert opened.wait() == 0
        assert opened.path.read_bytes() == data.ljust(BLOCK_BYTES, b"\0")


def test_a_block_has_a_size(opened: Opened) -> None:
    assert not block_writer.begin(opened.writer, b"a" * (BLOCK_BYTES + 1))
    assert block_writer.outcome(opened.writer) == 0
    assert opened.path.read_bytes() == b""


def test_the_error_is_the_system_s(opened: Opened) -> None:
    read_only = os.open(opened.path, os.O_RDONLY)
    os.dup2(read_only, opened.fd)
    os.close(read_only)
    assert block_writer.begin(opened.writer, b"a")
    assert opened.wait() == errno.EBADF
    assert block_writer.begin(opened.writer, b"b")
    assert opened.wait() == errno.EBADF


def test_a_stopped_writer_cannot_be_used(opened: Opened) -> None:
    assert block_writer.begin(opened.writer, b"a")
    block_writer.stop(opened.writer)
    assert opened.path.read_bytes()[:1] == b"a"
    for use in (block_writer.outcome, block_writer.discard, block_writer.stop):
        with pytest.raises(ValueError, match="PyCapsule"):
            use(opened.writer)
    with pytest.raises(ValueError, match="PyCapsule"):
        block_writer.begin(opened.writer, b"b")


def test_what_is_no_writer_is_refused() -> None:
    for use in (block_writer.outcome, block_writer.discard, block_writer.stop):
        with pytest.raises(ValueError, match="PyCapsule"):
            use(object())
    with pytest.raises(TypeError):
        block_writer.begin(object(), "text")


def test_a_writer_that_nobody_stops_ends_with_the_process(tmp_path: Path) -> None:
    child = os.fork()
    if child == 0:  # its thread is not in the child; the child must not touch it, and can make its own
        try:
            opened = Opened(tmp_path / "forked")
            assert block_writer.begin(opened.writer, b"child")
            assert opened.wait() == 0
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
    assert (tmp_path / "forked").read_bytes()[:5] == b"child"


def test_its_thread_takes_no_signal(opened: Opened) -> None:
    assert block_writer.begin(opened.writer, b"a")
    assert opened.wait() == 0
    wanted = 1 << (signal.SIGTERM - 1) | 1 << (signal.SIGINT - 1)
    assert _blocked(threading.get_native_id()) & wanted == 0
    (thread,) = set(os.listdir("/proc/self/task")) - opened.threads_before
    assert _blocked(int(thread)) & wanted == wanted


def _blocked(thread: int) -> int:
    status = Path(f"/proc/self/task/{thread}/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("SigBlk:")]
    return int(line.split()[1], 16)


def test_a_block_that_cannot_be_synced_is_not_told_as_written(opened: Opened) -> None:
    null = os.open("/dev/null", os.O_WRONLY)  # takes writes; to sync it is an error (EINVAL)
    os.dup2(null, opened.fd)
    os.close(null)
    assert block_writer.begin(opened.writer, b"a")
    assert opened.wait() == errno.EINVAL
