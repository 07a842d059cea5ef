"""Verify and read a journal, while a server writes it or while none runs."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import msgspec

from floorwire.storage import high_water_mark, journal_file
from floorwire.storage.journal import JournalCorruptError, JournalRecord, JournalUnusableError
from floorwire.storage.journal_snapshots import SnapshotFiles
from floorwire.storage.stored_number import DamagedNumberError

_MISSING = """
SELECT min(last_n) FROM (
    SELECT value, last_n FROM commits, json_each(accounts)
    EXCEPT SELECT account, last_n FROM account_commits
)"""
_SURPLUS = """
SELECT min(last_n) FROM (
    SELECT account, last_n FROM account_commits
    EXCEPT SELECT value, last_n FROM commits, json_each(accounts)
)"""


class VerifiedJournal(msgspec.Struct, frozen=True):
    """What a journal without damage holds: how many records, and the record of its latest whole snapshot."""

    records: int
    snapshot_n: int | None


def verify(folder: Path) -> VerifiedJournal:
    """Verify every record against the chain, the index of accounts, the file, and that no end is missing.

    Raises JournalCorruptError, JournalUnusableError.
    """
    path = folder / journal_file.FILE
    with journal_file.journal_errors(path):
        # The mark before the records: a server may append meanwhile, and the mark must not be ahead of them.
        acknowledged_n = _acknowledged_n(folder)
        snapshot = SnapshotFiles(folder).latest()
    last_n = 0
    for record in read(folder):
        last_n = record.n
    snapshot_n = None if snapshot is None else snapshot.n
    if acknowledged_n is None:
        raise JournalCorruptError(last_n, high_water_mark.DAMAGED)
    if last_n < (expected := max(acknowledged_n, snapshot_n or 0)):
        raise JournalCorruptError(
            last_n, f"records {last_n + 1} to {expected} were acknowledged and are gone"
        )
    _verify_file(folder)
    return VerifiedJournal(last_n, snapshot_n)


def _acknowledged_n(folder: Path) -> int | None:
    """Return the high-water mark; None where it is damaged. Raises OSError."""
    try:
        return high_water_mark.read_number(folder / high_water_mark.FILE)
    except DamagedNumberError:
        return None


def _verify_file(folder: Path) -> None:
    with closing(journal_file.connect_to_read(folder)) as connection, journal_file.journal_errors(folder):
        connection.execute("BEGIN")  # all three queries read one state of the file
        (found,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
        if found != "ok":
            raise JournalCorruptError(0, f"SQLite says: {found}")
        for query in (_MISSING, _SURPLUS):
            (last_n,) = connection.execute(query).fetchone()
            if last_n is not None:
                raise JournalCorruptError(0, f"the index of accounts is wrong at record {last_n}")


def read(folder: Path, after_n: int = 0) -> Iterator[JournalRecord]:
    """Yield the records after this one, up to the damage. All before them are verified, too.

    Raises JournalCorruptError, JournalUnusableError.
    """
    if not (folder / journal_file.FILE).exists():
        raise JournalUnusableError(f"{folder}: there is no journal")
    return (record for record in journal_file.read(folder, 0) if record.n > after_n)


def last_known(folder: Path) -> int:
    """Return the number of the last record that was ever there, as far as the file and the mark tell."""
    last_n = _acknowledged_n(folder) or 0
    with suppress(sqlite3.Error), closing(journal_file.connect_to_read(folder)) as connection:
        row = journal_file.last_row(connection)
        return max(last_n, 0 if row is None else row.last_n)
    return last_n
