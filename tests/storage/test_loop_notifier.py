"""The bell between a thread and the event loop."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from threading import Thread

import pytest

from floorwire.storage.loop_notifier import LoopNotifier


@pytest.fixture(params=["eventfd", "without"])
def _any_system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "without":
        monkeypatch.delattr(os, "eventfd", raising=False)
    elif not hasattr(os, "eventfd"):
        pytest.skip("eventfd is Linux's")


pytestmark = pytest.mark.usefixtures("_any_system")


async def in_thread(work: Callable[[], None]) -> None:
    await asyncio.to_thread(work)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not holds():
            await asyncio.sleep(0)


async def test_all_is_heard_on_the_loop_in_order() -> None:
    heard: list[tuple[int, asyncio.AbstractEventLoop]] = []
    loop = asyncio.get_running_loop()
    notifier: LoopNotifier[int] = LoopNotifier(
        lambda number: heard.append((number, asyncio.get_running_loop()))
    )

    def ring() -> None:
        for number in range(1_000):
            notifier.ring(number)

    await in_thread(ring)
    await until(lambda: len(heard) == 1_000)
    notifier.ring(1_000)
    await until(lambda: len(heard) == 1_001)
    assert heard == [(number, loop) for number in range(1_001)]
    notifier.close()


async def test_where_hearing_one_fails_the_others_are_heard() -> None:
    heard: list[int] = []
    failures: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, failure: failures.append(failure))

    def hear(number: int) -> None:
        if number == 1:
            raise ValueError("one")
        heard.append(number)

    notifier: LoopNotifier[int] = LoopNotifier(hear)
    for number in range(3):
        notifier.ring(number)
    await until(lambda: heard == [0, 2])
    assert len(failures) == 1
    notifier.close()


async def test_what_was_rung_for_before_it_is_closed_is_heard() -> None:
    heard: list[int] = []
    notifier: LoopNotifier[int] = LoopNotifier(heard.append)

    def ring_and_close() -> None:
        notifier.ring(1)
        notifier.ring(2)
        notifier.close()

    await in_thread(ring_and_close)
    await until(lambda: heard == [1, 2])
    await asyncio.sleep(0)
    assert heard == [1, 2]


def test_where_the_loop_is_closed_nobody_hears() -> None:
    heard: list[int] = []

    async def make() -> LoopNotifier[int]:
        return LoopNotifier(heard.append)

    notifier = asyncio.run(make())
    thread = Thread(target=notifier.ring, args=(1,))
    thread.start()
    thread.join()
    held = notifier._fd
    notifier.close()
    assert heard == []
    if held >= 0:
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(held)
