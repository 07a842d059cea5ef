"""The data folder of one gateway: its keys, its audit log and its journal."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from pathlib import Path

from floorwire.auth.secret_sealer import SecretSealer
from floorwire.config import Settings
from floorwire.core.os_errors import sentence
from floorwire.storage import (
    account_history_index,
    audit_log,
    database,
    folder_lock,
    journal_file,
    login_mark,
)
from floorwire.storage.account_history_index import AccountHistoryIndex
from floorwire.storage.database import DatabaseError
from floorwire.storage.folder_lock import FolderInUseError, FolderLock
from floorwire.storage.journal import Journal, JournalError
from floorwire.storage.journal_memory import MemoryJournal
from floorwire.storage.journal_snapshots import PREFIX
from floorwire.storage.journal_sqlite import SqliteJournal
from floorwire.storage.key_store import KeyStore
from floorwire.storage.master_key import MasterKeyError, load_master
from floorwire.storage.private_files import check_files, private_folder

PRIVATE = (
    f"{database.FILE}*",
    "keys.mark",
    "audit.*",
    folder_lock.FILE,
    login_mark.FILE,
    "journal.*",
    f"{account_history_index.FILE}*",
    f"{PREFIX}*",
    "market.db*",
)
"""The files of a data folder, by pattern, without the master key: whoever reads it checks it."""


class DataDirError(Exception):
    """The data folder cannot be used. The message says why."""


def check_exists(folder: Path) -> None:
    """Raise DataDirError where there is no data folder, or where others may use its files.

    Who reads a folder must not make it by a wrong name.
    """
    if any((folder / name).exists() for name in (database.FILE, journal_file.FILE)):
        try:
            check_files(private_folder(folder), PRIVATE)
        except OSError as error:
            raise DataDirError(sentence(error)) from None
        return
    beside = (path.name for path in folder.parent.glob("*") if (path / database.FILE).exists())
    meant = get_close_matches(folder.name, beside, n=1)
    hint = f"; did you mean {folder.with_name(meant[0])}?" if meant else "; name it with --data"
    raise DataDirError(f"{folder}: there is no data folder{hint}")


class DataDir:
    """The parts of a data folder that both the command line and the server open. Raises DataDirError."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        try:
            self.folder = private_folder(folder)
            check_files(self.folder, PRIVATE)
            self.sealer = SecretSealer(load_master(self.folder, environment))
            self.keys = KeyStore(self.folder, self.sealer)
        except (OSError, DatabaseError, MasterKeyError) as error:
            raise DataDirError(sentence(error)) from None
        self.audit_path = self.folder / audit_log.FILE

    def lock(self) -> FolderLock:
        """Lock the folder for this server.

        Raises DataDirError where another server uses it, or another version of Floorwire made its journal.
        """
        try:
            lock = FolderLock(self.folder)
        except (OSError, FolderInUseError) as error:
            raise DataDirError(sentence(error)) from None
        try:
            journal_file.check_folder(self.folder)
        except JournalError as error:
            lock.close()
            raise DataDirError(f"{self.folder}: {error}") from None
        return lock


def open_journal(settings: Settings, acknowledged_n: int = 0) -> Journal:
    """Return the journal that the settings ask for, ready for reads and appends. Blocks.

    ``acknowledged_n``: a record that this process knows to be durable. Raises JournalError.
    """
    if settings.journal == "memory":
        return MemoryJournal(settings.storage.waiting_records, settings.storage.memory_records)
    return SqliteJournal(Path(settings.data), settings.storage.waiting_records, acknowledged_n)


def open_history(settings: Settings, is_new: bool) -> AccountHistoryIndex:
    """Return the index of the journal's account history, in memory with ``journal=memory``. Blocks.

    ``is_new``: make it anew. So is a damaged one. Raises sqlite3.Error, OSError.
    """
    if settings.journal == "memory":
        return AccountHistoryIndex(None, settings.storage.memory_records)
    folder = private_folder(Path(settings.data))
    if is_new:
        account_history_index.remove(folder)
    try:
        return AccountHistoryIndex(folder)
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError:
        account_history_index.remove(folder)
        return AccountHistoryIndex(folder)


class JournalOpener:
    """Opens the journal, again after it failed. It then has to hold what it had acknowledged before.

    The folder alone cannot tell this where all of its files were removed.
    """

    def __init__(self, open_journal: Callable[[int], Journal]) -> None:
        """``open_journal`` is given the last record that is known to be durable; it blocks."""
        self._open_journal = open_journal
        self._last: Journal | None = None

    def open(self) -> Journal:
        """Return the journal. Blocks. Raises JournalError."""
        self._last = self._open_journal(0 if self._last is None else self._last.durable_n)
        return self._last
