"""A client of the fake OKX for its tests, made of the libraries alone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Self

import httpx2
import msgspec
from websockets.asyncio.client import ClientConnection, connect

from tests.fake_exchange.okx import FakeOkx

Body = dict[str, object]


class OkxClient:
    def __init__(self, fake: FakeOkx) -> None:
        self.fake = fake
        self.account = fake.first
        self.http = httpx2.AsyncClient(base_url=fake.http, verify=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.http.aclose()

    def headers(
        self, method: str, target: str, body: str = "", *, at_us: int | None = None
    ) -> dict[str, str]:
        seconds = (self.fake.now_us() if at_us is None else at_us) / 1_000_000
        timestamp = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")[:23] + "Z"
        return {
            "OK-ACCESS-KEY": self.account.api_key,
            "OK-ACCESS-PASSPHRASE": self.account.passphrase,
            "OK-ACCESS-TIMESTAMP": timestamp,
            "OK-ACCESS-SIGN": self.account.sign(timestamp + method + target + body),
            "Content-Type": "application/json",
        }

    async def get(self, path: str) -> httpx2.Response:
        target = f"/api/v5/{path}"
        return await self.http.get(target, headers=self.headers("GET", target))

    async def post(self, path: str, body: object, **extra: str) -> httpx2.Response:
        target, text = f"/api/v5/{path}", msgspec.json.encode(body).decode()
        headers = self.headers("POST", target, text) | extra
        return await self.http.post(target, content=text, headers=headers)

    async def row(self, path: str, body: object) -> Body:
        """The verdict on the first order."""
        rows = (await self.post(path, body)).json()["data"]
        assert isinstance(rows, list)
        return msgspec.convert(rows[0], Body)

    @asynccontextmanager
    async def socket(self, home: str, *args: dict[str, str]) -> AsyncIterator[ClientConnection]:
        """Logged in if it is private, and subscribed. What acknowledges the subscriptions is read."""
        async with connect(f"{self.fake.ws}/{home}", ping_interval=None) as socket:
            if home == "private":
                await self.log_in(socket)
            if args:
                await send(socket, {"op": "subscribe", "args": list(args)})
            acknowledged = 0
            while acknowledged < len(args):
                acknowledged += (await receive(socket)).get("event") == "subscribe"
                if home == "private":
                    assert (await receive(socket))["event"] == "channel-conn-count"
                if args[acknowledged - 1]["channel"] not in ("trades", "trades-all", "orders", "status"):
                    assert "data" in await receive(socket)
            yield socket

    async def log_in(self, socket: ClientConnection, **changes: str) -> None:
        timestamp = str(self.fake.now_us() // 1_000_000)
        login = {
            "apiKey": self.account.api_key,
            "passphrase": self.account.passphrase,
            "timestamp": timestamp,
            "sign": self.account.sign(f"{timestamp}GET/users/self/verify"),
        }
        await send(socket, {"op": "login", "args": [login | changes]})
        if not changes:
            assert (await receive(socket))["event"] == "login"


async def send(socket: ClientConnection, body: object) -> None:
    await socket.send(msgspec.json.encode(body), text=True)


async def receive(socket: ClientConnection) -> Body:
    return msgspec.json.decode(await asyncio.wait_for(socket.recv(), 5), type=Body)


async def receive_row(socket: ClientConnection) -> Body:
    """The first entry of the next push."""
    rows = (await receive(socket))["data"]
    assert isinstance(rows, list)
    return msgspec.convert(rows[0], Body)
