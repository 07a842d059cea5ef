"""The journal's files: an SQLite database with a row for each commit, and a lock for one process.

SQLite's write-ahead log is made long before the first commit.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from io import FileIO
from pathlib import Path
from typing import TypeAlias

from floorwire.storage import journal_rows
from floorwire.storage.journal import (
    JournalCorruptError,
    JournalError,
    JournalLockedError,
    JournalPart,
    JournalRecord,
    JournalUnusableError,
    JournalVersionError,
)
from floorwire.storage.journal_rows import JournalRow
from floorwire.storage.private_files import touch_private

FILE = "journal.db"
LOCK = "journal.lock"
VERSION = 1
LOG_BYTES = 16_777_216
"""The log's length from the start. A commit inside it syncs data only; a longer log syncs its inode too."""

NO_TEMPORARY_FILES = "PRAGMA temp_store = MEMORY"
"""A large statement would open one, which needs a file descriptor and room."""

Connection: TypeAlias = sqlite3.Connection

SCHEMA = """
CREATE TABLE commits (
    last_n INTEGER PRIMARY KEY,
    first_n INTEGER NOT NULL,
    accounts TEXT NOT NULL,
    records BLOB NOT NULL,
    chain BLOB NOT NULL
) STRICT;
CREATE TABLE account_commits (
    account TEXT NOT NULL,
    last_n INTEGER NOT NULL,
    PRIMARY KEY (account, last_n)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER by_account AFTER INSERT ON commits BEGIN
    INSERT INTO account_commits SELECT value, NEW.last_n FROM json_each(NEW.accounts);
END;
"""
INSERT = "INSERT INTO commits (first_n, last_n, accounts, records, chain) VALUES (?, ?, ?, ?, ?)"
"""One statement is one transaction. Each statement releases and takes the interpreter's lock."""
_COLUMNS = "SELECT c.first_n, c.last_n, c.accounts, c.records, c.chain"
SINCE = f"{_COLUMNS} FROM commits c WHERE c.last_n > ? ORDER BY c.last_n"
BEFORE = "SELECT last_n, chain FROM commits WHERE last_n <= ? ORDER BY last_n DESC LIMIT 1"
AT = "SELECT chain FROM commits WHERE last_n = ?"
LAST = f"{_COLUMNS} FROM commits c ORDER BY c.last_n DESC LIMIT 1"
_OF_ACCOUNT = f"""{_COLUMNS}, p.chain FROM account_commits a JOIN commits c ON c.last_n = a.last_n
    LEFT JOIN commits p ON p.last_n = c.first_n - 1 WHERE a.account = ?1"""
AFTER = f"{_OF_ACCOUNT} AND a.last_n > ?2 ORDER BY a.last_n"
_COMMIT_WITH = "(SELECT last_n FROM commits WHERE last_n >= ?2 ORDER BY last_n LIMIT 1)"
BACK = f"{_OF_ACCOUNT} AND a.last_n <= ifnull({_COMMIT_WITH}, ?2) ORDER BY a.last_n DESC"
"""The commit that holds the record itself may hold earlier records too."""

_DAMAGED = ("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_IOERR_SHORT_READ")


@contextmanager
def journal_errors(path: Path, good_n: int = 0) -> Iterator[None]:
    """Raise each error of SQLite and of the system as the JournalError that it means.

    ``good_n`` is the last record that was read without damage.
    """
    try:
        yield
    except sqlite3.Error as error:
        unnamed = (
            "SQLITE_CORRUPT" if isinstance(error, sqlite3.OperationalError) else ""
        )  # SQLite found no UTF-8
        name = getattr(error, "sqlite_errorname", unnamed)
        if name.startswith(_DAMAGED):
            raise JournalCorruptError(good_n, f"{path}: {error}") from None
        if name.startswith("SQLITE_BUSY"):
            raise JournalLockedError(f"{path}: another process has it open") from None
        raise JournalUnusableError(f"{path}: {error}") from None
    except OSError as error:
        raise JournalUnusableError(f"{path}: {error.strerror}") from None


def lock(folder: Path) -> FileIO:
    """Lock the journal for this process. Return the lock: it ends when it is closed or the process ends.

    What is in the file does not matter. Raises JournalLockedError where another process has it,
    JournalUnusableError.
    """
    path = folder / LOCK
    with journal_errors(path):
        touch_private(path)
        file = FileIO(path, "r+b")
    try:
        with journal_errors(path):
            _take(file, path)
    except JournalError:
        file.close()
        raise
    return file


def _take(file: FileIO, path: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise JournalLockedError(f"{path}: another process has it open") from None


def connect(folder: Path) -> Connection:
    """Return a connection that writes, for one thread at a time. The file is made where it is missing.

    Raises JournalError.
    """
    path = folder / FILE
    with journal_errors(path):
        touch_private(path)
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        with journal_errors(path):
            _prepare(connection)
    except JournalError:
        connection.close()
        raise
    return connection


def connect_to_read(folder: Path) -> Connection:
    """Return a connection that only reads; another process may write meanwhile. Raises JournalError."""
    path = folder / FILE
    with journal_errors(path):
        uri = f"{path.absolute().as_uri()}?mode=ro"
        return sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)


def _prepare(connection: Connection) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(NO_TEMPORARY_FILES)
    connection.execute("PRAGMA wal_autocheckpoint = 0")  # WalCheckpoints chooses when
    if _version(connection) == 0:
        connection.executescript(f"BEGIN; {SCHEMA} PRAGMA user_version = {VERSION}; COMMIT;")
    check_version(connection)


def check_version(connection: Connection) -> None:
    """Raise JournalVersionError where another version made the file. Raises sqlite3.Error."""
    if (version := _version(connection)) != VERSION:
        raise JournalVersionError(
            f"{FILE} was made by another version of Floorwire: {version}; this one reads {VERSION}"
        )


def check_folder(folder: Path) -> None:
    """Raise JournalVersionError where another version made the folder's journal. Changes nothing.

    What else is wrong with the journal is found when it is opened.
    """
    if (folder / FILE).exists():
        with suppress(sqlite3.Error), closing(connect_to_read(folder)) as connection:
            check_version(connection)


def _version(connection: Connection) -> int:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version


def lengthen_log(folder: Path, connection: Connection) -> None:
    """Copy the log into the database and make the log ``LOG_BYTES`` long. Raises JournalError.

    Call it before the first commit.
    """
    path = folder / f"{FILE}-wal"
    with journal_errors(path):
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        with path.open("r+b") as file:
            file.write(bytes(LOG_BYTES))
            file.flush()
            os.fsync(file.fileno())


def last_row(connection: Connection) -> JournalRow | None:
    """Return the latest commit; None where there is none. Raises sqlite3.Error."""
    found = connection.execute(LAST).fetchone()
    return None if found is None else JournalRow(*found)


def read(folder: Path, after_n: int) -> Iterator[JournalRecord]:
    """Yield the records after ``after_n``, each verified against the chain. Raises JournalError."""
    path = folder / FILE
    with closing(connect_to_read(folder)) as connection:
        with journal_errors(path):
            check_version(connection)
            good_n, chain = connection.execute(BEFORE, (after_n,)).fetchone() or (0, journal_rows.ORIGIN)
            found = connection.execute(SINCE, (good_n,))
        while True:
            with journal_errors(path, good_n):
                values = found.fetchone()
            if values is None:
                return
            row = JournalRow(*values)
            records = journal_rows.records_of(row, good_n, chain)
            good_n, chain = row.last_n, row.chain
            if row.first_n > after_n:
                yield from records
            else:
                yield from (record for record in records if record.n > after_n)


def read_account(
    connection: Connection, account: str, n: int, limit: int, *, back: bool
) -> list[JournalRecord]:
    """Return up to ``limit`` of the account's records after record ``n``, or ``back`` before, nearest first.

    Raises sqlite3.Error, JournalError.
    """
    found: list[JournalRecord] = []
    with closing(connection.execute(BACK if back else AFTER, (account, n))) as cursor:
        for *values, chain in cursor:
            row = JournalRow(*values)
            records = journal_rows.records_of(row, row.first_n - 1, chain or journal_rows.ORIGIN)
            own = [record for record in records if record.account == account]
            if back:
                found += (record for record in reversed(own) if record.n < n)
            else:
                found += (record for record in own if record.n > n)
            if len(found) >= limit:
                break
    return found[:limit]


def read_commits(connection: Connection, after_n: int, limit: int) -> JournalPart:
    """Return the records of the next commits after ``after_n``, verified; ``limit`` or more where there are.

    Raises sqlite3.Error, JournalError.
    """
    good_n, chain = connection.execute(BEFORE, (after_n,)).fetchone() or (0, journal_rows.ORIGIN)
    found: list[JournalRecord] = []
    with closing(connection.execute(SINCE, (good_n,))) as cursor:
        for values in cursor:
            row = JournalRow(*values)
            found += journal_rows.records_of(row, good_n, chain)
            good_n, chain = row.last_n, row.chain
            if len(found) >= limit:
                break
    return JournalPart(found, good_n, chain)


def digest_at(connection: Connection, n: int) -> bytes | None:
    """Return the digest of the commit that ends with record ``n``; None where none does.

    Raises sqlite3.Error.
    """
    if n == 0:
        return journal_rows.ORIGIN
    found = connection.execute(AT, (n,)).fetchone()
    return None if found is None else bytes(found[0])
