"""The journal: every account event in one order. A client gets no event before it is on disk."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol, TypeAlias

import msgspec


class JournalEntry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An account event to be journalled.

    ``payload`` is the event, opaque here. The journal is searched by ``account`` and ``kind``.
    """

    account: str
    kind: str
    ts_us: int
    payload: bytes


class JournalRecord(msgspec.Struct, frozen=True, gc=False):
    """An entry with its number: ``n`` counts up from 1 over all accounts, without a hole."""

    n: int
    account: str
    kind: str
    ts_us: int
    payload: bytes


class JournalPart(msgspec.Struct, frozen=True, gc=False):
    """Whole commits. ``digest`` is that of all records of the journal up to the last of these."""

    records: Sequence[JournalRecord]
    last_n: int
    digest: bytes


class JournalSnapshot(msgspec.Struct, frozen=True):
    """The state after record ``n``, opaque here."""

    n: int
    state: Iterable[bytes]
    """Short pieces. A snapshot that is being saved may make each piece when it is needed."""


class JournalError(Exception):
    """The journal cannot do what it was asked to. The message says why."""


class JournalFullError(JournalError):
    """Backpressure: too many records wait for the disk. Nothing was appended; try again later."""

    def __init__(self, waiting: int, limit: int) -> None:
        super().__init__(f"{waiting} records wait for the disk, and {limit} may")
        self.waiting = waiting
        self.limit = limit


class JournalBrokenError(JournalError):
    """A commit failed. Whether its records are on disk is known when the journal is opened again."""


class JournalLockedError(JournalError):
    """Another process has the journal open."""


class JournalUnusableError(JournalError):
    """The journal cannot be opened or read: no permission, no room, or a file of another version."""


class JournalVersionError(JournalUnusableError):
    """Another version of Floorwire made the journal, or a record of it. Nothing is damaged."""


class JournalCorruptError(JournalError):
    """Acknowledged records are damaged or missing. ``good_n`` is the last record before them."""

    def __init__(self, good_n: int, what: str) -> None:
        super().__init__(f"the journal is damaged after record {good_n}: {what}")
        self.good_n = good_n
        self.what = what


class ForgottenError(JournalError):
    """Records next to ``n`` were asked for, but records before ``first_n`` are not kept."""

    def __init__(self, n: int, first_n: int) -> None:
        super().__init__(f"records next to {n} were asked for; the first that is kept is {first_n}")
        self.n = n
        self.first_n = first_n


OnDurable: TypeAlias = Callable[[JournalError | None], None]
"""Called once, on the event loop: with None when the records are durable, else with why they may not be."""
OnWritten: TypeAlias = Callable[[bool], None]
"""Called once, on the event loop: whether an intent is on the disk."""
WhileWriting: TypeAlias = Callable[[], None]
"""Called on the event loop while the disk writes. Never raises."""


class Journal(Protocol):
    """An append-only list of records. An append does not block the event loop.

    Group commit: all appends that wait become one commit, in the order of the appends. After a commit failed
    the journal is broken: each append that waits gets the error, in order, and every later append is refused.
    It must be closed and opened again.
    """

    @property
    def last_n(self) -> int:
        """The number of the last record appended, durable or not; 0 where there is none."""
        ...

    @property
    def durable_n(self) -> int:
        """The number of the last record whose ``on_durable`` was called without an error."""
        ...

    @property
    def undurable_records(self) -> int:
        """How many records were appended and are not durable. Too many: orders are refused (backpressure)."""
        ...

    @property
    def broken(self) -> JournalError | None:
        """Why appends are refused; None while they are not."""
        ...

    @property
    def checkpoint_failures(self) -> int:
        """How many checkpoints of the write-ahead log failed since the journal was opened.

        Nothing is lost, but the log grows. The usual reason is a full disk.
        """
        ...

    @property
    def is_restored(self) -> bool:
        """Whether the journal may be an older copy that was put back, so that later records are lost.

        True until the first append after the opening is durable.
        """
        ...

    def append(
        self,
        entries: Sequence[JournalEntry],
        on_durable: OnDurable,
        while_writing: WhileWriting | None = None,
    ) -> int:
        """Append the entries in one commit and return the number of the last. Call it on the event loop only.

        ``on_durable`` is called on the loop in the order of the appends, never from within this call. Without
        entries it is called when all earlier appends are durable. An append may be larger than the limit of
        records that wait, as long as fewer than the limit wait: otherwise it could never be made.
        ``while_writing`` is called on the loop when the disk begins to write them, so that what comes after
        can be made ready. It is left out if they are durable by then.
        Raises JournalFullError and JournalBrokenError; then nothing is appended and nothing called.
        """
        ...

    def write_intent(self, intent: bytes, on_written: OnWritten) -> bool:
        """Begin to write an intent: what may happen before the journal has a record of it.

        Return False where that is not possible now, or never: while a record is not durable, while another
        intent is written, for a long one. Call it on the event loop only. The intent counts until a later
        record is durable. ``on_written`` is called on the loop, never from within this call, and not after
        the journal was closed.
        """
        ...

    def discard_intent(self) -> None:
        """What the intent is about does not happen, and no record tells of it."""
        ...

    def intent(self) -> bytes | None:
        """Return the intent that the journal had when it was opened, and that no record followed; or None.

        What it is about may have happened. One that was discarded may be back after a power cut.
        """
        ...

    def read(self, after_n: int = 0) -> Iterator[JournalRecord]:
        """Yield the durable records after ``after_n``, in order. Blocks: not for the event loop.

        Raises JournalCorruptError at the first record that does not verify, ForgottenError,
        JournalUnusableError.
        """
        ...

    async def read_account(
        self, account: str, n: int, limit: int, *, back: bool = False
    ) -> Sequence[JournalRecord]:
        """Return at most ``limit`` durable records of the account after record ``n``, nearest first.

        With ``back``: those before ``n``. Record ``n`` may be of another account. The result has all records
        acknowledged before the call. Reads in a thread. Fewer than ``limit`` records: there are no more, or
        no more are kept. Raises JournalCorruptError and JournalUnusableError. Raises ForgottenError where
        the record after ``n`` is not kept; with ``back`` where no record of the account before ``n`` is kept
        but one may have been.
        """
        ...

    async def read_commits(self, after_n: int, limit: int) -> JournalPart:
        """Return the records of the next commits after record ``after_n``, ``limit`` or more if there are.

        ``after_n`` is the last record of a commit, or 0. Reads in a thread. Raises JournalCorruptError,
        JournalUnusableError, and ForgottenError where the record after it is not kept.
        """
        ...

    async def digest_at(self, n: int) -> bytes | None:
        """Return the digest of all records up to ``n``; None: no commit ends there, or there are no digests.

        Reads in a thread. Raises JournalCorruptError, JournalUnusableError.
        """
        ...

    def latest(self, account: str, kind: str) -> JournalRecord | None:
        """Return the account's last durable record of this kind; None where none is kept. Blocks.

        Raises JournalCorruptError, JournalUnusableError.
        """
        ...

    async def save_snapshot(self, snapshot: JournalSnapshot) -> None:
        """Save the snapshot, whole or not at all, and remove all but the latest few. Writes in a thread.

        It writes slowly on purpose, so that the event loop is not held up. It stops when the journal is
        closed. Raises ValueError for a snapshot after ``durable_n``. Raises JournalUnusableError where it
        cannot be written; the journal itself is not harmed.
        """
        ...

    def latest_snapshot(self) -> JournalSnapshot | None:
        """Return the latest snapshot that is whole; None: read the journal from its start. Blocks."""
        ...

    def check(self) -> None:
        """Break the journal where its files were removed or replaced. Call it on the event loop only.

        The journal looks by itself where the system tells of such changes. Nothing is lost where it is closed
        before the process ends: what it still has open goes into the database.
        """
        ...

    def close(self) -> None:
        """Commit all appends that wait and close. Blocks until then. A second call does nothing."""
        ...
