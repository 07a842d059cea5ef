"""Callbacks of appends: in order, and not thousands of them in one turn of the event loop."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

import pytest

from floorwire.storage import pending_appends
from floorwire.storage.journal import JournalBrokenError, JournalEntry, JournalError
from floorwire.storage.pending_appends import AppendsDone, PendingAppend, PendingAppends

ENTRY = JournalEntry("alice", "kind", 1, b"")


def append(on_durable: Callable[[JournalError | None], None]) -> PendingAppend:
    return PendingAppend([ENTRY], on_durable)


@pytest.mark.parametrize("turn_ns", [0, 3_000_000])
async def test_callbacks_of_several_commits_are_called_in_order(
    monkeypatch: pytest.MonkeyPatch, turn_ns: int
) -> None:
    monkeypatch.setattr(pending_appends, "TURN_NS", turn_ns)
    waiting, called = PendingAppends(100, 0), list[tuple[int, bool]]()
    turns = 0

    def note(number: int, error: JournalError | None) -> None:
        called.append((number, error is None))
        if number == 3:
            raise ZeroDivisionError("one callback's bug")

    broken = JournalBrokenError("the disk is gone")
    for numbers, error in ((range(6), None), (range(6, 9), None), (range(9, 12), broken)):
        appends = deque(append(lambda failed, number=number: note(number, failed)) for number in numbers)  # type: ignore[misc]
        waiting.admit([ENTRY] * len(appends))
        try:
            waiting.complete(AppendsDone(appends, error))
        except ZeroDivisionError:
            assert len(called) == 4
    assert waiting.broken is broken, "at once, though others are called first"
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)  # of the callback that raises
    while len(called) < 12:
        turns += 1
        await asyncio.sleep(0)
    assert called == [(number, number < 9) for number in range(12)]
    assert waiting.durable_n == 9
    assert turns >= (8 if turn_ns == 0 else 1)


async def test_the_loop_does_other_work_between(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pending_appends, "TURN_NS", 0)
    waiting, order = PendingAppends(100, 0), list[str]()
    waiting.admit([ENTRY] * 3)
    loop = asyncio.get_running_loop()

    def durable(_: JournalError | None) -> None:
        order.append("durable")
        loop.call_soon(order.append, "other")

    waiting.complete(AppendsDone(deque(append(durable) for _ in range(3))))
    for _ in range(5):
        await asyncio.sleep(0)
    assert order == ["durable", "other", "durable", "other", "durable", "other"]
