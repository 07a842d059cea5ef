"""The writer: a thread that makes one commit of everything that waits, and tells the event loop once."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from threading import Thread

import structlog

from floorwire.storage.journal import JournalBrokenError, JournalEntry, JournalError
from floorwire.storage.loop_notifier import LoopNotifier
from floorwire.storage.pending_appends import AppendsDone, PendingAppend

COMMIT_RECORDS = 4_096
"""A commit takes no further appends once it has so many records."""

log = structlog.get_logger("floorwire.journal")


class CommitThread:
    """Runs ``commit`` in its thread with the entries that wait, in order; after one failure never again.

    ``tell`` is called on the loop, once for each commit; ``between`` in the thread after that.
    """

    def __init__(
        self,
        commit: Callable[[Sequence[JournalEntry]], None],
        tell: Callable[[AppendsDone], None],
        between: Callable[[], None],
    ) -> None:
        self._commit = commit
        self._tell = tell
        self._between = between
        self._queue: SimpleQueue[PendingAppend | None] = SimpleQueue()
        self._notifier: LoopNotifier[AppendsDone] | None = None
        self._error: JournalError | None = None
        self._thread = Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    def put(self, append: PendingAppend) -> None:
        """Have the entries committed; on the event loop only, the same one always."""
        if self._notifier is None:
            self._notifier = LoopNotifier(self._tell)
        self._queue.put(append)

    def stop(self) -> None:
        """Commit what waits and end; blocks until then."""
        self._queue.put(None)
        self._thread.join()
        if self._notifier is not None:
            self._notifier.close()

    def _run(self) -> None:
        while (first := self._queue.get()) is not None:
            appends, is_last = self._gather(first)
            self._write([entry for append in appends for entry in append.entries])
            self._report(AppendsDone(appends, self._error))
            if is_last:
                return
            if self._error is None:
                self._between()

    def _gather(self, first: PendingAppend) -> tuple[deque[PendingAppend], bool]:
        """Return what waits, and whether nothing will come after it."""
        appends, size = deque([first]), len(first.entries)
        while size < COMMIT_RECORDS and not self._queue.empty():  # nobody else takes from it
            append = self._queue.get_nowait()
            if append is None:
                return appends, True
            appends.append(append)
            size += len(append.entries)
        return appends, False

    def _write(self, entries: Sequence[JournalEntry]) -> None:
        if self._error is not None or not entries:
            return
        try:
            self._commit(entries)
        except Exception as error:  # whatever it was: whoever waits has to hear of it
            log.exception("journal broken", error=str(error), records=len(entries))
            self._error = JournalBrokenError(f"a commit failed: {error}")

    def _report(self, done: AppendsDone) -> None:
        assert self._notifier is not None
        self._notifier.ring(done)
