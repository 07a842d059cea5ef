"""Results of a thread are handled on the event loop."""

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


async def test_results_are_handled_on_the_loop_in_order() -> None:
    handled: list[tuple[int, asyncio.AbstractEventLoop]] = []
    loop = asyncio.get_running_loop()
    notifier: LoopNotifier[int] = LoopNotifier(
        lambda number: handled.append((number, asyncio.get_running_loop()))
    )
    notifier.start()

    def notify() -> None:
        for number in range(1_000):
            notifier.notify(number)

    await in_thread(notify)
    await until(lambda: len(handled) == 1_000)
    notifier.notify(1_000)
    await until(lambda: len(handled) == 1_001)
    assert handled == [(number, loop) for number in range(1_001)]
    notifier.close()


async def test_where_one_handler_fails_the_others_still_run() -> None:
    handled: list[int] = []
    failures: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, failure: failures.append(failure))

    def handle(number: int) -> None:
        if number == 1:
            raise ValueError("one")
        handled.append(number)

    notifier: LoopNotifier[int] = LoopNotifier(handle)
    notifier.start()
    for number in range(3):
        notifier.notify(number)
    await until(lambda: handled == [0, 2])
    assert len(failures) == 1
    notifier.close()


async def test_results_before_close_are_handled() -> None:
    handled: list[int] = []
    notifier: LoopNotifier[int] = LoopNotifier(handled.append)
    notifier.start()

    def notify_and_close() -> None:
        notifier.notify(1)
        notifier.notify(2)
        notifier.close()

    await in_thread(notify_and_close)
    await until(lambda: handled == [1, 2])
    await asyncio.sleep(0)
    assert handled == [1, 2]


def test_a_closed_loop_handles_nothing() -> None:
    handled: list[int] = []

    async def make() -> LoopNotifier[int]:
        notifier: LoopNotifier[int] = LoopNotifier(handled.append)
        notifier.start()
        return notifier

    notifier = asyncio.run(make())
    thread = Thread(target=notifier.notify, args=(1,))
    thread.start()
    thread.join()
    fd = notifier._fd
    notifier.close()
    assert handled == []
    if fd >= 0:
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(fd)
