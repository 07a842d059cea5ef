"""What runs beside a command ends with it."""

from __future__ import annotations

import asyncio

import pytest

from floorwire.cli.background import in_background


class Endless:
    """Runs until it is cancelled."""

    def __init__(self) -> None:
        self.happened: list[str] = []

    async def run(self) -> None:
        self.happened.append("began")
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            self.happened.append("ended")


async def test_it_ends_with_the_body_and_is_waited_for() -> None:
    beside = Endless()
    async with in_background(beside.run()):
        await asyncio.sleep(0)
        assert beside.happened == ["began"]
    assert beside.happened == ["began", "ended"]


async def test_it_ends_where_the_body_raises() -> None:
    beside = Endless()

    async def command() -> None:
        async with in_background(beside.run()):
            await asyncio.sleep(0)
            raise KeyError

    with pytest.raises(KeyError):
        await command()
    assert beside.happened == ["began", "ended"]


async def test_its_fault_is_not_lost() -> None:
    async def broken() -> None:
        raise ZeroDivisionError

    async def command() -> None:
        async with in_background(broken()):
            await asyncio.sleep(0)

    with pytest.raises(ZeroDivisionError):
        await command()
