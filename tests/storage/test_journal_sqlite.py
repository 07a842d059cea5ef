"""What the journal on disk does besides: one process, its own file, reopening, its log."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from floorwire.auth.secret_sealer import SecretSealer
from floorwire.storage import journal_file, wal_checkpoints
from floorwire.storage.journal import JournalLockedError, JournalSnapshot, JournalUnusableError
from floorwire.storage.journal_sqlite import SqliteJournal
from floorwire.storage.key_store import KeyStore
from tests.storage.journals import entries, entry, keep, numbers


async def test_it_goes_on_where_it_ended(tmp_path: Path) -> None:
    for turn in range(4):
        with closing(SqliteJournal(tmp_path, 100)) as journal:
            assert (journal.last_n, journal.durable_n) == (turn * 6, turn * 6)
            await keep(journal, entries(5), entries(1))
            await journal.save_snapshot(JournalSnapshot(journal.last_n, [b"state"]))
            assert numbers(list(journal.read())) == list(range(1, turn * 6 + 7))
    with closing(SqliteJournal(tmp_path, 100)) as journal:
        assert journal.latest_snapshot() == JournalSnapshot(24, [b"state"])
        assert numbers(await journal.read_account("alice", 5, 100)) == list(range(6, 25))


async def test_appends_of_one_turn_are_few_commits(tmp_path: Path) -> None:
    with closing(SqliteJournal(tmp_path, 10_000)) as journal:
        for _ in range(500):
            journal.append(entries(1), lambda _: None)
        await keep(journal, [])
        rows = (
            sqlite3.connect(tmp_path / journal_file.FILE).execute("SELECT count(*) FROM commits").fetchone()
        )
        assert rows[0] < 250  # one for the first, and one for all that came meanwhile, were the machine idle


def test_a_second_one_is_refused_in_this_process_and_in_another(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from floorwire.storage.journal_sqlite import SqliteJournal;"
        "SqliteJournal(Path(sys.argv[1]), 1)"
    )
    with closing(SqliteJournal(tmp_path, 1)):
        with pytest.raises(JournalLockedError, match="another process"):
            SqliteJournal(tmp_path, 1)
        other = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, check=False)
        assert b"JournalLockedError" in other.stderr
    SqliteJournal(tmp_path, 1).close()


@pytest.mark.parametrize("content", [b"garbage" * 1_000, bytes(8_192), b"SQLite format 3\0" * 8])
async def test_what_is_in_the_file_of_the_lock_does_not_matter(tmp_path: Path, content: bytes) -> None:
    """The journal was called damaged after record 0, and orders were refused."""
    with closing(SqliteJournal(tmp_path, 100)) as journal:
        await keep(journal, entries(3))
    (tmp_path / journal_file.LOCK).write_bytes(content)
    with closing(SqliteJournal(tmp_path, 100)) as journal:
        assert journal.last_n == 3
        with pytest.raises(JournalLockedError, match="another process"):
            SqliteJournal(tmp_path, 100)
    assert (tmp_path / journal_file.LOCK).read_bytes() == content


async def test_keys_are_made_beside_it(tmp_path: Path) -> None:
    with closing(SqliteJournal(tmp_path, 100)) as journal:
        KeyStore(tmp_path, SecretSealer(bytes(32))).open_account("alice", {"USDT": "10"}, 1)
        await keep(journal, entries(1))
        assert len(KeyStore(tmp_path, SecretSealer(bytes(32))).deposits()) == 1


@pytest.mark.skipif(os.name != "posix", reason="modes are of POSIX")
async def test_its_files_are_the_owners_alone(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with closing(SqliteJournal(folder, 100)) as journal:
        await keep(journal, entries(1))
        await journal.save_snapshot(JournalSnapshot(1, ()))
        paths = [folder, *folder.iterdir()]
        assert len(paths) >= 6
        assert [path for path in paths if path.stat().st_mode & 0o077] == []


async def test_the_log_starts_anew_instead_of_growing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wal_checkpoints, "DUE_PAGES", 200)
    log = tmp_path / f"{journal_file.FILE}-wal"
    with closing(SqliteJournal(tmp_path, 10_000)) as journal:
        for _ in range(130):  # twice the log's length
            await keep(journal, [entry(payload=bytes(65_536)) for _ in range(4)])
            await journal.read_account("alice", journal.last_n - 1, 1)
        assert log.stat().st_size < 1.5 * journal_file.LOG_BYTES
        assert (tmp_path / journal_file.FILE).stat().st_size > journal_file.LOG_BYTES
        assert numbers(list(journal.read())) == list(range(1, 521))


async def test_a_closed_journal_says_that_it_cannot_be_read(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path, 10_000)
    await keep(journal, entries(1))
    journal.close()
    with pytest.raises(JournalUnusableError, match="closed"):
        await journal.read_account("alice", 0, 1)


async def test_reading_goes_on_beside_appends(tmp_path: Path) -> None:
    with closing(SqliteJournal(tmp_path, 10_000)) as journal:
        await keep(journal, entries(10), entries(10))
        reader = journal.read(5)
        assert next(reader).n == 6
        await keep(journal, entries(10))
        assert numbers(list(reader)) == list(range(7, 21))
        assert numbers(list(journal.read(20))) == list(range(21, 31))


async def test_resumes_of_many_accounts_at_once_see_all_that_was_acknowledged(tmp_path: Path) -> None:
    with closing(SqliteJournal(tmp_path, 10_000)) as journal:

        async def trade(account: str) -> None:
            mine: list[int] = []
            for _ in range(10):
                await keep(journal, [entry(account)])
                found = await journal.read_account(account, mine[-1] if mine else 0, 10)
                assert len(found) == 1
                mine += numbers(found)
            assert numbers(await journal.read_account(account, 0, 100)) == mine

        async with asyncio.TaskGroup() as group:
            for number in range(20):
                group.create_task(trade(f"account {number}"))


def test_another_versions_file_is_refused(tmp_path: Path) -> None:
    SqliteJournal(tmp_path, 1).close()
    with closing(sqlite3.connect(tmp_path / journal_file.FILE)) as connection:
        connection.execute("PRAGMA user_version = 9")
    with pytest.raises(JournalUnusableError, match="another version of Floorwire: 9"):
        SqliteJournal(tmp_path, 1)


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(b"")
    with pytest.raises(JournalUnusableError, match="exists"):
        SqliteJournal(tmp_path / "data", 1)
