"""The journal: every account event in one order, on disk before anybody is told of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol, TypeAlias

import msgspec


class JournalEntry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What is to be journalled: an account event, opaque here, with what it is found by."""

    account: str
    kind: str
    ts_us: int
    payload: bytes


class JournalRecord(msgspec.Struct, frozen=True, gc=False):
    """An entry in its place: ``n`` counts up from 1 over all accounts, without a hole."""

    n: int
    account: str
    kind: str
    ts_us: int
    payload: bytes


class JournalSnapshot(msgspec.Struct, frozen=True):
    """The state, opaque here, after the records up to and including ``n``."""

    n: int
    state: Iterable[bytes]
    """In pieces, none of them long; while it is not saved yet each may be made when it comes to it."""


class JournalError(Exception):
    """The journal cannot do what it was asked to; says why."""


class JournalFullError(JournalError):
    """Too much waits for the disk; nothing of this append was taken. Try again when less waits."""

    def __init__(self, waiting: int, limit: int) -> None:
        super().__init__(f"{waiting} records wait for the disk, and {limit} may")
        self.waiting = waiting
        self.limit = limit


class JournalBrokenError(JournalError):
    """A commit failed. Whether its records are on disk is unknown; the next opening tells."""


class JournalLockedError(JournalError):
    """Another process has the journal open."""


class JournalUnusableError(JournalError):
    """The journal cannot be opened or read: no right to, no room, or not a journal of this version."""


class JournalCorruptError(JournalError):
    """Acknowledged records cannot be read any more; ``good_n`` is the last before them, which can."""

    def __init__(self, good_n: int, what: str) -> None:
        super().__init__(f"the journal is damaged after record {good_n}: {what}")
        self.good_n = good_n
        self.what = what


class ForgottenError(JournalError):
    """Records from before ``first_n``, which ``n`` is or leads to, are not kept, and so cannot be read."""

    def __init__(self, n: int, first_n: int) -> None:
        super().__init__(f"records next to {n} were asked for; the first that is kept is {first_n}")
        self.n = n
        self.first_n = first_n


OnDurable: TypeAlias = Callable[[JournalError | None], None]
"""Told once, on the event loop: None when the records are durable, else why they may not be."""


class Journal(Protocol):
    """Appends from the event loop, never blocking it; commits in the order of the appends.

    Everything that waits becomes one commit. After a commit failed the journal is broken: whoever waits is
    told so in order, every later append is refused, and only closing and opening it again helps.
    """

    @property
    def last_n(self) -> int:
        """The number of the last record taken, durable or not; 0 where there is none."""
        ...

    @property
    def durable_n(self) -> int:
        """The number of the last record that is durable and whose appender was told so."""
        ...

    @property
    def broken(self) -> JournalError | None:
        """Why nothing more is taken; None while all is well."""
        ...

    @property
    def checkpoint_failures(self) -> int:
        """How often, since it was opened, the log of what is durable could not be moved to where it belongs.

        Nothing is lost: the log grows until the disk is full. Mostly it is already.
        """
        ...

    @property
    def is_restored(self) -> bool:
        """Whether it may be an older copy that was put back, so that records after its last are lost.

        It is until the first append after its opening is durable.
        """
        ...

    def append(self, entries: Sequence[JournalEntry], on_durable: OnDurable) -> int:
        """Take the entries, all of one commit, and return the number of the last; on the event loop only.

        ``on_durable`` is called on the loop, never from within this call, in the order of the appends. No
        entries are fine: ``on_durable`` is then told when all before them are durable. So are more than may
        wait, as long as less than that waits: what cannot be taken then could never be.
        Raises JournalFullError and JournalBrokenError; then nothing was taken and nobody will be told.
        """
        ...

    def read(self, after_n: int = 0) -> Iterator[JournalRecord]:
        """Yield the durable records after this one, in order; blocks, so before serving or off the loop.

        Raises JournalCorruptError where a record does not verify, after all that do; ForgottenError;
        JournalUnusableError.
        """
        ...

    async def read_account(
        self, account: str, n: int, limit: int, *, back: bool = False
    ) -> Sequence[JournalRecord]:
        """Return at most so many of the account's durable records on one side of record ``n``, nearest first.

        Those after it, or ``back`` those before it; the account need not be in ``n`` itself. Sees everything
        acknowledged before the call; reads off the loop. Fewer than ``limit``: that is all there are, or all
        that are kept. Raises JournalCorruptError, JournalUnusableError, and ForgottenError: after ``n``,
        where the record next to it is not kept; before it, where none of the account's is and some may have
        been.
        """
        ...

    def latest(self, account: str, kind: str) -> JournalRecord | None:
        """Return the account's last durable record of this kind, None where none is kept; blocks.

        Raises JournalCorruptError, JournalUnusableError.
        """
        ...

    async def save_snapshot(self, snapshot: JournalSnapshot) -> None:
        """Keep the snapshot, whole or not at all, and forget all but the latest few; writes off the loop.

        Takes its time, so that others have theirs, and gives up when the journal is closed.
        Raises ValueError for one from beyond ``durable_n``; JournalUnusableError where it cannot be written,
        which leaves the journal as good as it was.
        """
        ...

    def latest_snapshot(self) -> JournalSnapshot | None:
        """Return the latest snapshot that is whole; None: read the journal from its begin. Blocks."""
        ...

    def close(self) -> None:
        """Commit what waits and close; blocks for as long as that takes. Again: nothing happens."""
        ...
