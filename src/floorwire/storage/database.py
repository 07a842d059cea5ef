"""The SQLite database of accounts and keys. Only its owner can read it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from floorwire.core.os_errors import reason
from floorwire.storage.private_files import touch_private

FILE = "keys.db"
VERSION = 1
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
    sealed BLOB NOT NULL
) STRICT;
CREATE TABLE deposits (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account TEXT NOT NULL REFERENCES accounts (name),
    asset TEXT NOT NULL,
    amount TEXT NOT NULL,
    created_us INTEGER NOT NULL
) STRICT;
"""


class DatabaseError(Exception):
    """The database cannot be used. The message says which and why."""


def connect(path: Path) -> sqlite3.Connection:
    """Return a connection, for one thread at a time. The database is made where it is missing.

    Raises DatabaseError.
    """
    try:
        touch_private(path)  # SQLite gives its -wal and -shm files the mode of the database
        connection = sqlite3.connect(
            path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
        )
    except (OSError, sqlite3.Error) as error:
        raise DatabaseError(f"{path}: {reason(error)}") from None
    try:
        _prepare(connection)
    except sqlite3.Error as error:
        connection.close()
        raise DatabaseError(f"{path}: {error}") from None
    return connection


@contextmanager
def transaction(path: Path) -> Iterator[sqlite3.Connection]:
    """Yield a connection for one transaction: all of it is written, or nothing. Raises DatabaseError."""
    with closing(connect(path)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise DatabaseError(f"{path}: {error}") from None


def _prepare(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    if _version(connection) == 0:
        connection.execute("BEGIN IMMEDIATE")
        if _version(connection) == 0:  # no other process made the tables meanwhile
            for statement in SCHEMA.split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    if _version(connection) != VERSION:
        raise sqlite3.DatabaseError(f"made by another version of Floorwire: {_version(connection)}")


def _version(connection: sqlite3.Connection) -> int:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version
