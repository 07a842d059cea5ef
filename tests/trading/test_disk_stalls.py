"""A disk that stalls: what waits is bounded, and nobody's requests make the journal fail for all."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from floorwire.config import DrainSettings, LimitSettings, RiskSettings, Settings, StorageSettings
from floorwire.core.account_events import AccountEntry, MassCancel
from floorwire.core.codes import CloseCode
from floorwire.engine.order_manager import OrderManager
from floorwire.protocol.replies import Done
from floorwire.trading import mass_cancels
from tests.hub.hub_harness import Message
from tests.trading.flaky import FAR, Disk, GatewayHarness, served

OPERATIONS = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
WAITING = StorageSettings().waiting_records
FEW = 200
MANY = 1_000_000


@pytest.fixture(params=[FEW, pytest.param(WAITING, marks=pytest.mark.slow)])
async def waiting(request: pytest.FixtureRequest) -> int:
    """How many records may wait."""
    return int(request.param)


@pytest.fixture
async def stalling(disk: Disk, tmp_path: Path, waiting: int) -> AsyncIterator[GatewayHarness]:
    disk.waiting = waiting
    settings = Settings(
        storage=StorageSettings(waiting_records=waiting),
        limits=LimitSettings(commands_per_second=MANY),
        risk=RiskSettings(max_open_orders=MANY, orders_per_second=MANY),
    )
    async with served(disk, tmp_path, settings) as harness:
        yield harness
        disk.is_stalled = False  # or closing waits for it


def records(harness: GatewayHarness) -> int:
    """Return how many records wait for the disk."""
    figures = harness.gateway.desk.figures().records
    assert figures is not None
    return figures.last_n - figures.durable_n


def halt(order_manager: OrderManager, stamp_us: int) -> tuple[Sequence[AccountEntry], MassCancel | None]:
    """Halt all, as an operator."""
    return [order_manager.halt("all", "", stamp_us)], MassCancel()


async def flood(harness: GatewayHarness, action: str, count: int, **fields: object) -> None:
    """Send so many requests, a few in each turn of the loop. The disk answers none of them."""
    for number in range(count):
        own = (
            {"client_order_id": f"n{number}"} if action == "order.place" else {"timeout_s": 600 + number % 2}
        )
        harness.wire.ask(action, id=f"{action}{number}", **own, **fields)
        if number % 10 == 9:
            await asyncio.sleep(0)


async def test_a_stalled_disk_refuses_orders_first_then_cancels_and_fails_nobody(
    stalling: GatewayHarness, disk: Disk, waiting: int
) -> None:
    harness = stalling
    await harness.ask("order.place", client_order_id="before", **FAR)
    disk.is_stalled = True
    await flood(harness, "order.place", waiting, **FAR)
    assert waiting // 2 < records(harness) <= waiting // 2 + 10
    assert harness.gateway.desk.figures().refusing["behind"]
    await flood(harness, "session.deadman", waiting)
    assert waiting * 3 // 4 < records(harness) <= waiting * 3 // 4 + 10
    harness.wire.ask("order.cancel", id="cancel", client_order_id="before")
    harness.wire.ask("order.cancel_all", id="all")
    harness.gateway.desk.operators.administer(harness.wire.connection, Done(id="halt"), halt)
    assert harness.wire.messages() == [], "nothing is told before it is durable"
    disk.is_stalled = False
    replies = await answers(harness, 2 * waiting + 3)
    accepted = sum(reply["status"] == "accepted" for reply in replies)
    assert accepted == sum(record.kind == "accepted" for record in disk.records) - 1
    refused = [reply for reply in replies if reply["status"] == "error"]
    assert {reply["code"] for reply in refused} == {"rate_limited"}
    assert all(reply["retry"] for reply in refused)
    assert {reply.get("order") for reply in refused} == {"rejected", None}
    assert {"cancel", "all"} <= {reply["id"] for reply in refused}
    assert harness.gateway.desk.figures().stats.failures == 0
    assert (await harness.ask("order.place", client_order_id="late", **FAR))["code"] == "market_halted"


async def answers(harness: GatewayHarness, count: int) -> list[Message]:
    """Return so many replies."""
    return [await harness.until(lambda message: "status" in message) for _ in range(count)]


async def test_a_mass_cancel_waits_for_a_stalled_disk(
    harness: GatewayHarness, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mass_cancels, "CANCELS_A_TURN", 10)
    for number in range(100):
        await harness.ask("order.place", client_order_id=f"n{number}", **FAR)
    disk.is_stalled = True
    harness.gateway.desk.operators.administer(harness.wire.connection, Done(id="halt"), halt)
    for _ in range(100):
        await asyncio.sleep(0.001)
    assert records(harness) == 2, "the halt and the start of its cancels"
    disk.is_stalled = False
    while sum(record.kind == "mass_cancel_ended" for record in disk.records) == 0:
        await asyncio.sleep(0.001)
    assert (await harness.until(lambda message: message.get("id") == "halt"))["status"] == "ok"
    assert (await harness.ask("orders"))["orders"] == []


def test_operations_tell_of_both() -> None:
    rows = [line for line in OPERATIONS.splitlines() if line.startswith("| ")]
    (stall,) = [row for row in rows if "the disk stalls" in row]
    for share in (WAITING // 2, WAITING * 3 // 4, WAITING):
        assert f"{share:,}" in stall
    (many,) = [row for row in rows if "100,000 open orders are cancelled" in row]
    assert f"{mass_cancels.CANCELS_A_TURN} cancels" in many
    assert re.search(r"`mass_cancel`", many)


# --- the end ----------------------------------------------------------------------------------------


async def drained_during_a_stall(harness: GatewayHarness, disk: Disk, seconds: float) -> asyncio.Task[None]:
    """Let the disk stall, place an order, and let the drain run for a while."""
    disk.is_stalled = True
    harness.wire.ask("order.place", client_order_id="last", **FAR)
    draining = asyncio.create_task(harness.gateway.drain.run())
    await asyncio.sleep(seconds)
    return draining


async def test_no_connection_is_closed_before_the_orders_accepted_so_far_are_answered(
    disk: Disk, tmp_path: Path
) -> None:
    async with served(disk, tmp_path, Settings(drain=DrainSettings(seconds=20))) as harness:
        draining = await drained_during_a_stall(harness, disk, 0.2)
        assert harness.wire.code is None
        harness.wire.ask("order.place", client_order_id="late", **FAR)
        disk.is_stalled = False
        answers = [await harness.until(lambda message: "status" in message) for _ in range(2)]
        assert [answer.get("code", answer["status"]) for answer in answers] == ["accepted", "draining"]
        await draining
        assert harness.wire.code == CloseCode.RESTART


async def test_a_disk_that_stalls_keeps_no_connection_open_beyond_the_drain(
    disk: Disk, tmp_path: Path
) -> None:
    async with served(disk, tmp_path, Settings(drain=DrainSettings(seconds=0.1))) as harness:
        await (await drained_during_a_stall(harness, disk, 0))
        assert harness.wire.code == CloseCode.RESTART
        disk.is_stalled = False
