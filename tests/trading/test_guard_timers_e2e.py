"""Guards over real sockets: who vanishes without a close leaves no orders behind."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from floorwire.storage.key_store import Issued
from tests.servers import Server
from tests.trading.trader import FREE, JsonValue, Trader, drop_connection, key, serving, trader

PATIENCE_S = 30.0
"""How long a test waits for what has to happen. It says nothing of how soon that has to be."""


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


async def seen_cancelled(watcher: Trader, mine: str) -> int:
    """Wait until the watcher is told that the order is gone; return when that was by the server's clock."""
    told = await asyncio.wait_for(watcher.until("orders", "cancelled", mine), PATIENCE_S)
    assert isinstance(told["ts"], int)
    return told["ts"]


async def server_time_us(client: Trader) -> int:
    """Return the server's clock."""
    pong = await client.ask("ping")
    assert isinstance(pong["ts"], int)
    return pong["ts"]


async def until_server_time(client: Trader, us: int) -> None:
    """Wait until the server's clock has passed this time."""
    while await server_time_us(client) <= us:
        await asyncio.sleep(0.02)


async def open_orders(client: Trader) -> list[JsonValue]:
    """Return the client's names of its open orders."""
    return [row["client_order_id"] for row in await client.rows("orders")]


@pytest.mark.parametrize("how", ["end", "reset"])
async def test_orders_go_when_their_connection_vanishes(
    server: Server, issued: Issued, watching: Issued, how: str
) -> None:
    async with trader(server, watching, "orders") as watcher, trader(server, issued) as client:
        await client.ask("session.cancel_on_disconnect", enabled=True)
        await client.place(f"gone-{how}")
        drop_connection(client, how)
        await seen_cancelled(watcher, f"gone-{how}")


async def test_a_peer_that_falls_silent_is_found_by_its_pings(
    server: Server, issued: Issued, watching: Issued
) -> None:
    async with trader(server, watching, "orders") as watcher, trader(server, issued) as client:
        await client.ask("session.cancel_on_disconnect", enabled=True)
        await client.place("silent-1")
        client.socket.transport.pause_reading()
        await seen_cancelled(watcher, "silent-1")
        client.socket.transport.abort()


async def test_orders_stay_where_nobody_asked_for_more(
    server: Server, issued: Issued, watching: Issued
) -> None:
    async with trader(server, issued) as client:
        await client.ask("session.cancel_on_disconnect", enabled=True)
        await client.ask("session.cancel_on_disconnect", enabled=False)
        await client.place("stay-1")
        drop_connection(client, "end")
    async with trader(server, watching, "orders") as watcher, trader(server, watching) as later:
        await later.ask("session.cancel_on_disconnect", enabled=True)
        await later.place("goes-1")
        drop_connection(later, "end")
        await seen_cancelled(watcher, "goes-1")
        assert await open_orders(watcher) == ["stay-1"]
        await watcher.ask("order.cancel_all")


async def test_who_comes_back_within_the_grace_keeps_its_orders(server: Server, issued: Issued) -> None:
    async with trader(server, issued) as client:
        await client.ask("session.cancel_on_disconnect", enabled=True, grace_s=2)
        await client.place("back-1")
        drop_connection(client, "end")
    async with trader(server, issued) as client:
        await client.ask("session.cancel_on_disconnect", enabled=True, grace_s=2)
        await until_server_time(client, await server_time_us(client) + 2_100_000)
        assert "back-1" in await open_orders(client)


async def test_who_does_not_loses_them_when_the_grace_is_over(
    server: Server, issued: Issued, watching: Issued
) -> None:
    async with trader(server, watching, "orders") as watcher, trader(server, issued) as client:
        await client.ask("session.cancel_on_disconnect", enabled=True, grace_s=1)
        await client.place("grace-1")
        vanished_us = await server_time_us(client)
        drop_connection(client, "end")
        # Half of it, for the time of the server's loop and its clock are not the same.
        assert await seen_cancelled(watcher, "grace-1") > vanished_us + 500_000


async def test_a_dead_mans_timer_cancels_unless_it_is_armed_again(
    server: Server, issued: Issued, watching: Issued
) -> None:
    async with trader(server, watching, "orders") as watcher, trader(server, issued) as client:
        await client.place("dead-1")
        await client.send(
            "session.deadman", timeout_s=0.1
        )  # replaced before its time, whatever this machine does
        await client.ask("session.deadman", timeout_s=600)
        await until_server_time(client, await server_time_us(client) + 200_000)
        assert "dead-1" in await open_orders(client)
        armed = await client.ask("session.deadman", timeout_s=1)
        assert isinstance(armed["cancels_at"], int)
        assert await seen_cancelled(watcher, "dead-1") > armed["cancels_at"] - 500_000


async def test_zero_disarms_it(server: Server, issued: Issued) -> None:
    async with trader(server, issued) as client:
        await client.place("alive-1")
        await client.send("session.deadman", timeout_s=0.1)
        assert "cancels_at" not in await client.ask("session.deadman", timeout_s=0)
        await until_server_time(client, await server_time_us(client) + 200_000)
        assert "alive-1" in await open_orders(client)


async def test_another_keys_orders_are_left_alone(server: Server, issued: Issued, watching: Issued) -> None:
    async with trader(server, watching, "orders") as watcher, trader(server, issued) as client:
        await watcher.place("other-key")
        await client.place("own-key")
        await client.ask("session.deadman", timeout_s=0.1)
        await seen_cancelled(watcher, "own-key")
        assert "other-key" in await open_orders(watcher)


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
