"""The header of SQLite's write-ahead log: what SQLite wrote is known from anything else."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from floorwire.storage.files_in_place import FileGoneError
from floorwire.storage.log_header import HEADER_BYTES, LogHeader, is_whole


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Path]:
    """The log of a database that is open."""
    with closing(sqlite3.connect(tmp_path / "a.db", isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("CREATE TABLE a (b)")
        yield tmp_path / "a.db-wal"


def test_sqlites_header_is_whole_and_no_flipped_bit_is(log: Path) -> None:
    header = log.read_bytes()[:HEADER_BYTES]
    assert is_whole(header)
    for bit in range(8 * HEADER_BYTES):
        assert not is_whole((int.from_bytes(header) ^ (1 << bit)).to_bytes(HEADER_BYTES))
    assert not is_whole(header[:-1])
    assert not is_whole(b"")


def test_checksums_of_big_endian_numbers_are_read_too() -> None:
    header = bytes.fromhex("377f0683 002de218 00001000 00000000 01020304 05060708".replace(" ", ""))
    first = second = 0
    for at in range(0, 24, 8):
        first = (first + int.from_bytes(header[at : at + 4]) + second) % 2**32
        second = (second + int.from_bytes(header[at + 4 : at + 8]) + first) % 2**32
    assert is_whole(header + first.to_bytes(4) + second.to_bytes(4))


def test_one_that_was_overwritten_is_named(log: Path) -> None:
    with closing(LogHeader(log)) as header:
        header.check()
        with log.open("r+b") as file:
            file.write(bytes(HEADER_BYTES))
        with pytest.raises(FileGoneError, match="db-wal was overwritten"):
            header.check()


def test_one_that_is_being_written_is_read_again(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = log.read_bytes()[:HEADER_BYTES]
    half = whole[:16] + bytes(16)
    with closing(LogHeader(log)) as header:
        reads = iter([half, whole])
        monkeypatch.setattr(os, "pread", lambda *_: next(reads))
        header.check()
        assert not list(reads)


def test_one_that_cannot_be_read_is_named(log: Path) -> None:
    header = LogHeader(log)
    header.close()
    header.close()
    with pytest.raises(FileGoneError, match="db-wal: "):
        header.check()
