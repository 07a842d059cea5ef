"""Files of the journal that are removed or replaced while it is open: no lost commit is told."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from floorwire.config import Settings
from floorwire.storage import high_water_mark, journal_file, wal_checkpoints
from floorwire.storage.data_dir import JournalOpener, open_journal
from floorwire.storage.journal import Journal, JournalBrokenError, JournalCorruptError
from floorwire.storage.journal_sqlite import SqliteJournal
from tests.storage.journals import entries, keep, outcome

LOG = f"{journal_file.FILE}-wal"


def remove(path: Path) -> None:
    path.unlink()


def replace(path: Path) -> None:
    copy = path.with_name("copy")
    shutil.copy2(path, copy)
    copy.replace(path)


def move(path: Path) -> None:
    path.rename(path.with_name("moved"))


def overwrite(path: Path, content: bytes) -> None:
    with path.open("r+b") as file:
        file.write(content)


@pytest.mark.parametrize("name", [LOG, journal_file.FILE, high_water_mark.FILE])
@pytest.mark.parametrize("harm", [remove, replace, move])
async def test_no_commit_is_told_as_durable(tmp_path: Path, name: str, harm: Callable[[Path], None]) -> None:
    """50 orders were accepted after the log was gone, and lost at the kill."""
    with closing(SqliteJournal(tmp_path, 100)) as journal:
        await keep(journal, entries(3))
        harm(tmp_path / name)
        for _ in range(2):
            error = await outcome_or_refusal(journal)
            assert isinstance(error, JournalBrokenError)
            assert name in str(error)
        assert journal.durable_n == 3


async def outcome_or_refusal(journal: Journal) -> object:
    try:
        return await outcome(journal, entries(1))
    except JournalBrokenError as refused:
        return refused


async def test_it_is_found_though_nothing_is_appended(tmp_path: Path) -> None:
    with closing(SqliteJournal(tmp_path, 100)) as journal:
        journal.check()
        assert journal.broken is None
        (tmp_path / LOG).unlink()
        journal.check()
        assert isinstance(journal.broken, JournalBrokenError)


@pytest.mark.parametrize("size", [0, 4_096])
async def test_a_log_that_was_cut_in_place_is_found(tmp_path: Path, size: int) -> None:
    """SQLite writes on behind the hole, and a kill would lose all that is behind it."""
    with closing(SqliteJournal(tmp_path, 100)) as journal:
        await keep(journal, entries(3))
        os.truncate(tmp_path / LOG, size)
        journal.check()
        assert isinstance(journal.broken, JournalBrokenError)
        assert f"{LOG} was cut to {size} bytes" in str(journal.broken)


@pytest.mark.parametrize("content", [bytes(4_096), b"garbage" * 5, bytes(4)], ids=["page", "text", "mark"])
async def test_a_log_whose_header_was_overwritten_in_place_is_found(tmp_path: Path, content: bytes) -> None:
    """SQLite goes on behind it: 30 orders were accepted, and gone after a kill."""
    with closing(SqliteJournal(tmp_path, 100)) as journal:
        journal.check()  # nothing was written yet, so that there is no header
        await keep(journal, entries(3))
        journal.check()
        await keep(journal, entries(1))
        overwrite(tmp_path / LOG, content)
        journal.check()
        assert isinstance(journal.broken, JournalBrokenError)
        assert f"{LOG} was overwritten" in str(journal.broken)


async def test_what_was_told_before_the_logs_header_was_overwritten_is_there_after_a_close(
    tmp_path: Path,
) -> None:
    with closing(SqliteJournal(tmp_path, 100)) as journal:
        await keep(journal, *[entries(3) for _ in range(20)])
        overwrite(tmp_path / LOG, bytes(32))
        await keep(journal, entries(3))
        journal.check()
        assert journal.broken is not None
    with closing(SqliteJournal(tmp_path, 100)) as journal:
        assert journal.last_n == 63
        assert len(list(journal.read())) == 63


async def test_a_log_that_sqlite_begins_again_is_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wal_checkpoints, "DUE_PAGES", 8)
    with closing(SqliteJournal(tmp_path, 100)) as journal:
        headers = set()
        for _ in range(200):
            await keep(journal, entries(1))
            headers.add((tmp_path / LOG).read_bytes()[:32])
            journal.check()
            assert journal.broken is None
        assert len(headers) > 1


async def test_what_waits_is_not_told_as_durable_when_it_is_found(tmp_path: Path) -> None:
    with closing(SqliteJournal(tmp_path, 100)) as journal:
        said: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        journal.append(entries(1), said.set_result)
        (tmp_path / LOG).unlink()
        journal.check()
        assert isinstance(await said, JournalBrokenError)
        assert journal.durable_n == 0


async def test_what_was_told_before_the_log_was_gone_is_there_after_a_close(tmp_path: Path) -> None:
    """SQLite copies what it still has open into the database."""
    with closing(SqliteJournal(tmp_path, 100)) as journal:
        await keep(journal, *[entries(3) for _ in range(20)])
        (tmp_path / LOG).unlink()
        assert await outcome(journal, entries(1)) is not None
    with closing(SqliteJournal(tmp_path, 100)) as journal:
        assert journal.last_n in (60, 61)
        assert len(list(journal.read())) == journal.last_n


@pytest.mark.parametrize("kept", [(), ("journal.mark", "journal.made")], ids=["all", "but the mark"])
async def test_a_process_does_not_begin_anew_where_its_journal_was_removed(
    tmp_path: Path, kept: tuple[str, ...]
) -> None:
    settings = Settings(data=str(tmp_path / "data"))
    opener = JournalOpener(lambda acknowledged_n: open_journal(settings, acknowledged_n))
    with closing(opener.open()) as journal:
        await keep(journal, entries(3))
        (tmp_path / "data" / journal_file.FILE).unlink()
        assert await outcome(journal, entries(1)) is not None
        for path in (tmp_path / "data").iterdir():
            if path.name not in kept:
                path.unlink()
    for _ in range(2):
        with pytest.raises(JournalCorruptError, match="removed"):
            opener.open()
    assert not (tmp_path / "data" / journal_file.FILE).exists(), "none was made"
