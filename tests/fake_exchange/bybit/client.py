"""A client of the fake Bybit for its tests, made of the libraries alone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

import httpx2
import msgspec
from websockets.asyncio.client import ClientConnection, connect

from tests.fake_exchange.bybit import FakeBybit

Body = dict[str, object]


class BybitClient:
    def __init__(self, fake: FakeBybit) -> None:
        self.fake = fake
        self.account = fake.first
        self.http = httpx2.AsyncClient(base_url=fake.http, verify=False)
        self._requests = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.http.aclose()

    def headers(self, payload: str, *, at_us: int | None = None, window: str = "5000") -> dict[str, str]:
        timestamp = str((self.fake.now_us() if at_us is None else at_us) // 1_000)
        return {
            "X-BAPI-API-KEY": self.account.api_key,
            "X-BAPI-TIMESTAMP": timestamp,
            "X-BAPI-RECV-WINDOW": window,
            "X-BAPI-SIGN": self.account.sign(timestamp + self.account.api_key + window + payload),
            "Content-Type": "application/json",
        }

    async def get(self, path: str, query: str = "category=spot") -> httpx2.Response:
        return await self.http.get(f"/v5/{path}?{query}", headers=self.headers(query))

    async def rows(self, path: str, query: str = "category=spot") -> list[Body]:
        return msgspec.convert((await self.get(path, query)).json()["result"]["list"], list[Body])

    async def post(self, path: str, body: object) -> Body:
        text = msgspec.json.encode(body).decode()
        response = await self.http.post(f"/v5/{path}", content=text, headers=self.headers(text))
        return msgspec.json.decode(response.content, type=Body)

    async def code(self, path: str, body: object) -> int:
        return msgspec.convert((await self.post(path, body))["retCode"], int)

    @asynccontextmanager
    async def socket(self, home: str, *topics: str) -> AsyncIterator[ClientConnection]:
        """Authenticated if it is private, and subscribed."""
        async with connect(f"{self.fake.ws}/{home}", ping_interval=None) as socket:
            if home in ("private", "trade"):
                await self.authenticate(socket)
                await receive(socket)
            if topics:
                await send(socket, {"op": "subscribe", "args": list(topics), "req_id": "s"})
                assert (await receive(socket))["success"] is True
            yield socket

    async def authenticate(self, socket: ClientConnection, *, in_ms: int = 5_000, signed: str = "") -> None:
        expires = self.fake.now_us() // 1_000 + in_ms
        signature = signed or self.account.sign(f"GET/realtime{expires}")
        await send(socket, {"op": "auth", "args": [self.account.api_key, expires, signature]})

    async def request(self, socket: ClientConnection, op: str, row: Body, **changes: object) -> Body:
        """Carry out a request of the trade address and return its answer."""
        self._requests += 1
        header = {"X-BAPI-TIMESTAMP": str(self.fake.now_us() // 1_000), "X-BAPI-RECV-WINDOW": "5000"}
        body: Body = {"reqId": f"r{self._requests}", "header": header, "op": op, "args": [row]}
        await send(socket, body | changes)
        return await receive(socket)


async def send(socket: ClientConnection, body: object) -> None:
    await socket.send(msgspec.json.encode(body), text=True)


async def receive(socket: ClientConnection) -> Body:
    return msgspec.json.decode(await asyncio.wait_for(socket.recv(), 5), type=Body)


async def receive_rows(socket: ClientConnection) -> list[Body]:
    return msgspec.convert((await receive(socket))["data"], list[Body])
