"""Open orders go back into their markets in turns; what happens meanwhile finds each order where it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from floorwire.core.order_commands import Command, Place
from floorwire.core.ports import Execution
from floorwire.trading import mass_cancels, order_restore, order_withdrawal
from floorwire.venues import sim
from tests.trading.flaky import FAR, Disk, GatewayHarness
from tests.trading.test_listing import opened
from tests.trading.test_mass_cancels import Turns, check_gone, place, until_journalled
from tests.trading.test_steps import OTHER_STEPS, venue

ORDERS = 30


class Commands:
    """Records the commands that reach the simulated market."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.places: list[int] = []
        executes = sim.SimVenue.execute

        def execute(market: sim.SimVenue, command: Command, now_us: int) -> Execution:
            if isinstance(command, Place):
                self.places.append(command.order_id)
            return executes(market, command, now_us)

        patch.setattr(sim.SimVenue, "execute", execute)


@pytest.fixture(autouse=True)
def commands(monkeypatch: pytest.MonkeyPatch) -> Commands:
    """Small turns."""
    monkeypatch.setattr(mass_cancels, "CANCELS_A_TURN", 4)
    monkeypatch.setattr(mass_cancels, "STEP", 2)
    monkeypatch.setattr(order_restore, "PLACES_A_TURN", 1)
    monkeypatch.setattr(order_restore, "STEP", 1)
    monkeypatch.setattr(order_withdrawal, "CANCELS_A_TURN", 2)
    monkeypatch.setattr(order_withdrawal, "EXAMINED_A_STEP", 1)
    return Commands(monkeypatch)


async def fail_and_recover(harness: GatewayHarness) -> None:
    """Let the journal fail, and return in the first turn in which the desk works again."""
    harness.disk.is_full = True
    await harness.ask("order.place", client_order_id="lost", **FAR)
    harness.disk.is_full = False
    while harness.gateway.desk.figures().refusing["journal"]:
        await asyncio.sleep(0)


async def test_orders_go_back_once_and_the_oldest_first(harness: GatewayHarness, commands: Commands) -> None:
    await place(harness, ORDERS)
    placed = list(commands.places)
    await fail_and_recover(harness)
    commands.places.clear()
    while len(commands.places) < ORDERS - 1:  # the first one went back in the turn of recovery
        await asyncio.sleep(0)
    assert commands.places[-10:] == placed[-10:]
    assert len({*commands.places}) == len(commands.places)
    await asyncio.sleep(0.01)
    assert (await harness.ask("order.place", client_order_id="new", **FAR))["status"] == "accepted"
    assert (await harness.ask("order.cancel_all"))["count"] == ORDERS + 1


async def test_meanwhile_new_orders_are_refused_and_cancels_are_made_at_once(
    harness: GatewayHarness, commands: Commands
) -> None:
    await place(harness, ORDERS)
    newest = (await harness.ask("order.status", client_order_id=f"n{ORDERS - 1}"))["order"]
    assert isinstance(newest, dict)
    await fail_and_recover(harness)
    commands.places.clear()
    harness.wire.ask("order.place", id="early", client_order_id="early", **FAR)
    harness.wire.ask("order.amend", id="change", client_order_id=f"n{ORDERS - 1}", price="61000.5")
    harness.wire.ask("order.cancel", id="cancel", client_order_id=f"n{ORDERS - 1}")
    replies = {
        name: await harness.until(lambda message, name=name: message.get("id") == name)  # type: ignore[misc]
        for name in ("early", "change", "cancel")
    }
    assert (replies["early"]["code"], replies["early"]["retry"]) == ("stale_market", True)
    assert replies["change"]["code"] == "stale_market"
    assert replies["cancel"]["status"] == "accepted"
    while (await harness.ask("order.place", client_order_id="new", **FAR))["status"] != "accepted":
        await asyncio.sleep(0.001)
    assert int(str(newest["order_id"])) not in commands.places, "it never went back"
    assert (await harness.ask("order.cancel_all"))["count"] == ORDERS


async def test_what_has_to_be_cancelled_does_not_go_back(
    harness: GatewayHarness, commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The journal fails in the middle of a mass cancel. That is finished before any order goes back."""
    turns = Turns(monkeypatch)
    await place(harness, ORDERS)
    placed = list(commands.places)

    def fail() -> None:
        harness.disk.is_full = len(turns.sizes) >= 2

    turns.after_turn = fail
    harness.wire.ask("order.cancel_all", id="mass")
    await harness.until(lambda message: message.get("id") == "mass")
    await harness.until_refusing()
    assert 0 < sum(record.kind == "ended" for record in harness.disk.records) < ORDERS
    turns.after_turn = lambda: None
    harness.disk.is_full = False
    await until_journalled(harness, "mass_cancel_ended", 1)
    await harness.works_again()
    assert commands.places == placed
    await check_gone(harness, None)


@asynccontextmanager
async def running(
    disk: Disk, folder: Path, patch: pytest.MonkeyPatch, **changed: str
) -> AsyncIterator[GatewayHarness]:
    patch.setattr("floorwire.app.open_journal", lambda *_: disk.open())
    async with opened(venue(**changed), disk, folder) as harness:
        yield harness


@pytest.mark.parametrize("is_killed", [False, True])
async def test_orders_end_in_turns_before_other_steps_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, commands: Commands, is_killed: bool
) -> None:
    disk = Disk()
    async with running(disk, tmp_path, monkeypatch) as harness:
        await place(harness, ORDERS)
    commands.places.clear()
    if is_killed:  # the next start has what was in the journal after some turns
        async with running(disk, tmp_path, monkeypatch, **OTHER_STEPS) as harness:
            await until_journalled(harness, "mass_cancel_ended", 1)
        ended = [n for n, record in enumerate(disk.records) if record.kind == "ended"]
        del disk.records[ended[7] + 1 :]
        assert "mass_cancel" in [record.kind for record in disk.records]
    async with running(disk, tmp_path, monkeypatch, **OTHER_STEPS) as harness:
        await until_journalled(harness, "mass_cancel_ended", 1)
        while (await harness.ask("order.place", client_order_id="new", **{**FAR, "price": "61000.2"}))[
            "status"
        ] != "accepted":
            await asyncio.sleep(0.001)
        assert len(commands.places) == 1, "none of the old ones went back"
        kinds = [record.kind for record in disk.records]
        last_ended = max(n for n, kind in enumerate(kinds) if kind == "ended")
        assert last_ended < kinds.index("mass_cancel_ended") < len(kinds) - 1 - kinds[::-1].index("listed")
        assert kinds.count("ended") == ORDERS
        for number in range(ORDERS):
            order = (await harness.ask("order.status", client_order_id=f"n{number}"))["order"]
            assert isinstance(order, dict)
            assert (order["state"], order["code"], order["price"]) == (
                "cancelled",
                "market_halted",
                "61000.0",
            )
