"""Helpers for tests of the journal: entries, and appends that can be awaited."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from floorwire.storage.journal import Journal, JournalEntry, JournalError, JournalRecord

NOW = 1_800_000_000_000_000


def entry(account: str = "alice", payload: bytes = b"\x81\xa1a\x01", kind: str = "order") -> JournalEntry:
    return JournalEntry(account, kind, NOW, payload)


def entries(count: int, account: str = "alice") -> list[JournalEntry]:
    return [entry(account, b"%d" % index) for index in range(count)]


async def outcome(journal: Journal, what: Sequence[JournalEntry]) -> JournalError | None:
    """Append and return the argument of ``on_durable``."""
    result: asyncio.Future[JournalError | None] = asyncio.get_running_loop().create_future()
    journal.append(what, result.set_result)
    async with asyncio.timeout(30):
        return await result


async def keep(journal: Journal, *batches: Sequence[JournalEntry]) -> None:
    """Append each batch and wait until it is durable."""
    for batch in batches:
        assert await outcome(journal, batch) is None


def numbers(records: Sequence[JournalRecord]) -> list[int]:
    return [record.n for record in records]
