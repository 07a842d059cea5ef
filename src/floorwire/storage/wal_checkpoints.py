"""Checkpoints: SQLite's write-ahead log (WAL) is copied into the database before it grows.

Commits hardly ever wait for a checkpoint.
"""

from __future__ import annotations

import sqlite3
from concurrent.futures import Future

import structlog

from floorwire.storage import worker_threads
from floorwire.storage.journal_file import LOG_BYTES, Connection

PAGE_BYTES = 4_096
PAGES_A_COMMIT = 3
"""A commit writes the row's page, the account index's page and sometimes a page above them.

A longer row is counted by its bytes too."""
DUE_PAGES = LOG_BYTES // PAGE_BYTES // 2
"""A checkpoint is due after this many pages."""

log = structlog.get_logger("floorwire.journal")


class WalCheckpoints:
    """Makes a checkpoint in two steps, so that the commit thread waits for the short one only.

    First a helper thread copies most of the log while commits go on. Then the commit thread copies the rest
    between two commits. SQLite writes the log from its start again only when all of it is copied.
    """

    def __init__(self, writing: Connection, background: Connection) -> None:
        """``writing``: the commit thread's connection. ``background``: the helper thread's."""
        self._writing = writing
        self._background = background
        self._helper = worker_threads.start("journal-checkpoint")
        self._first_step: Future[bool] | None = None
        self._pages = 0
        """Pages written since the last checkpoint, estimated."""
        self.failures = 0
        """How many checkpoints failed. The two steps never run at once, so that it needs no lock."""

    def count_commit(self, row_bytes: int) -> None:
        """Count the pages of a commit. Runs in the commit thread."""
        self._pages += PAGES_A_COMMIT + row_bytes // PAGE_BYTES

    def run_due_step(self) -> None:
        """Run the next step if one is due. Runs in the commit thread, between two commits."""
        if self._first_step is None:
            if self._pages >= DUE_PAGES:
                self._first_step = self._helper.submit(self._checkpoint, self._background)
        elif self._first_step.done():
            self._first_step = None
            self._pages = 0 if self._checkpoint(self._writing) else DUE_PAGES // 2

    def close(self) -> None:
        """Wait for a step that runs."""
        self._helper.shutdown()

    def _checkpoint(self, connection: Connection) -> bool:
        """Copy what no reader needs in the log; return whether all is copied. Waits for no reader."""
        try:
            _, pages, copied = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        except sqlite3.Error as error:  # nothing is lost: the log keeps all and grows
            self.failures += 1
            log.warning("journal not checkpointed", error=str(error))
            return False
        return bool(pages == copied)
