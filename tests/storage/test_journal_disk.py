"""A disk that is full, and one that may not be written to."""

from __future__ import annotations

import os
import resource
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from floorwire.storage import journal_file
from floorwire.storage.journal import JournalBrokenError, JournalEntry, JournalSnapshot, JournalUnusableError
from floorwire.storage.journal_sqlite import SqliteJournal
from tests.storage.journals import NOW, entries, keep, numbers, outcome


def mount(*arguments: str) -> bool:
    done = subprocess.run(["mount", *arguments], capture_output=True, check=False)
    return done.returncode == 0


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[Path]:
    """A disk of 24 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if (
        os.name != "posix"
        or os.geteuid() != 0
        or not mount("-t", "tmpfs", "-o", "size=24m,mode=700", "tiny", str(disk))
    ):
        pytest.skip("only root may mount a disk")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def big(number: int) -> list[JournalEntry]:
    return [JournalEntry("alice", "order", NOW, bytes([number % 256]) * 200_000)]


async def fill(journal: SqliteJournal) -> int:
    """Append until the disk is full; return how many were acknowledged."""
    for number in range(1_000):
        if (error := await outcome(journal, big(number))) is not None:
            assert isinstance(error, JournalBrokenError)
            assert error is journal.broken
            return number
    raise AssertionError("the disk does not fill")


async def test_a_full_disk_loses_nothing_and_takes_nothing_more(tiny: Path) -> None:
    with closing(SqliteJournal(tiny, 100)) as journal:
        acknowledged = await fill(journal)
        assert acknowledged > 50
        assert journal.checkpoint_failures, "the disk was full before its log was"
        with pytest.raises(JournalBrokenError, match=r"full|I/O"):
            journal.append(entries(1), lambda _: None)
        assert len(list(journal.read())) >= acknowledged
        with pytest.raises(JournalUnusableError, match="No space"):
            await journal.save_snapshot(JournalSnapshot(1, [bytes(24_000_000)]))
    with pytest.raises(JournalUnusableError, match=r"full|No space"):
        SqliteJournal(tiny, 100)
    assert mount("-o", "remount,size=96m", str(tiny))
    with closing(SqliteJournal(tiny, 100)) as journal:
        found = list(journal.read())
        assert numbers(found) == list(range(1, journal.last_n + 1))
        assert len(found) in (acknowledged, acknowledged + 1)
        assert [[JournalEntry(r.account, r.kind, r.ts_us, r.payload)] for r in found] == [
            big(number) for number in range(len(found))
        ]
        await keep(journal, entries(1))


async def test_a_disk_that_may_not_be_written_to_is_refused(tiny: Path) -> None:
    with closing(SqliteJournal(tiny, 100)) as journal:
        await keep(journal, entries(3))
    assert mount("-o", "remount,ro", str(tiny))
    with pytest.raises(JournalUnusableError, match=r"[Rr]ead-only|readonly"):
        SqliteJournal(tiny, 100)
    assert mount("-o", "remount,rw", str(tiny))
    with closing(SqliteJournal(tiny, 100)) as journal:
        assert journal.last_n == 3


@contextmanager
def longest_file(limit: int) -> Iterator[None]:
    """Let the system refuse to write beyond so many bytes of any file of this process."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_a_write_that_fails_breaks_the_journal_until_it_is_opened_again(tmp_path: Path) -> None:
    with closing(SqliteJournal(tmp_path, 100)) as journal:
        await keep(journal, entries(1))
        with longest_file(2_000_000):
            acknowledged = 1 + await fill(journal)
        with pytest.raises(JournalBrokenError):  # though there is room again
            journal.append(entries(1), lambda _: None)
        assert len(list(journal.read())) == acknowledged
    with closing(SqliteJournal(tmp_path, 100)) as journal:
        assert journal.last_n == acknowledged
        await keep(journal, entries(1))


def test_no_room_for_the_log_is_said_at_the_start(tmp_path: Path) -> None:
    with longest_file(journal_file.LOG_BYTES // 2), pytest.raises(JournalUnusableError, match="too large"):
        SqliteJournal(tmp_path, 100)
    SqliteJournal(tmp_path, 100).close()
