from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from floorwire.access.used_login_writer import UsedLoginWriter
from floorwire.auth.replay_cache import UsedLogins
from floorwire.storage.login_mark import LoginMark


class SlowMark(LoginMark):
    """A file whose writes last until the test lets them go, and fail if it says so."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.go = threading.Semaphore(0)
        self.is_full = False
        self.writes: list[int] = []

    def write(self, used: UsedLogins) -> None:
        self.go.acquire()
        if self.is_full:
            raise OSError("no space")
        super().write(used)
        self.writes.append(used.until_us)


async def test_one_write_is_for_all_that_came_meanwhile(tmp_path: Path) -> None:
    mark, told, now = SlowMark(tmp_path), list[tuple[int, bool]](), 0
    writer = UsedLoginWriter(mark, lambda: UsedLogins(now, ()))

    def login(number: int) -> None:
        nonlocal now
        now = number
        writer.wait(lambda is_written: told.append((number, is_written)))

    task = asyncio.create_task(writer.run())
    login(1)
    await asyncio.sleep(0)
    for number in (2, 3, 4):
        login(number)
    await asyncio.sleep(0)
    assert told == [], "nothing counts before it is written"
    mark.go.release()
    async with asyncio.timeout(20):
        while len(told) < 1:
            await asyncio.sleep(0.001)
    assert (told, mark.writes) == ([(1, True)], [1])
    mark.go.release()
    async with asyncio.timeout(20):
        while len(told) < 4:
            await asyncio.sleep(0.001)
    assert (told[1:], mark.writes) == ([(2, True), (3, True), (4, True)], [1, 4])
    mark.is_full = True
    login(5)
    mark.go.release()
    async with asyncio.timeout(20):
        while len(told) < 5:
            await asyncio.sleep(0.001)
    assert told[4] == (5, False)
    mark.is_full = False
    login(6)
    mark.go.release()
    async with asyncio.timeout(20):
        while len(told) < 6:
            await asyncio.sleep(0.001)
    assert told[5] == (6, True)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
