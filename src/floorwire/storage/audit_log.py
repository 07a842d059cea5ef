"""The audit log: one JSON line for each sign-in, refusal, key change and admin action. It has no secrets."""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from threading import Lock

import msgspec
import structlog

from floorwire.core.printable import printable
from floorwire.protocol.rate_limit import KeyedRateLimit
from floorwire.storage.private_files import FILE_MODE

FILE = "audit.jsonl"
QUEUE = 10_000
GATHER_S = 0.1
"""Entries of this many seconds are written together. To start a thread for each line would cost more than a
sign-in does, when many clients reconnect. A crash can lose the entries of this time, and no more."""
REFUSALS_PER_SECOND = 10
"""Lines about refusals of one address. Further refusals are only counted (rate limit)."""
MAX_TEXT = 200

log = structlog.get_logger("floorwire.audit")


class AuditEntry(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One event. ``ts`` is in microseconds since 1970 (UTC).

    ``event``: sign_in, refused, ticket, closed, or the name of an admin action (keys.create, ...).
    ``how``: bearer, signature, token, ticket, page, or the action that was refused.
    ``target``: the key or the account that an admin changed.
    ``signed_ts``: the date in a signed login.
    ``left_out``: lines before this one that were not written, because there were too many.
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
    """Appends entries in a thread. A full queue drops new entries and counts them."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._queue: deque[AuditEntry] = deque()
        self._has_work = asyncio.Event()
        self._writing = Lock()
        self._refusals = KeyedRateLimit(REFUSALS_PER_SECOND)
        self._left_out = 0

    def add(self, entry: AuditEntry) -> None:
        """Queue the entry. Refusals of one address have a rate limit: further ones are only counted."""
        is_flood = entry.event == "refused" and not self._refusals.allow(entry.address, entry.ts)
        if is_flood or len(self._queue) >= QUEUE:
            self._left_out += 1
            return
        if self._left_out:
            entry = msgspec.structs.replace(entry, left_out=self._left_out)
            self._left_out = 0
        self._queue.append(entry)
        self._has_work.set()

    async def run(self) -> None:
        """Write until cancelled, and then write what is still queued."""
        try:
            while True:
                await self._has_work.wait()
                await asyncio.sleep(GATHER_S)
                self._has_work.clear()
                await asyncio.to_thread(self.flush)
        finally:
            self.flush()

    def flush(self) -> None:
        """Write what is queued, in order. May run in any thread."""
        with self._writing:
            batch = [self._queue.popleft() for _ in range(len(self._queue))]
            try:
                append(self._path, batch)
            except OSError as error:
                self._left_out += len(batch)
                log.error("audit log not written", error=str(error), lines=len(batch))


def append(path: Path, entries: Iterable[AuditEntry]) -> None:
    """Append the entries, each a line. Lines of several processes do not mix (O_APPEND). Raises OSError."""
    text = b"".join(msgspec.json.encode(_cut(entry)) + b"\n" for entry in entries)
    if not text:
        return
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, FILE_MODE)
    with os.fdopen(handle, "ab", buffering=0) as file:
        file.write(text)


def _cut(entry: AuditEntry) -> AuditEntry:
    """Return the entry with the texts that a client may have chosen printable, and cut to ``MAX_TEXT``."""
    texts = entry.key + entry.reason + entry.target
    if texts.isprintable() and max(len(entry.key), len(entry.reason), len(entry.target)) <= MAX_TEXT:
        return entry
    cut = {name: printable(getattr(entry, name)[:MAX_TEXT]) for name in ("key", "reason", "target")}
    return msgspec.structs.replace(entry, **cut)
