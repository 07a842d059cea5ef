"""Group commit: a thread writes all appends that wait as one commit, so that they share one sync of the disk.

While the disk syncs one commit, further appends queue up. They become the next commit. The more appends
arrive, the larger a commit is: the number of syncs a second stays the same.
"""

from __future__ import annotations

import atexit
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from queue import SimpleQueue
from threading import Thread

import msgspec
import structlog

from floorwire.storage.journal import JournalBrokenError, JournalEntry, JournalError, WhileWriting
from floorwire.storage.loop_notifier import LoopNotifier
from floorwire.storage.pending_appends import AppendsDone, PendingAppend

EXIT_S = 10.0
"""How long the end of the process waits for the last commits of a journal that nobody closed."""
COMMIT_RECORDS = 4_096
"""A commit gets no further appends once it has this many records."""

log = structlog.get_logger("floorwire.journal")


class WritingStarted(msgspec.Struct, frozen=True, eq=False):
    """The disk begins to write a commit. ``callbacks``: what is called on the event loop meanwhile."""

    callbacks: Sequence[WhileWriting]


class CommitThread:
    """Does the group commit. After one commit failed it writes nothing more.

    ``commit`` writes entries in one transaction; it runs in the thread. It calls its second argument when it
    is about to wait for the disk. ``on_done`` gets the appends of each commit on the event loop.
    ``after_commit`` runs in the thread after each commit that succeeded. Raises OSError where there is no
    file descriptor for its notifier.
    """

    def __init__(
        self,
        commit: Callable[[Sequence[JournalEntry], Callable[[], None]], None],
        on_done: Callable[[AppendsDone], None],
        after_commit: Callable[[], None],
    ) -> None:
        self._commit = commit
        self._on_done = on_done
        self._after_commit = after_commit
        self._queue: SimpleQueue[PendingAppend | None] = SimpleQueue()
        """Appends that wait; None: the thread ends."""
        self._notifier: LoopNotifier[WritingStarted | AppendsDone] = LoopNotifier(self._on_result)
        self._writing: WritingStarted | None = None
        """The commit that is being written, if somebody wants to know. The thread sets it."""
        self._error: JournalError | None = None
        self._thread = Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()
        atexit.register(self._stop_at_exit)

    def put(self, append: PendingAppend) -> None:
        """Queue the append. Call it on the event loop only, and always on the same one."""
        if not self._notifier.is_started:
            self._notifier.start()
        self._queue.put(append)

    def stop(self) -> None:
        """Commit all appends that wait, then end the thread. Blocks until then."""
        self._queue.put(None)
        self._thread.join()
        atexit.unregister(self._stop_at_exit)
        self._notifier.close()

    def _stop_at_exit(self) -> None:
        """End the thread where nobody closed the journal: Python aborts if it logs while Python ends.

        It is a daemon, so that a process that nobody stopped in order can end on a disk that stalls.
        """
        self._queue.put(None)
        self._thread.join(EXIT_S)

    def _run(self) -> None:
        while (first := self._queue.get()) is not None:
            appends, is_last = self._gather(first)
            self._write(appends)
            self._writing = None
            # Durable first, then the callbacks: a client must not see a reply that a crash can undo.
            self._notifier.notify(AppendsDone(appends, self._error))
            if is_last:
                return
            if self._error is None:
                self._after_commit()

    def _gather(self, first: PendingAppend) -> tuple[deque[PendingAppend], bool]:
        """Return the appends of the next commit, and whether the thread ends after it."""
        appends, size = deque([first]), len(first.entries)
        while size < COMMIT_RECORDS and not self._queue.empty():  # only this thread takes from the queue
            append = self._queue.get_nowait()
            if append is None:
                return appends, True
            appends.append(append)
            size += len(append.entries)
        return appends, False

    def _write(self, appends: Iterable[PendingAppend]) -> None:
        entries = [entry for append in appends for entry in append.entries]
        if self._error is not None or not entries:
            return
        callbacks = [one.while_writing for one in appends if one.while_writing is not None]
        try:
            self._commit(entries, partial(self._start_writing, callbacks))
        except Exception as error:  # of any kind: the appenders must get an answer
            log.exception("journal broken", error=str(error), records=len(entries))
            self._error = JournalBrokenError(f"a commit failed: {error}")

    def _start_writing(self, callbacks: Sequence[WhileWriting]) -> None:
        """Tell those who want to know that the disk begins to write. Runs in the thread."""
        if callbacks:
            self._writing = WritingStarted(callbacks)
            self._notifier.notify(self._writing)

    # --- on the event loop --------------------------------------------------------------------------

    def _on_result(self, result: WritingStarted | AppendsDone) -> None:
        if type(result) is AppendsDone:
            self._on_done(result)
        elif result is self._writing:  # otherwise it is written already: what waits for it comes first
            for callback in result.callbacks:
                callback()
