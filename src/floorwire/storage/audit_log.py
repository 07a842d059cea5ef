"""The audit log: one JSON line for each sign-in, refusal, key change and admin action. It has no secrets."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from threading import Lock

import msgspec
import structlog

from floorwire.auth.client_address import network_of
from floorwire.core.printable import printable
from floorwire.protocol.rate_limit import KeyedRateLimit
from floorwire.storage import stored_number
from floorwire.storage.audit_file import AuditFile, PartlyWrittenError
from floorwire.storage.stored_number import PAIR_BYTES, DamagedNumberError, NumberFile

FILE = "audit.jsonl"
UNWRITTEN_FILE = "audit.unwritten"
"""File with the number of entries that are in no line, and of which no line tells."""
QUEUE = 10_000
GATHER_S = 0.1
"""Entries of this many seconds are written together. To start a thread for each line would cost more than a
sign-in does, when many clients reconnect. A crash can lose the entries of this time, and they are counted."""
RETRY_S = 1.0
"""How often a disk that failed is tried again."""
REFUSALS_PER_SECOND = 10
"""Lines about refusals of one address. Further refusals are only counted (rate limit)."""
REFUSALS_PER_SECOND_IN_ALL = 20
"""Lines about refusals of all addresses together. Those of clients without a key and of keys count apart, so
that strangers do not hide what a key was refused."""
MAX_TEXT = 200

log = structlog.get_logger("floorwire.audit")


class AuditEntry(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One event. ``ts`` is in microseconds since 1970 (UTC).

    ``event``: sign_in, refused, ticket, closed, or the name of an admin action (keys.create, ...).
    ``how``: bearer, signature, token, ticket, page, or the action that was refused.
    ``target``: the key or the account that an admin changed.
    ``signed_ts``: the date in a signed login.
    ``left_out``: entries before this one that are in no line: there were too many, or the disk took none.
    """

    ts: int
    event: str
    account: str = ""
    key: str = ""
    address: str = ""
    how: str = ""
    code: str = ""
    reason: str = ""
    target: str = ""
    signed_ts: int = 0
    left_out: int = 0


class AuditLog:
    """Appends entries in a thread. While the disk takes none, they wait; a full queue drops new entries.

    What was dropped is counted: the next line tells of it (``left_out``). The count and the number of entries
    that wait are also in a file: the first line after a crash tells of them. Raises OSError where its files
    cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._file = AuditFile(path)
        self._stored = NumberFile(path.with_name(UNWRITTEN_FILE), 2 * PAIR_BYTES)
        self._queue: deque[AuditEntry] = deque()
        self._has_work = asyncio.Event()
        self._writing = Lock()
        self._refusals = KeyedRateLimit(REFUSALS_PER_SECOND)
        self._refusals_in_all = KeyedRateLimit(REFUSALS_PER_SECOND_IN_ALL)
        self._unwritten: deque[AuditEntry] = deque()
        """Entries that the thread took from the queue, oldest first. The disk did not take them yet."""
        self._is_failing = False
        self._is_count_failing = False
        self.dropped = self._left_out = self._load()
        """How many entries are in no line, of killed processes too; how many of them are not told of."""
        self._told = 0
        """How many dropped entries lines in the file tell of."""

    @property
    def waiting(self) -> int:
        """How many entries are not in the file yet."""
        return len(self._queue) + len(self._unwritten)

    def add(self, entry: AuditEntry) -> None:
        """Queue the entry. Refusals have a rate limit by address and in all: further ones are counted."""
        self._has_work.set()
        if self._is_flood(entry) or self.waiting >= QUEUE:
            self._left_out += 1
            self.dropped += 1
        else:
            if self._left_out:
                entry = msgspec.structs.replace(entry, left_out=self._left_out)
                self._left_out = 0
            self._queue.append(entry)
        self._store_missing()

    def _is_flood(self, entry: AuditEntry) -> bool:
        if entry.event != "refused":
            return False
        # The address first: one that floods takes nothing of what the others share.
        if not self._refusals.allow(network_of(entry.address), entry.ts):
            return True
        return not self._refusals_in_all.allow("key" if entry.account else "stranger", entry.ts)

    async def run(self) -> None:
        """Write until cancelled, and then write what is still queued."""
        try:
            while True:
                await self._has_work.wait()
                await asyncio.sleep(RETRY_S if self._is_failing else GATHER_S)
                self._has_work.clear()
                await asyncio.to_thread(self.flush)
                if self._is_failing:
                    self._has_work.set()
        finally:
            self.flush()

    def flush(self) -> None:
        """Write what is queued, in order. May run in any thread."""
        with self._writing:
            self._unwritten.extend(self._queue.popleft() for _ in range(len(self._queue)))
            try:
                self._file.append([_line(entry) for entry in self._unwritten])
            except PartlyWrittenError as error:
                self._remove(error.lines)
                if not self._is_failing:  # once, however long it lasts
                    log.error("audit log not written", error=str(error), lines=len(self._unwritten))
                self._is_failing = True
            else:
                if self._is_failing:
                    log.warning("audit log is written again", lines=len(self._unwritten))
                self._is_failing = False
                self._remove(len(self._unwritten))
            self._store_missing()

    def _store_missing(self) -> None:
        """Store how many entries the file would lack, and tell nothing of, if the process were killed now.

        A kill just after a write makes it too high, by the lines of that write. The loop and the thread may
        both be here: the thread is here again after what the loop adds.
        """
        missing = self.dropped - self._told + self.waiting
        stored_number.store(self._stored.content, 0, PAIR_BYTES, missing)
        try:
            self._stored.write()
        except OSError as error:  # a sign-in does not fail for it
            if not self._is_count_failing:
                log.error("the count of unwritten audit lines is not stored", error=str(error))
            self._is_count_failing = True
        else:
            self._is_count_failing = False

    def _remove(self, count: int) -> None:
        self._told += sum(self._unwritten.popleft().left_out for _ in range(count))

    def _load(self) -> int:
        try:
            return stored_number.load(self._stored.content, 0, PAIR_BYTES)
        except DamagedNumberError:
            log.error("how many lines the audit log lacks is not known", file=UNWRITTEN_FILE)
            return 0


def append(path: Path, entries: Iterable[AuditEntry]) -> None:
    """Append the entries, each a line. Lines of several processes do not mix. Raises OSError."""
    lines = [_line(entry) for entry in entries]
    if lines:
        with closing(AuditFile(path)) as file:
            file.append(lines)


def _line(entry: AuditEntry) -> bytes:
    return msgspec.json.encode(_cut(entry)) + b"\n"


def _cut(entry: AuditEntry) -> AuditEntry:
    """Return the entry with the texts that a client may have chosen printable, and cut to ``MAX_TEXT``."""
    texts = entry.key + entry.reason + entry.target
    if texts.isprintable() and max(len(entry.key), len(entry.reason), len(entry.target)) <= MAX_TEXT:
        return entry
    cut = {name: printable(getattr(entry, name)[:MAX_TEXT]) for name in ("key", "reason", "target")}
    return msgspec.structs.replace(entry, **cut)
