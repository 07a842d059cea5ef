"""Many orders cancelled over real sockets: others are served meanwhile, and kill -9 undoes nothing."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path

import pytest

from floorwire.core.authorization import Scope
from floorwire.protocol.trading_requests import MIN_DEADMAN_S
from floorwire.storage.key_store import Issued
from tests.servers import Server, metrics
from tests.trading.test_guard_timers_kept import journalled
from tests.trading.trader import (
    FREE,
    SCOPES,
    Message,
    Trader,
    caller,
    drop_connection,
    key,
    serving,
    trader,
)

MONEY = {"USDT": "100000000"}
ORDERS = 2_000
BATCH = 500
PATIENCE_S = 120.0
CODES = {"cancel_all": None, "halt": "market_halted", "disconnect": "disconnected", "deadman": "deadman"}


async def place(client: Trader, count: int) -> None:
    """Place so many orders; they rest."""
    for begin in range(0, count, BATCH):
        numbers = range(begin, min(count, begin + BATCH))
        for number in numbers:
            await client.send(
                "order.place", client_order_id=f"n{number}", symbol="BTC-USDT", side="buy", type="limit",
                quantity="0.001", price=str(30_000 + number % 10_000),
            )  # fmt: skip
        left = len(numbers)
        while left:
            left -= (await client.receive()).get("status") == "accepted"


async def start(how: str, client: Trader, server: Server, ops: Issued) -> Message:
    """Start the cancel of all orders, and return the reply."""
    if how == "cancel_all":
        return await client.ask("order.cancel_all")
    if how == "halt":
        with caller(server, ops) as http:
            return dict((await asyncio.to_thread(http.post, "/halts", json={"scope": "all"})).json())
    if how == "deadman":
        return await client.ask("session.deadman", timeout_s=MIN_DEADMAN_S)
    reply = await client.ask("session.cancel_on_disconnect", enabled=True)
    drop_connection(client)
    return reply


class Bystander:
    """Pings all the time, and follows the orders' events on the same connection."""

    def __init__(self, client: Trader) -> None:
        self._client = client
        self.heard: list[str] = []
        """``cancelled`` and ``pong``, in the order in which they came."""

    async def until_cancelled(self, count: int) -> None:
        """Return when so many orders are cancelled."""
        await self._client.send("ping")
        while self.heard.count("cancelled") < count:
            message = json.loads(await self._client.socket.recv())
            if message.get("status") == "pong":
                self.heard.append("pong")
                await self._client.send("ping")
            elif message.get("event") == "cancelled":
                self.heard.append("cancelled")

    def pongs_between(self) -> int:
        """Return how many pongs came between the first order's end and the last one's."""
        last = len(self.heard) - 1 - self.heard[::-1].index("cancelled")
        return self.heard[self.heard.index("cancelled") : last].count("pong")


@pytest.mark.parametrize("how", ["cancel_all", "halt"])
async def test_others_are_served_while_many_orders_are_cancelled(tmp_path: Path, how: str) -> None:
    issued, ops = key(tmp_path, money=MONEY), key(tmp_path, "ops", (*SCOPES, Scope.ADMIN), {})
    with serving(tmp_path, *FREE) as server:
        async with trader(server, issued) as client, trader(server, issued, "orders") as watcher:
            bystander = Bystander(watcher)
            await place(client, ORDERS)
            watching = asyncio.create_task(bystander.until_cancelled(ORDERS))
            reply = await start(how, client, server, ops)
            assert reply["count" if how == "cancel_all" else "cancelled"] == ORDERS
            await asyncio.wait_for(watching, PATIENCE_S)
            assert bystander.pongs_between() > 0
            assert await client.rows("orders") == []


@pytest.mark.parametrize(
    "how", ["cancel_all", *(pytest.param(how, marks=pytest.mark.slow) for how in list(CODES)[1:])]
)
async def test_a_server_killed_midway_leaves_no_order_open(tmp_path: Path, how: str) -> None:
    issued, ops = key(tmp_path, money=MONEY), key(tmp_path, "ops", (*SCOPES, Scope.ADMIN), {})
    other = key(tmp_path, money={})
    with serving(tmp_path, *FREE) as server:
        async with trader(server, issued) as client, trader(server, other, "orders") as watcher:
            placing = asyncio.create_task(place(client, ORDERS))
            while watcher.events["orders"][-1].get("client_order_id") != f"n{ORDERS - 1}":
                await watcher.receive()
            await placing
            started = asyncio.create_task(start(how, client, server, ops))
            await watcher.until("orders", "cancelled", "n0")
            server.signal(signal.SIGKILL)
            server.process.wait()
            started.cancel()
            await asyncio.gather(started, return_exceptions=True)
    left = len(journalled(tmp_path)[0].open_orders("alice"))
    assert 0 < left < ORDERS, "midway"
    with serving(tmp_path, *FREE) as server:
        async with trader(server, issued) as client:
            while await client.rows("orders", limit=1):  # in turns, while this client is served
                await asyncio.sleep(0.01)
            for number in (0, ORDERS // 2, ORDERS - 1):
                order = (await client.ask("order.status", client_order_id=f"n{number}"))["order"]
                assert isinstance(order, dict)
                assert (order["state"], order.get("code")) == ("cancelled", CODES[how])
            while (refused := await client.place("new")).get("code") == "stale_market":
                await asyncio.sleep(0.01)
            assert refused.get("code") == ("market_halted" if how == "halt" else None)
        assert "orders are in the market again" not in server.log


@pytest.mark.slow
async def test_a_hundred_thousand_orders_are_halted_and_others_are_served(tmp_path: Path) -> None:
    """docs/operations.md tells of this."""
    issued, ops = key(tmp_path, money=MONEY), key(tmp_path, "ops", (*SCOPES, Scope.ADMIN, Scope.MONITOR), {})
    count = 100_000
    with serving(tmp_path, *FREE, "--set=outbox.bytes=1000000000") as server:
        async with trader(server, issued) as client, trader(server, issued) as other:
            await place(client, count)
            before = metrics(server)
            reply = await start("halt", client, server, ops)
            assert reply["cancelled"] == count
            assert (await other.place("late"))["code"] == "market_halted"
            pongs = 0
            while metrics(server)["floorwire_open_orders"]:
                assert (await other.ask("ping"))["status"] == "pong"
                pongs += 1
                await asyncio.sleep(0.01)
            assert pongs > 10
            late = (
                'floorwire_event_loop_lag_seconds_bucket{le="0.25"}',
                "floorwire_event_loop_lag_seconds_count",
            )
            after = metrics(server)
            assert after[late[1]] - after[late[0]] == before[late[1]] - before[late[0]], (
                "never late by 0.25 s"
            )
