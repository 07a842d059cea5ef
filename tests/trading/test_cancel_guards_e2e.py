"""Guards over real sockets: who vanishes without a close has no orders 100 ms later."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from floorwire.storage.key_store import Issued
from tests.servers import Server
from tests.trading.trader import FREE, Trader, key, serving, trader, vanish

WITHIN_S = 0.1


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("guards")


@pytest.fixture(scope="module")
def issued(folder: Path) -> Issued:
    return key(folder)


@pytest.fixture(scope="module")
def watching(folder: Path) -> Issued:
    return key(folder, money={})


@pytest.fixture(scope="module")
def server(folder: Path, issued: Issued, watching: Issued) -> Iterator[Server]:
    with serving(folder, *FREE, "--set=ping.interval_s=0.3", "--set=ping.timeout_s=0.2") as running:
        yield running


async def seen_cancelled_after(watcher: Trader, mine: str) -> float:
    """Return how long from now until the watcher is told that the order is gone."""
    began = time.monotonic()
    await asyncio.wait_for(watcher.until("orders", "cancelled", mine), 5)
    return time.monotonic() - began


@pytest.mark.parametrize("how", ["end", "reset"])
async def test_orders_go_when_their_connection_vanishes(
    server: Server, issued: Issued, watching: Issued, how: str
) -> None:
    async with trader(server, watching, "orders") as watcher, trader(server, issued) as client:
        await client.ask("session.cancel_on_disconnect", enabled=True)
        await client.place(f"gone-{how}")
        vanish(client, how)
        assert await seen_cancelled_after(watcher, f"gone-{how}") < WITHIN_S


async def test_a_peer_that_falls_silent_is_found_by_its_pings(
    server: Server, issued: Issued, watching: Issued
) -> None:
    async with trader(server, watching, "orders") as watcher, trader(server, issued) as client:
        await client.ask("session.cancel_on_disconnect", enabled=True)
        await client.place("silent-1")
        client.socket.transport.pause_reading()
        await asyncio.wait_for(watcher.until("orders", "cancelled", "silent-1"), 5)
        client.socket.transport.abort()


async def test_orders_stay_where_nobody_asked_for_more(
    server: Server, issued: Issued, watching: Issued
) -> None:
    async with trader(server, issued) as client:
        await client.ask("session.cancel_on_disconnect", enabled=True)
        await client.ask("session.cancel_on_disconnect", enabled=False)
        await client.place("stay-1")
        vanish(client, "end")
    async with trader(server, watching) as watcher:
        await asyncio.sleep(2 * WITHIN_S)
        assert "stay-1" in [row["client_order_id"] for row in await watcher.rows("orders")]
        await watcher.ask("order.cancel_all")


async def test_who_comes_back_within_the_grace_keeps_its_orders(server: Server, issued: Issued) -> None:
    async with trader(server, issued) as client:
        await client.ask("session.cancel_on_disconnect", enabled=True, grace_s=0.5)
        await client.place("back-1")
        vanish(client, "end")
    async with trader(server, issued) as client:
        await client.ask("session.cancel_on_disconnect", enabled=True, grace_s=0.5)
        await asyncio.sleep(0.8)
        assert "back-1" in [row["client_order_id"] for row in await client.rows("orders")]


async def test_who_does_not_loses_them_when_the_grace_is_over(
    server: Server, issued: Issued, watching: Issued
) -> None:
    async with trader(server, watching, "orders") as watcher, trader(server, issued) as client:
        await client.ask("session.cancel_on_disconnect", enabled=True, grace_s=0.3)
        await client.place("grace-1")
        vanish(client, "end")
        assert 0.2 < await seen_cancelled_after(watcher, "grace-1") < 0.3 + WITHIN_S


async def test_a_dead_mans_timer_cancels_unless_it_is_armed_again(
    server: Server, issued: Issued, watching: Issued
) -> None:
    async with trader(server, watching, "orders") as watcher, trader(server, issued) as client:
        await client.place("dead-1")
        for _ in range(5):
            await client.ask("session.deadman", timeout_s=0.2)
            await asyncio.sleep(0.1)
        assert "dead-1" in [row["client_order_id"] for row in await client.rows("orders")]
        await client.ask("session.deadman", timeout_s=0.2)
        assert 0.1 < await seen_cancelled_after(watcher, "dead-1") < 0.2 + WITHIN_S


async def test_zero_disarms_it(server: Server, issued: Issued) -> None:
    async with trader(server, issued) as client:
        await client.place("alive-1")
        await client.ask("session.deadman", timeout_s=0.1)
        assert "cancels_at" not in await client.ask("session.deadman", timeout_s=0)
        await asyncio.sleep(0.3)
        assert "alive-1" in [row["client_order_id"] for row in await client.rows("orders")]


async def test_another_keys_orders_are_left_alone(server: Server, issued: Issued, watching: Issued) -> None:
    async with trader(server, watching) as watcher, trader(server, issued) as client:
        await watcher.place("other-key")
        await client.ask("session.deadman", timeout_s=0.05)
        await asyncio.sleep(0.3)
        assert "other-key" in [row["client_order_id"] for row in await watcher.rows("orders")]


async def test_a_server_that_goes_cancels_for_those_who_asked_for_it(tmp_path: Path) -> None:
    issued, dead, other = key(tmp_path), key(tmp_path, money={}), key(tmp_path, "bob")
    with serving(tmp_path, *FREE) as server:
        async with (
            trader(server, issued) as client,
            trader(server, dead) as timed,
            trader(server, other) as plain,
        ):
            await client.ask("session.cancel_on_disconnect", enabled=True, grace_s=60)
            await client.ask("session.deadman", timeout_s=60)
            await timed.ask("session.deadman", timeout_s=60)
            await client.place("drained-1")
            await timed.place("drained-2")
            await plain.place("kept-1")
            server.process.terminate()
            await client.socket.wait_closed()
        assert server.wait() == 0
    with serving(tmp_path, *FREE) as server:
        async with trader(server, issued) as client, trader(server, other) as plain:
            assert await client.rows("orders") == []
            for name, code in (("drained-1", "disconnected"), ("drained-2", "deadman")):
                order = (await client.ask("order.status", client_order_id=name))["order"]
                assert isinstance(order, dict)
                assert (order["state"], order["code"]) == ("cancelled", code)
            assert [row["client_order_id"] for row in await plain.rows("orders")] == ["kept-1"]
