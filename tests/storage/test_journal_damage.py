"""Damage: what was acknowledged and is gone is never passed over in silence."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import partial
from itertools import islice
from pathlib import Path

import pytest

from floorwire.storage import high_water_mark, journal_file
from floorwire.storage.journal import JournalBrokenError, JournalCorruptError, JournalError, JournalSnapshot
from floorwire.storage.journal_inspection import verify
from floorwire.storage.journal_repair import repair
from floorwire.storage.journal_sqlite import SqliteJournal
from tests.storage.journals import NOW, entries, entry, keep, numbers, outcome

COMMITS = 40


async def crashed(folder: Path) -> Path:
    """Return a copy of a journal with 3 records in each of its commits, as kill -9 leaves it."""
    with closing(SqliteJournal(folder / "live", 100)) as journal:
        await keep(journal, *[entries(3) for _ in range(COMMITS)])
        shutil.copytree(folder / "live", folder / "crashed")
    return folder / "crashed"


def log_of(folder: Path) -> Path:
    return folder / f"{journal_file.FILE}-wal"


def used(log: Path) -> int:
    return len(log.read_bytes().rstrip(b"\0"))


async def test_a_crash_alone_is_no_damage(tmp_path: Path) -> None:
    with closing(SqliteJournal(await crashed(tmp_path), 100)) as journal:
        assert journal.last_n == 3 * COMMITS


def cut_off_the_end(log: Path) -> None:
    content = log.read_bytes()
    log.write_bytes(content[: used(log) - 5_000])


def flip_in_the_middle(log: Path) -> None:
    content = bytearray(log.read_bytes())
    content[used(log) // 2] ^= 0xFF
    log.write_bytes(content)


def flip_in_the_last_commit(log: Path) -> None:
    content = bytearray(log.read_bytes())
    content[used(log) - 1] ^= 0xFF
    log.write_bytes(content)


def flip_in_the_head(log: Path) -> None:
    content = bytearray(log.read_bytes())
    content[8] ^= 0xFF
    log.write_bytes(content)


@pytest.mark.parametrize(
    "damage",
    [cut_off_the_end, flip_in_the_middle, flip_in_the_last_commit, flip_in_the_head, Path.unlink],
)
async def test_a_lost_tail_is_refused_and_kept_for_a_human(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    folder = await crashed(tmp_path)
    damage(log_of(folder))
    for _ in range(2):  # opening it again does not make it good
        with pytest.raises(JournalCorruptError, match=r"were acknowledged and are gone") as caught:
            SqliteJournal(folder, 100)
        assert 0 <= caught.value.good_n < 3 * COMMITS
        assert caught.value.good_n % 3 == 0
        assert f"records {caught.value.good_n + 1} to {3 * COMMITS}" in caught.value.what
    assert numbers(list(journal_file.read(folder, 0))) == list(range(1, caught.value.good_n + 1))
    kept = log_of(folder).with_name(log_of(folder).name + ".damaged")
    assert kept.exists() == (damage is not Path.unlink)


async def test_a_torn_commit_that_nobody_was_told_of_is_no_damage(tmp_path: Path) -> None:
    folder = await crashed(tmp_path)
    flip_in_the_last_commit(log_of(folder))
    made = tmp_path / "new" / high_water_mark.FILE
    made.parent.mkdir()
    high_water_mark.HighWaterMark(made).close()
    (folder / high_water_mark.FILE).write_bytes(made.read_bytes())  # as old as a power cut may leave it
    with closing(SqliteJournal(folder, 100)) as journal:
        assert journal.last_n == 3 * COMMITS - 3
        await keep(journal, entries(1))
        assert numbers(list(journal.read())) == list(range(1, 3 * COMMITS - 1))


def damage_the_mark(folder: Path) -> None:
    path = folder / high_water_mark.FILE
    path.write_bytes(bytes(byte ^ 0xFF for byte in path.read_bytes()))


async def test_a_damaged_mark_is_damage(tmp_path: Path) -> None:
    """It was read as 0: 1,121 lost records verified as fine."""
    folder = await crashed(tmp_path)
    cut_off_the_end(log_of(folder))
    damage_the_mark(folder)
    for look in (partial(SqliteJournal, folder, 100), partial(verify, folder)):
        with pytest.raises(JournalCorruptError, match=r"journal\.mark cannot be read") as caught:
            look()
        assert 0 < caught.value.good_n < 3 * COMMITS


@pytest.mark.parametrize("left", [b"", bytes(72)], ids=["empty", "zeros"])
async def test_a_mark_that_a_power_cut_wiped_is_damage(tmp_path: Path, left: bytes) -> None:
    """It was read as 0: 300 acknowledged records were gone, and verify found nothing."""
    folder = await crashed(tmp_path)
    cut_off_the_end(log_of(folder))
    (folder / high_water_mark.FILE).write_bytes(left)
    for look in (partial(verify, folder), partial(SqliteJournal, folder, 100)):
        with pytest.raises(JournalCorruptError, match=r"journal\.mark cannot be read"):
            look()


async def test_without_mark_and_log_it_is_told_that_records_may_be_lost(tmp_path: Path) -> None:
    folder = await crashed(tmp_path)
    log_of(folder).unlink()
    (folder / high_water_mark.FILE).unlink()
    with closing(SqliteJournal(folder, 100)) as journal:
        assert journal.is_restored, "clients get a new epoch, and no id twice"


async def test_a_damaged_mark_alone_is_repaired_without_a_loss(tmp_path: Path) -> None:
    folder = await crashed(tmp_path)
    damage_the_mark(folder)
    with pytest.raises(JournalCorruptError):
        SqliteJournal(folder, 100)
    repaired = repair(folder, NOW, lambda record: entry(record.account, record.payload, record.kind))
    assert repaired is not None
    assert (repaired.kept_n, "not known" in repaired.lost) == (3 * COMMITS, True)
    assert verify(folder).records == 3 * COMMITS
    with closing(SqliteJournal(folder, 100)) as journal:
        assert journal.is_restored, "records may be lost: clients get a new epoch"


async def test_a_snapshot_from_beyond_the_end_is_refused(tmp_path: Path) -> None:
    with closing(SqliteJournal(tmp_path / "new", 100)) as journal:
        await keep(journal, entries(5))
        await journal.save_snapshot(JournalSnapshot(5, [b"state"]))
    (tmp_path / "new" / journal_file.FILE).unlink()
    (tmp_path / "new" / high_water_mark.FILE).unlink()
    with pytest.raises(JournalCorruptError, match="records 1 to 5 were acknowledged"):
        SqliteJournal(tmp_path / "new", 100)


async def closed(folder: Path) -> Path:
    """Return the file of a journal with 3 records in each commit, all of it in the database."""
    with closing(SqliteJournal(folder, 100)) as journal:
        await keep(journal, *[entries(3) for _ in range(COMMITS)])
    return folder / journal_file.FILE


@pytest.mark.parametrize(
    ("damage", "good_n"),
    [
        ("UPDATE commits SET records = x'90' WHERE last_n = 60", 57),
        ("UPDATE commits SET accounts = '[]' WHERE last_n = 60", 57),
        ("DELETE FROM commits WHERE last_n = 60", 57),
        ("UPDATE commits SET chain = x'00' WHERE last_n = 60", 57),
        ("UPDATE commits SET last_n = 61 WHERE last_n = 60", 57),
        ("DELETE FROM commits WHERE last_n < 60", 0),
    ],
)
async def test_a_changed_or_missing_row_is_found_where_it_is(
    tmp_path: Path, damage: str, good_n: int
) -> None:
    path = await closed(tmp_path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(damage)
    reader = journal_file.read(tmp_path, 0)
    found = numbers(list(islice(reader, good_n)))
    with pytest.raises(JournalCorruptError) as caught:
        next(reader)
    assert (found, caught.value.good_n) == (list(range(1, good_n + 1)), good_n)


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE commits SET records = x'90' WHERE last_n = 120",
        "UPDATE commits SET chain = x'00' WHERE last_n = 117",
        "DELETE FROM commits WHERE last_n = 120",
    ],
)
async def test_a_damaged_end_is_refused(tmp_path: Path, damage: str) -> None:
    path = await closed(tmp_path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(damage)
    with pytest.raises(JournalCorruptError):
        SqliteJournal(tmp_path, 100)


async def test_a_resume_does_not_send_what_was_changed(tmp_path: Path) -> None:
    path = await closed(tmp_path)
    with closing(SqliteJournal(tmp_path, 100)) as journal:
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("UPDATE commits SET records = x'90' WHERE last_n = 60")
        with pytest.raises(JournalCorruptError) as caught:
            await journal.read_account("alice", 50, 20)
        assert caught.value.good_n == 57
        assert numbers(await journal.read_account("alice", 60, 2)) == [61, 62]


async def test_every_flipped_page_of_the_database_is_found(tmp_path: Path) -> None:
    path = await closed(tmp_path)
    whole = path.read_bytes()
    for spot in range(100, len(whole), 1_501):
        path.write_bytes(whole[:spot] + bytes([whole[spot] ^ 0x55]) + whole[spot + 1 :])
        try:
            records = list(journal_file.read(tmp_path, 0))
        except JournalError:
            continue
        assert numbers(records) == list(range(1, 3 * COMMITS + 1))  # in what nobody reads


@pytest.mark.parametrize("content", [b"not a database, whatever its name says\n" * 50, b"SQLite"])
def test_another_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / journal_file.FILE).touch(0o600)
    (tmp_path / journal_file.FILE).write_bytes(content)
    with pytest.raises(JournalCorruptError, match="not a database"):
        SqliteJournal(tmp_path, 1)


async def test_whoever_waits_at_a_failure_is_told_in_order(tmp_path: Path) -> None:
    with closing(SqliteJournal(tmp_path, 100)) as journal:
        await keep(journal, entries(2))
        with closing(sqlite3.connect(tmp_path / journal_file.FILE)) as connection, connection:
            connection.execute(
                "CREATE TRIGGER fails BEFORE INSERT ON commits BEGIN SELECT RAISE(ABORT, 'for a test'); END"
            )
        told: list[tuple[int, bool]] = []

        def note(number: int, error: JournalError | None) -> None:
            told.append((number, isinstance(error, JournalBrokenError)))

        for number in range(20):
            journal.append(entries(1), partial(note, number))
        assert await outcome(journal, []) is journal.broken is not None
        assert told == [(number, True) for number in range(20)]
        assert (journal.durable_n, journal.last_n) == (2, 22)
        with pytest.raises(JournalBrokenError, match="for a test"):
            journal.append(entries(1), partial(note, 99))
        assert numbers(list(journal.read())) == numbers(await journal.read_account("alice", 0, 9)) == [1, 2]
    with closing(sqlite3.connect(tmp_path / journal_file.FILE)) as connection, connection:
        connection.execute("DROP TRIGGER fails")
    with closing(SqliteJournal(tmp_path, 100)) as journal:  # opened again, it takes up where it was
        await keep(journal, entries(1))
        assert journal.durable_n == 3
