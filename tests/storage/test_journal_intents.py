"""The journal and its intent: when one may be written, and when a start finds it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from floorwire.storage import intent_file
from floorwire.storage.intent_file import FILE
from floorwire.storage.journal import JournalBrokenError
from floorwire.storage.journal_memory import MemoryJournal
from floorwire.storage.journal_sqlite import SqliteJournal
from tests.storage.journals import entries, keep
from tests.storage.test_journal_files_gone import move, remove, replace

pytestmark = pytest.mark.skipif(not intent_file.IS_COMPILED, reason="block_writer.c is not compiled")


async def written(journal: SqliteJournal, intent: bytes = b"order") -> bool:
    told: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
    assert journal.write_intent(intent, told.set_result)
    return await asyncio.wait_for(told, 30)


def found(folder: Path) -> bytes | None:
    with closing(SqliteJournal(folder, 100)) as journal:
        return journal.intent()


async def test_an_intent_is_found_until_a_record_follows(tmp_path: Path) -> None:
    with closing(SqliteJournal(tmp_path, 100)) as journal:
        assert journal.intent() is None
        await keep(journal, entries(3))
        assert await written(journal)
        assert journal.intent() is None  # that of the start
    for _ in range(2):
        assert found(tmp_path) == b"order"
    with closing(SqliteJournal(tmp_path, 100)) as journal:
        await keep(journal, entries(1))
    assert found(tmp_path) is None


async def test_one_of_a_journal_without_records_is_found(tmp_path: Path) -> None:
    with closing(SqliteJournal(tmp_path, 100)) as journal:
        assert await written(journal)
    assert found(tmp_path) == b"order"


async def test_none_is_written_while_a_record_is_not_durable(tmp_path: Path) -> None:
    with closing(SqliteJournal(tmp_path, 100)) as journal:
        journal.append(entries(1), lambda _: None)
        assert not journal.write_intent(b"order", lambda _: None)
        await keep(journal, entries(1))
        assert await written(journal)
    assert found(tmp_path) == b"order"


async def test_a_record_that_is_appended_while_it_is_written_makes_it_void(tmp_path: Path) -> None:
    with closing(SqliteJournal(tmp_path, 100)) as journal:
        told: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        assert journal.write_intent(b"order", told.set_result)
        await keep(journal, entries(1))
        assert await asyncio.wait_for(told, 30)
    assert found(tmp_path) is None


async def test_a_discarded_one_is_not_found(tmp_path: Path) -> None:
    with closing(SqliteJournal(tmp_path, 100)) as journal:
        assert await written(journal)
        journal.discard_intent()
    assert found(tmp_path) is None


@pytest.mark.parametrize("harm", [remove, replace, move])
async def test_in_a_file_that_no_start_would_find_none_is_told(
    tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    with closing(SqliteJournal(tmp_path, 100)) as journal:
        assert await written(journal)
        harm(tmp_path / FILE)
        async with asyncio.timeout(30):
            while journal.broken is None:
                await asyncio.sleep(0.01)
        assert FILE in str(journal.broken)
        assert not journal.write_intent(b"second", lambda _: None)
        with pytest.raises(JournalBrokenError):
            journal.append(entries(1), lambda _: None)


async def test_one_that_was_being_written_when_the_journal_broke_is_not_told(tmp_path: Path) -> None:
    with closing(SqliteJournal(tmp_path, 100)) as journal:
        told: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        assert journal.write_intent(b"order", told.set_result)
        remove(tmp_path / FILE)
        journal.check()
        assert not await asyncio.wait_for(told, 30)


async def test_an_error_of_the_disk_is_told(tmp_path: Path) -> None:
    with closing(SqliteJournal(tmp_path, 100)) as journal:
        null = os.open("/dev/null", os.O_WRONLY)
        os.dup2(null, journal._intents._handle)
        os.close(null)
        assert not await written(journal)
        await keep(journal, entries(1))  # the journal itself is in order


async def test_a_journal_in_memory_takes_none() -> None:
    journal = MemoryJournal(100, 100)
    assert not journal.write_intent(b"order", lambda _: None)
    journal.discard_intent()
    assert journal.intent() is None
