"""A client of the fake Binance for its tests, made of the libraries alone."""

import asyncio
from collections.abc import Mapping
from typing import Self
from urllib.parse import urlencode

import httpx2
import msgspec
from websockets.asyncio.client import ClientConnection

from tests.fake_exchange.binance import FakeBinance
from tests.fake_exchange.binance.signatures import hmac_hex

Body = dict[str, object]


class BinanceClient:
    def __init__(self, fake: FakeBinance) -> None:
        self.fake = fake
        self.http = httpx2.AsyncClient(base_url=fake.http, verify=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.http.aclose()

    def signed(self, params: Mapping[str, str]) -> str:
        fields = {"timestamp": str(self.fake.now_us() // 1_000), **params}
        payload = urlencode(fields)
        return f"{payload}&signature={hmac_hex(self.fake.first.secret, payload)}"

    async def call(self, method: str, path: str, params: Mapping[str, str]) -> httpx2.Response:
        url = f"/api/v3/{path}?{self.signed(params)}"
        return await self.http.request(method, url, headers={"X-MBX-APIKEY": self.fake.first.api_key})

    async def ws_call(self, socket: ClientConnection, method: str, **params: str) -> Body:
        """Carry out a signed request of the WebSocket API and return its answer."""
        await self.ws_send(socket, method, **params)
        return await receive(socket)

    async def ws_send(self, socket: ClientConnection, method: str, **params: str) -> None:
        fields = {"apiKey": self.fake.first.api_key, "timestamp": str(self.fake.now_us() // 1_000), **params}
        payload = "&".join(f"{name}={fields[name]}" for name in sorted(fields))
        fields["signature"] = hmac_hex(self.fake.first.secret, payload)
        request = {"id": "1", "method": method, "params": fields}
        await socket.send(msgspec.json.encode(request), text=True)

    async def user_stream(self, socket: ClientConnection) -> None:
        answer = await self.ws_call(socket, "userDataStream.subscribe.signature")
        assert answer["result"] == {"subscriptionId": 0}


async def receive(socket: ClientConnection) -> Body:
    return msgspec.json.decode(await asyncio.wait_for(socket.recv(), 5), type=Body)


def code(response: httpx2.Response) -> tuple[int, int]:
    return response.status_code, response.json()["code"]
