from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import weakref
from collections.abc import Callable, Sequence
from threading import Event

import pytest

from floorwire.storage import commit_thread
from floorwire.storage.commit_thread import CommitThread
from floorwire.storage.journal import JournalBrokenError, JournalEntry
from floorwire.storage.pending_appends import AppendsDone, PendingAppend, PendingAppends
from tests.storage.journals import entries


class Disk:
    """A disk whose commits wait for ``ready``. Commits from number ``fails_from`` on fail."""

    def __init__(self, fails_from: int = 99) -> None:
        self.commits: list[int] = []
        self.pauses = 0
        self.ready = Event()
        self._fails_from = fails_from

    def commit(self, what: Sequence[JournalEntry], on_write: Callable[[], None]) -> None:
        on_write()
        assert self.ready.wait(10)
        self.commits.append(len(what))
        if len(self.commits) >= self._fails_from:
            raise TypeError("not foreseen")

    def after_commit(self) -> None:
        self.pauses += 1


async def appended(disk: Disk, sizes: Sequence[int]) -> list[AppendsDone]:
    """Put so many entries in each append while the first commit waits; return the completed commits."""
    completed: list[AppendsDone] = []
    thread = CommitThread(disk.commit, completed.append, disk.after_commit)
    thread.put(PendingAppend(entries(1), lambda _: None))
    while not thread._queue.empty():
        await asyncio.sleep(0)
    for size in sizes:
        thread.put(PendingAppend(entries(size), lambda _: None))
    disk.ready.set()
    await asyncio.to_thread(thread.stop)
    await asyncio.sleep(0)
    return completed


async def test_appends_that_wait_become_one_group_commit() -> None:
    disk = Disk()
    completed = await appended(disk, [1, 0, 3, 1])
    assert disk.commits == [1, 5]
    assert [len(done.appends) for done in completed] == [1, 4]
    assert disk.pauses in (1, 2)  # the stop may already be queued behind the last commit


async def test_a_commit_is_limited_and_an_append_is_never_split(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commit_thread, "COMMIT_RECORDS", 5)
    disk = Disk()
    await appended(disk, [2, 2, 3, 9, 1, 1])
    assert disk.commits == [1, 7, 9, 2]


async def test_after_any_failure_nothing_more_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commit_thread, "COMMIT_RECORDS", 2)
    disk = Disk(fails_from=2)
    completed = await appended(disk, [2, 2, 2])
    assert disk.commits == [1, 2]
    assert disk.pauses == 1
    assert [done.error is None for done in completed] == [True, False, False, False]
    assert isinstance(completed[-1].error, JournalBrokenError)
    assert "not foreseen" in str(completed[-1].error)


async def test_while_the_disk_writes_the_loop_is_told() -> None:
    disk, told = Disk(), list[str]()
    thread = CommitThread(disk.commit, lambda _: told.append("done"), disk.after_commit)
    thread.put(PendingAppend(entries(1), lambda _: None, lambda: told.append("writing")))
    while not told:
        await asyncio.sleep(0)
    assert (told, disk.commits) == (["writing"], [])
    disk.ready.set()
    await asyncio.to_thread(thread.stop)
    await asyncio.sleep(0)
    assert told == ["writing", "done"]


async def test_what_is_durable_is_not_prepared_any_more() -> None:
    disk, told = Disk(), list[str]()
    disk.ready.set()
    thread = CommitThread(disk.commit, lambda _: told.append("done"), disk.after_commit)
    thread.put(PendingAppend(entries(1), lambda _: None, lambda: told.append("writing")))
    thread.stop()  # the loop does not run meanwhile
    await asyncio.sleep(0)
    assert told == ["done"]


def test_the_thread_stops_although_the_loop_is_closed() -> None:
    disk = Disk()
    thread = CommitThread(disk.commit, PendingAppends(10, 0).complete, disk.after_commit)

    async def put() -> None:
        thread.put(PendingAppend(entries(1), lambda _: None))

    asyncio.run(put())
    disk.ready.set()
    thread.stop()
    assert disk.commits == [1]


NOBODY_STOPS_IT = """
import asyncio, time
from floorwire.storage.commit_thread import CommitThread
from floorwire.storage.pending_appends import PendingAppend
from tests.storage.journals import entries

def commit(what, on_write):
    time.sleep(0.3)
    print("written", len(what), flush=True)

async def main():
    CommitThread(commit, lambda done: None, lambda: None).put(PendingAppend(entries(3), lambda _: None))

asyncio.run(main())
"""


def test_a_process_that_ends_waits_for_a_thread_that_nobody_stopped() -> None:
    """A thread that writes or logs while Python ends makes it abort ("_enter_buffered_busy")."""
    done = subprocess.run(
        [sys.executable, "-c", NOBODY_STOPS_IT], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (0, "written 3\n"), done.stderr


async def test_a_thread_that_was_stopped_is_not_kept_until_the_end() -> None:
    disk = Disk()
    disk.ready.set()
    kept = CommitThread(disk.commit, lambda _: None, disk.after_commit)
    seen = weakref.ref(kept)
    await asyncio.to_thread(kept.stop)
    del kept
    for _ in range(500):  # the thread that stopped it lets go of it a moment later
        gc.collect()
        if seen() is None:
            return
        await asyncio.sleep(0.01)
    pytest.fail("it is kept")
