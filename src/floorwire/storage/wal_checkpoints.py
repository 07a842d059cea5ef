"""Checkpoints: SQLite's log is moved into the database before it grows, and hardly a commit waits for it."""

from __future__ import annotations

import sqlite3
from concurrent.futures import Future, ThreadPoolExecutor

import structlog

from floorwire.storage.journal_file import LOG_BYTES, Connection

PAGE_BYTES = 4_096
PAGES_A_COMMIT = 3
"""The row, the account's index and now and then a page above; what is longer is counted by its bytes."""
DUE_PAGES = LOG_BYTES // PAGE_BYTES // 2

log = structlog.get_logger("floorwire.journal")


class WalCheckpoints:
    """Moves most of the log beside the writer, which goes on; then what came meanwhile between two commits.

    Only when all of it is moved does the log start anew, in the bytes that it has already.
    """

    def __init__(self, writing: Connection, beside: Connection) -> None:
        self._writing = writing
        self._beside = beside
        self._helper = ThreadPoolExecutor(1, "journal-checkpoint")
        self._bulk: Future[bool] | None = None
        self._pages = 0
        self.failures = 0
        """How often the log could not be moved; of one thread at a time: no two steps run at once."""

    def count(self, row_bytes: int) -> None:
        """Note a commit; in the writer's thread."""
        self._pages += PAGES_A_COMMIT + row_bytes // PAGE_BYTES

    def proceed(self) -> None:
        """Do the next step if one is due; in the writer's thread, while no commit is under way."""
        if self._bulk is None:
            if self._pages >= DUE_PAGES:
                self._bulk = self._helper.submit(self._checkpoint, self._beside)
        elif self._bulk.done():
            self._bulk = None
            self._pages = 0 if self._checkpoint(self._writing) else DUE_PAGES // 2

    def close(self) -> None:
        """Wait for what is under way."""
        self._helper.shutdown()

    def _checkpoint(self, connection: Connection) -> bool:
        """Move what no reader needs, waiting for nobody; return whether the whole log is moved."""
        try:
            _, pages, moved = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        except sqlite3.Error as error:  # the log keeps everything; it only grows
            self.failures += 1
            log.warning("journal not checkpointed", error=str(error))
            return False
        return bool(pages == moved)
