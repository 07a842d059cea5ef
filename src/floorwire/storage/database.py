"""The SQLite database of accounts and keys. Only its owner can read it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from floorwire.core import os_errors
from floorwire.storage.private_files import touch_private

FILE = "keys.db"
TABLES = frozenset({"meta", "accounts", "keys", "deposits"})
VERSION = 2
"""2: each row has a tag. 1: rows without tags (``key_upgrade``)."""
BUSY_TIMEOUT_S = 5.0

SCHEMA = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;
CREATE TABLE accounts (name TEXT PRIMARY KEY, created_us INTEGER NOT NULL) STRICT;
CREATE TABLE keys (
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL REFERENCES accounts (name),
    allows BLOB NOT NULL,
    created_us INTEGER NOT NULL,
    revoked_us INTEGER,
    digest BLOB NOT NULL,
    sealed BLOB NOT NULL,
    change INTEGER NOT NULL DEFAULT 0,
    tag BLOB NOT NULL DEFAULT x''
) STRICT;
CREATE TABLE deposits (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account TEXT NOT NULL REFERENCES accounts (name),
    asset TEXT NOT NULL,
    amount TEXT NOT NULL,
    created_us INTEGER NOT NULL,
    tag BLOB NOT NULL DEFAULT x''
) STRICT;
"""
UPGRADE = """
ALTER TABLE keys ADD COLUMN change INTEGER NOT NULL DEFAULT 0;
ALTER TABLE keys ADD COLUMN tag BLOB NOT NULL DEFAULT x'';
ALTER TABLE deposits ADD COLUMN tag BLOB NOT NULL DEFAULT x'';
"""


SQLITE_ERRORS = (sqlite3.Error, UnicodeDecodeError)
"""What SQLite raises. The second: its message would quote a damaged name."""


class DatabaseError(Exception):
    """The database cannot be used. The message says which and why."""


def reason(error: Exception) -> str:
    """Return why SQLite or the system failed."""
    return "a name in it is damaged" if isinstance(error, UnicodeDecodeError) else os_errors.reason(error)


def create(path: Path, upgrade: Callable[[sqlite3.Connection], None]) -> None:
    """Make the database where it is missing. One of version 1 becomes one of this version, once.

    ``upgrade`` fills the new columns in the same transaction. Raises DatabaseError, and what it raises.
    """
    try:
        touch_private(path)  # SQLite gives its -wal and -shm files the mode of the database
    except OSError as error:
        raise DatabaseError(f"{path}: {reason(error)}") from None
    with closing(_open(path)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")  # from here on no other process does the same
            version = _version(connection)
            if version == 0:
                _execute(connection, SCHEMA)
            elif version == 1:
                _execute(connection, UPGRADE)
                upgrade(connection)
            if version in (0, 1):
                connection.execute(f"PRAGMA user_version = {VERSION}")
            connection.execute("COMMIT")
        except SQLITE_ERRORS as error:
            raise DatabaseError(f"{path}: {reason(error)}") from None


def connect(path: Path) -> sqlite3.Connection:
    """Return a connection to the database, for one thread at a time. Raises DatabaseError.

    A database that is gone is not made again: it would look as if nobody had ever had a key.
    """
    if not path.exists():
        raise DatabaseError(f"{path} is gone")
    connection = _open(path)
    try:
        problem = _problem(connection)
    except SQLITE_ERRORS as error:
        problem = reason(error)
    if problem:
        connection.close()
        raise DatabaseError(f"{path}: {problem}")
    return connection


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """Yield a connection to read with. Raises DatabaseError."""
    with closing(connect(path)) as connection:
        try:
            yield connection
        except SQLITE_ERRORS as error:
            raise DatabaseError(f"{path}: {reason(error)}") from None


@contextmanager
def transaction(path: Path) -> Iterator[sqlite3.Connection]:
    """Yield a connection for one transaction: all of it is written, or nothing. Raises DatabaseError."""
    with closing(connect(path)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")
        except SQLITE_ERRORS as error:
            raise DatabaseError(f"{path}: {reason(error)}") from None


def _open(path: Path) -> sqlite3.Connection:
    try:
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=rw",
            timeout=BUSY_TIMEOUT_S,
            isolation_level=None,
            check_same_thread=False,
            uri=True,
        )
    except SQLITE_ERRORS as error:
        raise DatabaseError(f"{path}: {reason(error)}") from None
    connection.text_factory = _text
    try:
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            connection.execute(f"PRAGMA {pragma}")
    except SQLITE_ERRORS as error:
        connection.close()
        raise DatabaseError(f"{path}: {reason(error)}") from None
    return connection


def _execute(connection: sqlite3.Connection, statements: str) -> None:
    for statement in statements.split(";"):  # executescript would end the transaction
        connection.execute(statement)


def _text(content: bytes) -> str:
    """Decode a text. A damaged one is a wrong text, which its tag shows; it must not stop the others."""
    return content.decode(errors="replace")


def _problem(connection: sqlite3.Connection) -> str:
    """Return why the database cannot be used; "" if it can."""
    version = _version(connection)
    if version != VERSION:
        return f"made by another version of Floorwire: {version}"
    strict = {name for _, name, _, _, _, is_strict in connection.execute("PRAGMA table_list") if is_strict}
    if not strict >= TABLES:
        return f"somebody else changed its tables: {', '.join(sorted(TABLES - strict))}"
    # A trigger could undo what we write, a revocation for example.
    found = connection.execute("SELECT name FROM sqlite_master WHERE type IN ('trigger', 'view')").fetchone()
    return f"somebody else put {found[0]!r} into it" if found else ""


def _version(connection: sqlite3.Connection) -> int:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version
