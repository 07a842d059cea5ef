"""Faults of the engine stay where they are: market data goes on, and the accounts are read again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from types import FunctionType

import pytest

from floorwire.core.authorization import Scope
from floorwire.core.instrument import Instrument
from floorwire.engine.order_manager import OrderManager
from tests.fixtures.make_folders import UNLISTED
from tests.trading.flaky import FAR, Disk, GatewayHarness, served
from tests.trading.trader import SCOPES, Message, amount, caller, key, serving, trader

FINE = Instrument("NEW-USDT", "NEW", "USDT", "sim", "0.0000000001", "0.0000000001")


def broken(name: str, monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Let the order manager's method fail, as by a fault of ours. Return what counts the calls."""
    calls = 0

    def fail(*_: object, **__: object) -> None:
        nonlocal calls
        calls += 1
        raise OverflowError("a fault")

    if not isinstance(vars(OrderManager).get(name), FunctionType):
        pytest.skip("a compiled class cannot be changed; make test runs these from the sources too")
    monkeypatch.setattr(OrderManager, name, fail)
    return lambda: calls


async def market_runs(harness: GatewayHarness) -> None:
    assert (await harness.ask("subscribe", channel="trades", symbol="BTC-USDT"))["status"] == "subscribed"
    await harness.until(lambda message: message.get("channel") == "trades" and "price" in message)


@pytest.mark.parametrize("name", ["state_hash", "coarsen_units", "list_instruments", "open_order_merge"])
async def test_a_fault_at_the_start_stops_orders_and_nothing_else(
    name: str, disk: Disk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.MonkeyPatch.context() as fault:
        calls = broken(name, fault)
        async with served(disk, tmp_path) as harness:
            while calls() < 2:
                await asyncio.sleep(0.01)
            await market_runs(harness)
            assert (await harness.ask("order.place", client_order_id="a", **FAR))["code"] == "internal"
            fault.undo()
            await harness.works_again()
            assert (await harness.ask("order.place", client_order_id="b", **FAR))["status"] == "accepted"


@pytest.mark.parametrize("name", ["deposit", "set_guard", "list_instruments"])
async def test_a_fault_while_it_runs_ends_nothing(name: str, harness: GatewayHarness) -> None:
    desk = harness.gateway.desk
    with pytest.MonkeyPatch.context() as fault:
        calls = broken(name, fault)
        match name:
            case "deposit":
                harness.gateway.data_dir.keys.open_account("bob", {"USDT": "5"}, 2)
            case "set_guard":
                harness.wire.ask("session.deadman", timeout_s=60)
            case _:
                desk.listed([FINE])
        while not calls():
            await asyncio.sleep(0.01)
        await market_runs(harness)
    await harness.works_again()
    assert (await harness.ask("order.place", client_order_id="b", **FAR))["status"] == "accepted"


async def test_an_instrument_that_would_overflow_is_refused_and_market_data_goes_on(
    harness: GatewayHarness,
) -> None:
    await harness.works_again()
    harness.gateway.desk.listed([FINE])
    refused = await harness.ask("order.place", client_order_id="a", **{**FAR, "symbol": "NEW-USDT"})
    assert refused["code"] == "unknown_symbol"
    assert (await harness.ask("order.place", client_order_id="b", **FAR))["status"] == "accepted"
    await market_runs(harness)
    assert harness.gateway.desk.figures().stats.failures == 0


async def test_a_session_without_a_product_list_bricks_no_folder(tmp_path: Path) -> None:
    """At eight decimals, as it was played, alice had more units of USD than a record holds."""
    alice = key(tmp_path, money={"coinbase:USD": "100000", "USDT": "1000"})
    ops = key(tmp_path, "ops", (*SCOPES, Scope.ADMIN), {})
    with serving(tmp_path):
        pass
    order: Message = {
        "symbol": "BTC-USD",
        "side": "buy",
        "type": "limit",
        "price": "35000",
        "quantity": "0.1",
    }
    with serving(tmp_path, "--venue", f"replay:{UNLISTED}", "--loop") as server:
        async with trader(server, alice) as client:
            while "book" not in client.events:
                await client.ask("subscribe", channel="book", symbol="BTC-USD")
                await asyncio.sleep(0.1)
            placed = await client.ask("order.place", client_order_id="a", **order)
            assert placed["status"] == "accepted"
            with caller(server, ops) as http:
                assert http.get("/journal").status_code == 200
    with serving(tmp_path) as server:
        async with trader(server, alice) as client:
            assert amount(await client.rows("balances"), "coinbase:USD") == "100000"
            assert (await client.place("b"))["status"] == "accepted"
