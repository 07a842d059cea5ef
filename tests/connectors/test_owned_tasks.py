"""Tasks of a connector: they are cancelled, waited for, and their faults are logged."""

from __future__ import annotations

import asyncio

from structlog.testing import capture_logs

from floorwire.connectors.owned_tasks import OwnedTasks


async def ended() -> None:
    """Do nothing."""


async def broken() -> None:
    raise ZeroDivisionError


async def endless() -> None:
    await asyncio.Event().wait()


async def test_what_is_cancelled_is_waited_for_and_not_logged() -> None:
    tasks = OwnedTasks("kraken")
    one, other = tasks.start(endless()), tasks.start(ended())
    assert len(tasks) == 2
    tasks.cancel()
    with capture_logs() as logs:
        await tasks.wait()
    assert (one.cancelled(), other.done(), len(tasks), logs) == (True, True, 0, [])


async def test_a_fault_is_logged_and_ends_no_other() -> None:
    tasks = OwnedTasks("kraken")
    other, failed = tasks.start(endless()), tasks.start(broken())
    with capture_logs() as logs:
        await asyncio.wait((failed,))
        assert not other.done()
        other.cancel()
        await tasks.wait()
    (line,) = logs
    assert (line["log_level"], line["venue"]) == ("error", "kraken")
    assert isinstance(line["exc_info"], ZeroDivisionError)


async def test_a_task_that_starts_while_others_are_waited_for_is_waited_for_too() -> None:
    tasks = OwnedTasks("kraken")
    later: list[asyncio.Task[None]] = []

    async def starts_another() -> None:
        later.append(tasks.start(ended()))

    tasks.start(starts_another())
    await tasks.wait()
    assert later[0].done()
