"""Finds changes of the keys that other processes make, also where the file is replaced or overwritten."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from threading import Lock

import structlog

from floorwire.storage import database
from floorwire.storage.database import SQLITE_ERRORS, DatabaseError, reason
from floorwire.storage.key_rows import StoredKeys, VerifiedRow

log = structlog.get_logger("floorwire.keys")


class KeyWatch:
    """Finds changes of other connections and processes. A poll reads the database's version only.

    SQLite's version tells of nothing that was written past SQLite, such as by ``cp``. So the file's own state
    is compared too. It also changes when SQLite moves the write-ahead log into the file: all is read then.

    ``read`` returns all keys of a connection, given the rows of the read before.
    """

    def __init__(
        self, path: Path, read: Callable[[sqlite3.Connection, dict[str, VerifiedRow]], StoredKeys]
    ) -> None:
        self._path = path
        self._read = read
        self._known: dict[str, VerifiedRow] = {}
        self._file = _file(path)
        self._connection: sqlite3.Connection | None = database.connect(path)
        """None: the file that has this name now could not be opened."""
        self._version = -1
        self._in_use = Lock()
        """Held by a thread that polls. To close a connection that SQLite is using ends the process."""

    def poll(self) -> StoredKeys | None:
        """Return every key if anything has changed since the last call, else None. Raises DatabaseError.

        A worker thread may call it.
        """
        with self._in_use:
            return self._changed()

    def _changed(self) -> StoredKeys | None:
        try:
            connection = self._connected()
            (version,) = connection.execute("PRAGMA data_version").fetchone()
            if version == self._version:
                return None
            keys = self._read(connection, self._known)
        except SQLITE_ERRORS as error:
            raise DatabaseError(f"{self._path}: {reason(error)}") from None
        self._version = version
        return keys

    def close(self) -> None:
        """Close the database, after a poll that is under way."""
        with self._in_use:
            self._disconnect()

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()

    def _connected(self) -> sqlite3.Connection:
        """Return a connection to the file that has this name now. Raises DatabaseError."""
        file = _file(self._path)
        if self._connection is not None and file == self._file:
            return self._connection
        # The old one first: its lock would keep a file that is not in WAL mode, such as a copy made by
        # VACUUM INTO, from being opened.
        self._disconnect()
        self._connection = None
        connection = database.connect(self._path)
        if file[:2] != self._file[:2]:
            log.warning("keys.db was replaced by another file", path=str(self._path))
        self._connection, self._file, self._version = connection, file, -1
        return connection


def _file(path: Path) -> tuple[int, int, int, int]:
    """Return which file has this name, and when it was changed. Raises DatabaseError where none has."""
    try:
        found = path.stat()
    except OSError:
        raise DatabaseError(f"{path} is gone") from None
    return found.st_dev, found.st_ino, found.st_ctime_ns, found.st_size
