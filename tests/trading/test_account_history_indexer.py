"""The indexer: it has what the journal has, whatever was there before and whatever fails on the way."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from floorwire.config import Settings
from floorwire.config.trading import StorageSettings
from floorwire.core.account_events import AccountEntry
from floorwire.core.codes import Code
from floorwire.core.refusal import Refusal
from floorwire.storage.account_history_index import AccountHistoryIndex, HistoryQuery
from floorwire.storage.account_history_rows import IndexedRows
from floorwire.storage.data_dir import open_history, open_journal
from floorwire.storage.journal import Journal
from floorwire.trading import account_history_indexer
from floorwire.trading.account_history_indexer import AccountHistoryIndexer
from tests.trading.random_history import RandomHistory


@pytest.fixture(params=["sqlite", "memory"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    return Settings(data=str(tmp_path), journal=request.param)


@asynccontextmanager
async def following(journal: Journal, settings: Settings) -> AsyncIterator[AccountHistoryIndexer]:
    indexer = AccountHistoryIndexer(partial(open_history, settings))
    running = asyncio.create_task(indexer.run())
    indexer.start(journal, as_it_is)
    yield indexer
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


def as_it_is(entry: AccountEntry) -> AccountEntry:
    return entry


async def fills(indexer: AccountHistoryIndexer, journal: Journal, account: str) -> list[int]:
    """Return the ids of all fills."""
    query = HistoryQuery(account, 10_000)
    page = await indexer.read(journal.durable_n, lambda index: index.fills(query))
    return [row.id for row in page.rows]


async def test_it_has_all_that_is_durable_and_follows(where: Settings) -> None:
    journal, history = open_journal(where), RandomHistory(3, 0.3)
    await history.append_to(journal, 150)
    async with following(journal, where) as indexer:
        for _ in range(3):
            for account in ("alice", "bob"):
                assert await fills(indexer, journal, account) == history.ids(account)
            await history.append_to(journal, 20)
        assert indexer.lag_records > 0
        await fills(indexer, journal, "alice")
        assert indexer.lag_records == 0
    journal.close()


async def test_after_a_kill_it_goes_on_and_in_another_journal_it_begins_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = (Settings(data=str(tmp_path / name)) for name in ("here", "there"))
    journal, history = open_journal(here), RandomHistory(3, 0.3)
    await history.append_to(journal, 100)
    async with following(journal, here) as indexer:
        await fills(indexer, journal, "alice")
        await history.append_to(journal, 10)
    journal.close()
    added: list[int] = []
    add = AccountHistoryIndex.add

    def counted(index: AccountHistoryIndex, rows: IndexedRows, n: int, digest: bytes, at_us: int) -> None:
        added.append(n)
        add(index, rows, n, digest, at_us)

    monkeypatch.setattr(AccountHistoryIndex, "add", counted)
    journal = open_journal(here)
    async with following(journal, here) as indexer:
        assert await fills(indexer, journal, "alice") == history.ids("alice")
    assert len(added) == 1
    journal.close()
    other_journal, other = open_journal(there), RandomHistory(4, 0.3)
    await other.append_to(other_journal, 120)
    other_journal.close()
    for path in (tmp_path / "here").glob("account-history.db*"):
        path.rename(tmp_path / "there" / path.name)
    other_journal = open_journal(there)
    async with following(other_journal, there) as indexer:
        assert await fills(indexer, other_journal, "alice") == other.ids("alice")
    other_journal.close()


async def test_a_fault_of_the_index_is_tried_again_and_damage_mended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account_history_indexer, "RETRY_S", 0.001)
    where = Settings(data=str(tmp_path))
    journal, history = open_journal(where), RandomHistory(3, 0.3)
    await history.append_to(journal, 100)
    faults: list[Exception] = [
        sqlite3.OperationalError("full"),
        sqlite3.OperationalError("full"),
        sqlite3.DatabaseError("malformed"),
        OSError(),
    ]
    add, made_new = AccountHistoryIndex.add, list[bool]()

    def failing(index: AccountHistoryIndex, *what: object) -> None:
        if faults and index.last_n > 300:
            raise faults.pop(0)
        add(index, *what)  # type: ignore[arg-type]

    def opened(is_new: bool) -> AccountHistoryIndex:
        made_new.append(is_new)
        return open_history(where, is_new)

    monkeypatch.setattr(AccountHistoryIndex, "add", failing)
    indexer = AccountHistoryIndexer(opened)
    with capture_logs() as logs:
        running = asyncio.create_task(indexer.run())
        indexer.start(journal, as_it_is)
        assert await fills(indexer, journal, "alice") == history.ids("alice")
    assert (made_new, indexer.failures, faults) == ([False, False, False, True, False], 4, [])
    told = [
        str(line["error"]) for line in logs if str(line["event"]).startswith("account history not indexed")
    ]
    assert told[:2] == ["full", "malformed"], "what is tried again each second is told once"
    running.cancel()
    journal.close()


async def test_whoever_asks_is_told_how_far_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account_history_indexer, "MAX_WAIT_S", 0.01)
    where = Settings(data=str(tmp_path))
    journal = open_journal(where)
    async with following(journal, where) as indexer:
        with pytest.raises(Refusal) as refused:
            await indexer.read(7, lambda index: index.last_n)
        assert (refused.value.code, refused.value.wait_us) == (Code.RATE_LIMITED, 10_000)
        assert "0 of 7 records" in refused.value.message
    journal.close()


async def test_what_memory_forgot_before_it_was_indexed_is_left_out() -> None:
    where = Settings(journal="memory", storage=StorageSettings(memory_records=200))
    journal, history = open_journal(where), RandomHistory(7, 0.3)
    await history.append_to(journal, 120)
    kept = {record.n for record in journal.read(journal.durable_n - 200)}
    async with following(journal, where) as indexer:
        assert await fills(indexer, journal, "alice") == [one for one in history.ids("alice") if one in kept]
        assert await indexer.read(0, lambda index: index.forgotten_n) == journal.durable_n - 200


async def test_what_memory_forgot_while_it_was_indexed_leaves_no_hole() -> None:
    where = Settings(journal="memory", storage=StorageSettings(memory_records=200))
    journal, history = open_journal(where), RandomHistory(7, 0.3)
    await history.append_to(journal, 20)
    async with following(journal, where) as indexer:
        assert await fills(indexer, journal, "alice") == history.ids("alice")
        await history.append_once(journal, 500)  # one commit: nobody has seen the first 300 of them
        kept = {record.n for record in journal.read(journal.durable_n - 200)}
        assert await fills(indexer, journal, "alice") == [one for one in history.ids("alice") if one in kept]
        first = await indexer.read(0, lambda index: index.first_fill("alice"))
        assert first is not None
        assert first[0] == len(history.ids("alice")) - len(kept.intersection(history.ids("alice"))) + 1
    journal.close()


async def test_another_journal_is_followed_when_the_first_fails(tmp_path: Path) -> None:
    where = Settings(data=str(tmp_path))
    journal, history = open_journal(where), RandomHistory(3, 0.3)
    async with following(journal, where) as indexer:
        await history.append_to(journal, 20)
        await fills(indexer, journal, "alice")
        journal.close()
        journal = open_journal(where)
        await history.append_to(journal, 20)
        indexer.start(journal, as_it_is)
        assert await fills(indexer, journal, "alice") == history.ids("alice")
    journal.close()
