from __future__ import annotations

import asyncio
from collections.abc import Sequence
from threading import Event

import pytest

from floorwire.storage import commit_thread
from floorwire.storage.commit_thread import CommitThread
from floorwire.storage.journal import JournalBrokenError, JournalEntry
from floorwire.storage.pending_appends import AppendsDone, PendingAppend, PendingAppends
from tests.storage.journals import entries


class Disk:
    """Takes commits when it is let, and refuses those from a given one on."""

    def __init__(self, fails_from: int = 99) -> None:
        self.committer: list[int] = []
        self.between = 0
        self.ready = Event()
        self._fails_from = fails_from

    def commit(self, what: Sequence[JournalEntry]) -> None:
        assert self.ready.wait(10)
        self.committer.append(len(what))
        if len(self.committer) >= self._fails_from:
            raise TypeError("not foreseen")

    def breathe(self) -> None:
        self.between += 1


async def appended(disk: Disk, sizes: Sequence[int]) -> list[AppendsDone]:
    """Put so many entries in each append while the first commit waits; return what was told."""
    told: list[AppendsDone] = []
    over = CommitThread(disk.commit, told.append, disk.breathe)
    over.put(PendingAppend(entries(1), lambda _: None))
    while not over._queue.empty():
        await asyncio.sleep(0)
    for size in sizes:
        over.put(PendingAppend(entries(size), lambda _: None))
    disk.ready.set()
    await asyncio.to_thread(over.stop)
    await asyncio.sleep(0)
    return told


async def test_what_waits_is_one_commit_and_one_call() -> None:
    disk = Disk()
    told = await appended(disk, [1, 0, 3, 1])
    assert disk.committer == [1, 5]
    assert [len(done.appends) for done in told] == [1, 4]
    assert disk.between in (1, 2)  # the end may already wait behind the last commit


async def test_a_commit_has_an_end_and_an_append_is_never_divided(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commit_thread, "COMMIT_RECORDS", 5)
    disk = Disk()
    await appended(disk, [2, 2, 3, 9, 1, 1])
    assert disk.committer == [1, 7, 9, 2]


async def test_after_a_failure_of_any_kind_nothing_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commit_thread, "COMMIT_RECORDS", 2)
    disk = Disk(fails_from=2)
    told = await appended(disk, [2, 2, 2])
    assert disk.committer == [1, 2]
    assert disk.between == 1
    assert [done.error is None for done in told] == [True, False, False, False]
    assert isinstance(told[-1].error, JournalBrokenError)
    assert "not foreseen" in str(told[-1].error)


def test_a_closed_loop_does_not_keep_the_writer_from_its_end() -> None:
    disk = Disk()
    over = CommitThread(disk.commit, PendingAppends(10, 0).tell, disk.breathe)

    async def put() -> None:
        over.put(PendingAppend(entries(1), lambda _: None))

    asyncio.run(put())
    disk.ready.set()
    over.stop()
    assert disk.committer == [1]
