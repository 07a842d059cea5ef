"""A trader under test: a key in a data folder, a server over it, and a client that records events."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TypeAlias

import httpx2
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

from floorwire.auth.grant import Grant
from floorwire.core.authorization import Scope
from floorwire.storage.data_dir import DataDir
from floorwire.storage.key_store import Issued
from tests.servers import STARTS_WITHIN_S, Server, forked

JsonValue: TypeAlias = "dict[str, JsonValue] | list[JsonValue] | str | int | float | bool | None"
Message: TypeAlias = dict[str, JsonValue]

SCOPES = (Scope.MARKET, Scope.ACCOUNT, Scope.TRADE)
MONEY = {"USDT": "1000000", "BTC": "10"}
FREE = (
    "--set=limits.commands_per_second=1000000",
    "--set=limits.commands_per_second_per_key=1000000",
    "--set=risk.orders_per_second=1000000",
    "--set=risk.max_open_orders=1000000",
)
"""Settings for traders that are faster than people."""


def key(
    folder: Path,
    account: str = "alice",
    scopes: tuple[Scope, ...] = SCOPES,
    money: dict[str, str] | None = None,
    symbols: tuple[str, ...] | None = None,
    max_notional: str | None = None,
) -> Issued:
    """Return a new key of the data folder."""
    grant = Grant(account, scopes, symbols=symbols, max_notional=max_notional)
    store = DataDir(folder, {}).keys
    return store.create(grant, MONEY if money is None else money, time.time_ns() // 1000)


def serve_arguments(folder: Path, *args: str) -> list[str]:
    """Return the arguments of an interpreter that serves the data folder."""
    serve = ["-m", "floorwire", "serve", "--port", "0", "--data", str(folder), "--seed", "7"]
    return [*serve, "--set=drain.seconds=0.1", *args]


@contextmanager
def serving(folder: Path, *args: str) -> Iterator[Server]:
    """Run ``floorwire serve`` over the data folder."""
    with forked(*serve_arguments(folder, *args)) as server:
        yield server


class Trader:
    """One connection: replies are returned, events kept by their channel."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.events: dict[str, list[Message]] = {}
        self._next_id = 0

    async def ask(self, action: str, **fields: JsonValue) -> Message:
        """Return the reply."""
        request_id = await self.send(action, **fields)
        while True:
            message = await self.receive()
            if message.get("id") == request_id:
                return message

    async def send(self, action: str, **fields: JsonValue) -> int:
        """Send a request; return its id."""
        self._next_id += 1
        await self.socket.send(json.dumps({"action": action, "id": self._next_id, **fields}))
        return self._next_id

    async def receive(self) -> Message:
        """Return the next message; an event is kept too."""
        message: Message = json.loads(await self.socket.recv())
        if "status" not in message:
            self.events.setdefault(str(message["channel"]), []).append(message)
        return message

    async def place(self, client_order_id: str, **fields: JsonValue) -> Message:
        """Return the reply to an order: a buy far below the market unless said otherwise."""
        terms: dict[str, JsonValue] = {
            "symbol": "BTC-USDT",
            "side": "buy",
            "type": "limit",
            "quantity": "0.001",
        }
        if fields.get("type", "limit") == "limit":
            terms["price"] = "61000"
        return await self.ask("order.place", client_order_id=client_order_id, **{**terms, **fields})

    async def rows(self, action: str, **fields: JsonValue) -> list[Message]:
        """Return what ``orders``, ``fills``, ``balances`` or ``positions`` lists."""
        reply = await self.ask(action, **fields)
        assert reply["status"] == "ok", reply
        listed = reply[action]
        assert isinstance(listed, list)
        return [row for row in listed if isinstance(row, dict)]

    async def until(self, channel: str, event: str, client_order_id: str) -> Message:
        """Return the event of the order, which has come or will."""
        while True:
            for message in self.events.get(channel, ()):
                if message.get("event") == event and message.get("client_order_id") == client_order_id:
                    return message
            await self.receive()


@asynccontextmanager
async def trader(server: Server, issued: Issued, *channels: str) -> AsyncIterator[Trader]:
    """Connect, signed in, following these channels."""
    socket = await _connected(server, issued)
    try:
        client = Trader(socket)
        for channel in channels:
            reply = await client.ask("subscribe", channel=channel)
            assert reply["status"] == "subscribed", reply
            while channel not in client.events:
                await client.receive()
        yield client
    finally:
        await socket.close()


async def _connected(server: Server, issued: Issued) -> ClientConnection:
    """Connect; a key made beside a running server is known there within a second."""
    headers = {"Authorization": f"Bearer {issued.key}.{issued.secret}"}
    for _ in range(20):
        try:
            return await connect(
                server.ws(),
                additional_headers=headers,
                open_timeout=STARTS_WITHIN_S,  # the first answer of a server comes with its start
                ping_interval=None,
                max_queue=None,
                max_size=None,
            )
        except InvalidStatus:
            await asyncio.sleep(0.1)
    raise AssertionError("the key is not known")


def caller(server: Server, issued: Issued) -> httpx2.Client:
    """Return the same over HTTP."""
    headers = {"authorization": f"Bearer {issued.key}.{issued.secret}"}
    return httpx2.Client(base_url=server.http("/api/v1"), headers=headers, timeout=10, verify=False)


def drop_connection(client: Trader, how: str = "end") -> None:
    """End the connection without a close frame: by a ``reset``, or by the process being gone."""
    connection: socket.socket = client.socket.transport.get_extra_info("socket")
    if how == "reset":
        handle = socket.socket(fileno=connection.fileno())
        handle.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        handle.detach()
    client.socket.transport.abort()


async def funded(client: Trader) -> None:
    """Wait for the deposit of an account made beside a running server."""
    while not await client.rows("balances"):
        await asyncio.sleep(0.05)


def amount(rows: list[Message], asset: str, name: str = "total") -> str:
    """Return one amount of the balances."""
    for row in rows:
        if row["asset"] == asset:
            return str(row[name])
    return "0"
