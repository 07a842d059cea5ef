"""The drain of a gateway: it begins once, closes one connection after another, or all if it is hurried."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from floorwire.app import Gateway
from floorwire.config import DrainSettings, Settings
from floorwire.core.codes import CloseCode
from floorwire.protocol.codec import JSON
from tests.hub.hub_harness import FakeWire
from tests.trading.flaky import ALICE


@asynccontextmanager
async def serving(tmp_path: Path, seconds: float) -> AsyncIterator[tuple[Gateway, list[FakeWire]]]:
    """Run a gateway with three clients. Its drain is over at the end, whatever it has left to do."""
    settings = Settings(data=str(tmp_path), drain=DrainSettings(seconds=seconds))
    gateway = Gateway(settings, venues=[])
    async with gateway.running():
        yield gateway, [FakeWire(gateway.connection(JSON, None, ALICE)) for _ in range(3)]


def codes(wires: Sequence[FakeWire]) -> list[int | None]:
    """Return the close codes."""
    return [wire.code for wire in wires]


async def until(is_so: Callable[[], bool]) -> None:
    """Look in each turn of the event loop."""
    async with asyncio.timeout(20):
        while not is_so():
            await asyncio.sleep(0)


async def drained(gateway: Gateway, wires: Sequence[FakeWire]) -> None:
    """Drain, and let the clients go that were closed."""
    draining = asyncio.create_task(gateway.drain.run())
    gone: set[FakeWire] = set()
    while not draining.done():
        for wire in wires:
            if wire.code is not None and wire not in gone:
                gone.add(wire)
                wire.connection.closed(wire.code)
        await asyncio.sleep(0)
    await draining


async def test_clients_are_told_and_closed(tmp_path: Path) -> None:
    async with serving(tmp_path, 0.2) as (gateway, wires):
        wires[0].ask("subscribe", channel="system")
        wires[0].messages()
        had_begun = gateway.drain.has_begun
        await drained(gateway, wires)
        assert (had_begun, gateway.drain.has_begun) == (False, True)
        assert codes(wires) == [CloseCode.RESTART] * 3
        told = [message.get("event") for message in wires[0].messages()]
        assert told == ["draining"]


async def test_it_runs_once(tmp_path: Path) -> None:
    async with serving(tmp_path, 0.2) as (gateway, wires):
        await drained(gateway, wires)
        late = FakeWire(gateway.connection(JSON, None, ALICE))
        await gateway.drain.run()
        assert late.code is None


async def test_one_connection_after_another_is_closed(tmp_path: Path) -> None:
    async with serving(tmp_path, 1_000) as (gateway, wires):
        draining = asyncio.create_task(gateway.drain.run())
        await until(lambda: any(codes(wires)))
        assert codes(wires).count(None) == 2
        draining.cancel()


async def test_if_it_is_hurried_all_are_closed_at_once(tmp_path: Path) -> None:
    async with serving(tmp_path, 1_000) as (gateway, wires):
        gateway.drain.is_hurried = True
        draining = asyncio.create_task(gateway.drain.run())
        await until(lambda: any(codes(wires)))
        assert codes(wires) == [CloseCode.RESTART] * 3
        draining.cancel()
