"""The journal of ``journal=sqlite``: a durable record survives kill -9 and a power cut."""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from typing import TypeVar

import structlog

from floorwire.storage import high_water_mark, intent_file, journal_file, journal_rows, worker_threads
from floorwire.storage.commit_thread import CommitThread
from floorwire.storage.file_watch import FileWatch
from floorwire.storage.files_in_place import FileGoneError, FilesInPlace
from floorwire.storage.high_water_mark import HighWaterMark
from floorwire.storage.intent_file import IntentFile
from floorwire.storage.journal import (
    JournalBrokenError,
    JournalCorruptError,
    JournalEntry,
    JournalError,
    JournalPart,
    JournalRecord,
    JournalSnapshot,
    JournalUnusableError,
    OnDurable,
    OnWritten,
    WhileWriting,
)
from floorwire.storage.journal_file import Connection
from floorwire.storage.journal_snapshots import SnapshotFiles
from floorwire.storage.log_header import LogHeader
from floorwire.storage.pending_appends import PendingAppend, PendingAppends
from floorwire.storage.private_files import private_folder
from floorwire.storage.stored_number import DamagedNumberError
from floorwire.storage.wal_checkpoints import WalCheckpoints

ReadT = TypeVar("ReadT")
log = structlog.get_logger("floorwire.journal")


class SqliteJournal:
    """The journal of one data folder, made where it is missing. One process at a time may have it open.

    Opening blocks. Raises JournalLockedError, JournalUnusableError, and JournalCorruptError where the last
    acknowledged records are missing or do not verify. A group commit writes it (``CommitThread``).
    """

    def __init__(self, folder: Path, max_waiting: int, acknowledged_n: int = 0) -> None:
        """``acknowledged_n``: a record that this process knows the journal has, whatever the folder says."""
        self._acknowledged_n = acknowledged_n
        with ExitStack() as opened:
            self._open(folder, opened)
            self._waiting = PendingAppends(max_waiting, self._written_n)
            with journal_file.journal_errors(self._path):
                self._writer = CommitThread(
                    self._commit, self._waiting.complete, self._checkpoints.run_due_step
                )
            opened.callback(self._writer.stop)
            self._opened = opened.pop_all()

    def _open(self, folder: Path, opened: ExitStack) -> None:
        with journal_file.journal_errors(folder):
            self._folder = private_folder(folder)
        self._path = self._folder / journal_file.FILE
        if self._acknowledged_n and not self._path.exists():  # it must not be made anew, empty
            raise JournalCorruptError(0, f"{self._path} was removed, with {self._acknowledged_n} records")
        self._snapshots = SnapshotFiles(self._folder)
        opened.callback(journal_file.lock(self._folder).close)
        with journal_file.journal_errors(self._folder / high_water_mark.FILE):
            self._mark = HighWaterMark(self._folder / high_water_mark.FILE)
        opened.callback(self._mark.close)
        with journal_file.journal_errors(self._folder / intent_file.FILE):
            self._intents = IntentFile(self._folder / intent_file.FILE)
        opened.callback(self._intents.close)
        self._writing = self._connect(opened)
        before_n, self._written_n, self._chain = self._tail()
        self._opened_n = self._written_n
        with journal_file.journal_errors(self._path):
            continues = self._mark.continues(self._path, self._written_n, before_n)
        self._is_restored = not continues
        journal_file.lengthen_log(self._folder, self._writing)
        with journal_file.journal_errors(self._folder):
            self._checkpoints = WalCheckpoints(self._writing, self._connect(opened))
        opened.callback(self._checkpoints.close)
        with journal_file.journal_errors(self._folder):
            names = (f"{journal_file.FILE}-wal", high_water_mark.FILE, intent_file.FILE)
            files = [self._path, *(self._folder / name for name in names)]
            self._files = FilesInPlace(files)
            self._log_header = LogHeader(files[1])
        opened.callback(self._log_header.close)
        self._watch, self._is_watching = FileWatch(files), False
        opened.callback(self._watch.close)
        self._reading = journal_file.connect_to_read(self._folder)
        opened.callback(self._reading.close)
        with journal_file.journal_errors(self._path):
            self._reading.execute(journal_file.NO_TEMPORARY_FILES)
            journal_file.check_version(self._reading)  # SQLite opens a file when it is first read
        with journal_file.journal_errors(self._folder):
            self._readers = worker_threads.start("journal-reader")
        opened.callback(self._readers.shutdown)

    def _connect(self, opened: ExitStack) -> Connection:
        connection = journal_file.connect(self._folder)
        opened.callback(connection.close)
        return connection

    def _tail(self) -> tuple[int, int, bytes]:
        """Return the last record before the last commit, the last record, and the chain, all verified.

        Raises JournalCorruptError.
        """
        try:
            with journal_file.journal_errors(self._path):
                row = journal_file.last_row(self._writing)
            before_n, last_n, chain = (
                (0, 0, journal_rows.ORIGIN) if row is None else (row.first_n - 1, row.last_n, row.chain)
            )
            for _ in journal_file.read(self._folder, max(0, last_n - 1)):
                pass
            self._check_nothing_lost(last_n)
        except JournalCorruptError:
            self._keep_log()
            raise
        return before_n, last_n, chain

    def _check_nothing_lost(self, last_n: int) -> None:
        with journal_file.journal_errors(self._folder):
            snapshot = self._snapshots.latest()
        try:
            acknowledged_n = max(self._mark.n, self._acknowledged_n, 0 if snapshot is None else snapshot.n)
        except DamagedNumberError:
            raise JournalCorruptError(last_n, high_water_mark.DAMAGED) from None
        if last_n < acknowledged_n:
            raise JournalCorruptError(
                last_n, f"records {last_n + 1} to {acknowledged_n} were acknowledged and are gone"
            )

    def _keep_log(self) -> None:
        """Copy SQLite's log so that a person can search it: SQLite removes it when the file is closed."""
        log, kept = (self._path.with_name(self._path.name + end) for end in ("-wal", "-wal.damaged"))
        with journal_file.journal_errors(kept):
            if log.exists() and log.stat().st_size and not kept.exists():
                shutil.copy2(log, kept)

    @property
    def last_n(self) -> int:
        return self._waiting.last_n

    @property
    def durable_n(self) -> int:
        return self._waiting.durable_n

    @property
    def undurable_records(self) -> int:
        return self._waiting.count

    @property
    def broken(self) -> JournalError | None:
        return self._waiting.broken

    @property
    def checkpoint_failures(self) -> int:
        return self._checkpoints.failures

    @property
    def is_restored(self) -> bool:
        return self._is_restored

    def append(
        self,
        entries: Sequence[JournalEntry],
        on_durable: OnDurable,
        while_writing: WhileWriting | None = None,
    ) -> int:
        last_n = self._waiting.admit(entries)
        if not self._is_watching:
            self._start_watch()
        self._writer.put(PendingAppend(entries, on_durable, while_writing))
        return last_n

    def write_intent(self, intent: bytes, on_written: OnWritten) -> bool:
        waiting = self._waiting
        if waiting.count or waiting.broken is not None:
            return False
        if not self._is_watching:
            self._start_watch()
        return self._intents.write(waiting.last_n, intent, partial(self._on_intent, on_written))

    def _on_intent(self, on_written: OnWritten, is_written: bool) -> None:
        """In a file that was removed or replaced meanwhile, no start would find it."""
        on_written(is_written and self._waiting.broken is None)

    def _start_watch(self) -> None:
        self._is_watching = True
        self._watch.start(self.check)

    def discard_intent(self) -> None:
        self._intents.discard()

    def intent(self) -> bytes | None:
        return self._intents.read(self._opened_n)

    def check(self) -> None:
        try:
            self._files.check()
            if self.durable_n > self._opened_n:
                self._log_header.check()
        except FileGoneError as error:
            if self._waiting.broken is None:
                log.error("journal broken", error=str(error))
                self._waiting.fail(JournalBrokenError(str(error)))

    def _commit(self, entries: Sequence[JournalEntry], on_write: Callable[[], None]) -> None:
        """Write one row, in the commit thread. Raises sqlite3.Error, OSError."""
        row = journal_rows.make(self._written_n + 1, entries, self._chain)
        on_write()  # from here on this thread waits for the disk, without the interpreter's lock
        self._writing.execute(journal_file.INSERT, row)
        self._mark.raise_to(row.last_n)
        self._written_n, self._chain = row.last_n, row.chain
        self._checkpoints.count_commit(len(row.records))

    def read(self, after_n: int = 0) -> Iterator[JournalRecord]:
        return journal_file.read(self._folder, after_n)

    async def read_account(
        self, account: str, n: int, limit: int, *, back: bool = False
    ) -> Sequence[JournalRecord]:
        read = journal_file.read_account
        return await self._read(partial(read, self._reading, account, n, limit, back=back))

    async def read_commits(self, after_n: int, limit: int) -> JournalPart:
        return await self._read(partial(journal_file.read_commits, self._reading, after_n, limit))

    async def digest_at(self, n: int) -> bytes | None:
        return await self._read(partial(journal_file.digest_at, self._reading, n))

    async def _read(self, read: Callable[[], ReadT]) -> ReadT:
        """Return what ``read`` returns, in the thread that reads."""

        def work() -> ReadT:
            with journal_file.journal_errors(self._path):
                return read()

        try:
            reading = asyncio.get_running_loop().run_in_executor(self._readers, work)
        except RuntimeError as error:  # the threads that read are shut down
            raise JournalUnusableError(f"{self._path}: closed") from error
        return await reading

    def latest(self, account: str, kind: str) -> JournalRecord | None:
        with (
            journal_file.journal_errors(self._path),
            closing(journal_file.connect_to_read(self._folder)) as reading,
        ):
            records = journal_file.read_account(reading, account, self.durable_n + 1, sys.maxsize, back=True)
        return next((record for record in records if record.kind == kind), None)

    async def save_snapshot(self, snapshot: JournalSnapshot) -> None:
        if snapshot.n > self.durable_n:
            raise ValueError(f"a snapshot of record {snapshot.n}; durable is only {self.durable_n}")
        await asyncio.to_thread(self._save_snapshot, snapshot)

    def _save_snapshot(self, snapshot: JournalSnapshot) -> None:
        with journal_file.journal_errors(self._folder):
            self._snapshots.save(snapshot)

    def latest_snapshot(self) -> JournalSnapshot | None:
        with journal_file.journal_errors(self._folder):
            return self._snapshots.latest()

    def close(self) -> None:
        self._waiting.close()
        self._snapshots.stop()
        self._opened.close()
