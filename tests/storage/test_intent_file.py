from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorwire.storage import intent_file
from floorwire.storage.intent_file import BLOCK_BYTES, FILE, MOST_BYTES, IntentFile, decode, encode

needs_writer = pytest.mark.skipif(not intent_file.IS_COMPILED, reason="block_writer.c is not compiled")


def found(folder: Path, last_n: int) -> bytes | None:
    file = IntentFile(folder / FILE)
    file.close()
    return file.read(last_n)


async def written(file: IntentFile, last_n: int, intent: bytes) -> bool:
    told: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
    assert file.write(last_n, intent, told.set_result)
    return await asyncio.wait_for(told, 30)


# --- the block ----------------------------------------------------------------------------------------


@given(st.integers(0, 2**63), st.binary(min_size=1, max_size=300))
def test_a_block_has_its_intent(last_n: int, intent: bytes) -> None:
    block = encode(last_n, intent).ljust(BLOCK_BYTES, b"\0")
    assert decode(block, last_n) == intent
    assert decode(block, last_n + 1) is None


@given(st.binary(min_size=1, max_size=300), st.data())
def test_a_flipped_bit_or_a_torn_block_is_no_intent(intent: bytes, data: st.DataObject) -> None:
    content = encode(7, intent)
    block = content.ljust(BLOCK_BYTES, b"\0")
    bit = data.draw(st.integers(0, len(content) * 8 - 1))
    flipped = bytearray(block)
    flipped[bit // 8] ^= 1 << bit % 8
    assert decode(bytes(flipped), 7) is None
    other = encode(7, b"!" * len(intent)).ljust(BLOCK_BYTES, b"\0")
    cut = data.draw(st.integers(0, len(content)))
    assert decode(block[:cut] + other[cut:], 7) in (None, intent, b"!" * len(intent))
    assert decode(block[:cut], 7) == (intent if cut == len(content) else None)


def test_zeros_are_no_intent() -> None:
    assert decode(bytes(BLOCK_BYTES), 0) is None
    assert decode(b"", 0) is None


# --- the file -----------------------------------------------------------------------------------------


def test_a_new_file_has_its_block_and_no_intent(tmp_path: Path) -> None:
    assert found(tmp_path, 0) is None
    assert (tmp_path / FILE).stat().st_size == BLOCK_BYTES
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600


def test_a_file_that_was_cut_after_its_intent_keeps_it(tmp_path: Path) -> None:
    content = encode(7, b"order")
    (tmp_path / FILE).write_bytes(content)
    (tmp_path / FILE).chmod(0o600)
    assert found(tmp_path, 7) == b"order"
    assert found(tmp_path, 7) == b"order"
    assert (tmp_path / FILE).stat().st_size == BLOCK_BYTES


@needs_writer
async def test_an_intent_is_found_until_a_record_follows(tmp_path: Path) -> None:
    file = IntentFile(tmp_path / FILE)
    assert await written(file, 7, b"order")
    file.close()
    assert found(tmp_path, 7) == b"order"
    assert found(tmp_path, 8) is None


@needs_writer
async def test_a_shorter_intent_leaves_nothing_of_a_longer_one(tmp_path: Path) -> None:
    file = IntentFile(tmp_path / FILE)
    assert await written(file, 7, b"x" * MOST_BYTES)
    assert (tmp_path / FILE).read_bytes().endswith(b"x")
    assert await written(file, 8, b"y")
    file.close()
    assert (tmp_path / FILE).read_bytes() == encode(8, b"y").ljust(BLOCK_BYTES, b"\0")


@needs_writer
async def test_one_at_a_time_and_none_that_is_too_long(tmp_path: Path) -> None:
    file = IntentFile(tmp_path / FILE)
    assert not file.write(1, b"x" * (MOST_BYTES + 1), lambda _: None)
    told: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
    assert file.write(1, b"a", told.set_result)
    assert not file.write(1, b"b", lambda _: None)
    assert await asyncio.wait_for(told, 30)
    assert await written(file, 1, b"c")
    file.close()
    assert found(tmp_path, 1) == b"c"


@needs_writer
async def test_a_discarded_intent_is_overwritten(tmp_path: Path) -> None:
    file = IntentFile(tmp_path / FILE)
    file.discard()  # nothing was written
    told: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
    assert file.write(1, b"a", told.set_result)
    file.discard()  # while it is written
    assert await asyncio.wait_for(told, 30)
    file.close()  # after what the thread was asked to do
    assert found(tmp_path, 1) is None


@needs_writer
async def test_after_a_discarded_intent_the_next_one_stands(tmp_path: Path) -> None:
    file = IntentFile(tmp_path / FILE)
    for number in range(200):
        told: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        while not file.write(1, b"refused%d" % number, told.set_result):
            await asyncio.sleep(0)
        file.discard()
        assert await asyncio.wait_for(told, 30)
        next_one: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        while not file.write(1, b"%d" % number, next_one.set_result):
            await asyncio.sleep(0)
        assert await asyncio.wait_for(next_one, 30)
        assert decode((tmp_path / FILE).read_bytes(), 1) == b"%d" % number
    file.close()


@needs_writer
async def test_an_error_of_the_disk_is_told(tmp_path: Path) -> None:
    file = IntentFile(tmp_path / FILE)
    reading = os.open(tmp_path / FILE, os.O_RDONLY)
    os.dup2(reading, file._handle)  # the kernel refuses to write
    os.close(reading)
    assert not await written(file, 1, b"a")
    file.close()
    assert found(tmp_path, 1) is None


@needs_writer
async def test_a_file_that_is_closed_while_it_is_written(tmp_path: Path) -> None:
    told: list[bool] = []
    file = IntentFile(tmp_path / FILE)
    assert file.write(1, b"a", told.append)
    file.close()
    file.close()
    assert not file.write(1, b"b", told.append)
    file.discard()
    for _ in range(3):
        await asyncio.sleep(0)
    assert told == []
    assert found(tmp_path, 1) == b"a"  # the write was finished


@needs_writer
async def test_a_file_that_another_thread_closes(tmp_path: Path) -> None:
    for _ in range(50):
        told: list[bool] = []
        file = IntentFile(tmp_path / FILE)
        assert file.write(1, b"a", told.append)
        closing = threading.Thread(target=file.close)
        closing.start()
        while closing.is_alive():
            await asyncio.sleep(0)
        closing.join()
        await asyncio.sleep(0)
        assert told in ([], [True])


@needs_writer
def test_a_file_that_is_closed_after_the_loop(tmp_path: Path) -> None:
    file = IntentFile(tmp_path / FILE)
    before = len(os.listdir("/proc/self/fd"))

    async def write() -> None:
        assert await written(file, 1, b"a")

    asyncio.run(write())
    file.close()
    assert len(os.listdir("/proc/self/fd")) <= before
    assert found(tmp_path, 1) == b"a"


@needs_writer
async def test_no_file_descriptor_is_left(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        file = IntentFile(tmp_path / FILE)
        assert await written(file, 1, b"a")
        file.close()
        await asyncio.sleep(0)
    assert len(os.listdir("/proc/self/fd")) <= before


async def test_without_the_writer_nothing_is_written_early(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / FILE).write_bytes(encode(7, b"order"))
    (tmp_path / FILE).chmod(0o600)
    monkeypatch.setattr(intent_file, "IS_COMPILED", False)
    file = IntentFile(tmp_path / FILE)
    assert not file.write(7, b"a", lambda _: None)
    file.discard()
    file.close()
    assert file.read(7) == b"order"  # of a process that had the writer


@needs_writer
async def test_a_thread_that_cannot_be_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def start(_fd: int, _event_fd: int) -> object:
        raise BlockingIOError(11, "no thread")

    monkeypatch.setattr(intent_file, "start", start)
    file = IntentFile(tmp_path / FILE)
    assert not file.write(1, b"a", lambda _: None)
    assert not file.write(1, b"a", lambda _: None)
    file.close()


KILLED = """
import asyncio, itertools, os, sys
from pathlib import Path
from floorwire.storage.intent_file import IntentFile

async def main():
    file = IntentFile(Path(sys.argv[1]))
    for number in itertools.count():
        told = asyncio.get_running_loop().create_future()
        assert file.write(1, b"%d," % number * 300, told.set_result)
        os.write(1, b"begin %d\\n" % number)
        await told
        os.write(1, b"told %d\\n" % number)

asyncio.run(main())
"""


@needs_writer
def test_after_a_kill_the_last_intent_that_was_told_is_there_or_the_one_after_it(tmp_path: Path) -> None:
    for lines in (2, 3, 40, 41, 200):
        child = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path / FILE)], stdout=subprocess.PIPE)
        assert child.stdout is not None
        said = [child.stdout.readline() for _ in range(lines)]
        child.send_signal(signal.SIGKILL)
        said += child.stdout.read().splitlines()
        child.wait()
        child.stdout.close()
        last = max(int(line.split()[1]) for line in said if line.startswith(b"told"))
        intent = found(tmp_path, 1)
        assert intent in (b"%d," % last * 300, b"%d," % (last + 1) * 300)
