"""A small client of Coinbase, for the tests of the fake: REST and WebSockets with their tokens."""

import asyncio
import secrets
from base64 import b64decode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import httpx2
import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from websockets.asyncio.client import ClientConnection, connect

from tests.fake_exchange.coinbase import FakeCoinbase
from tests.fake_exchange.coinbase.keys import CoinbaseAccount

Body = dict[str, object]
ROOT = "/api/v3/brokerage/"


def token(
    account: CoinbaseAccount, now_s: int, uri: str | None, changes: Mapping[str, object] | None = None
) -> str:
    """`changes` replace claims. A claim that is None is left out."""
    claims: Body = {"sub": account.key_name, "iss": "cdp", "nbf": now_s, "exp": now_s + 120, "uri": uri}
    claims |= changes or {}
    claims = {name: value for name, value in claims.items() if value is not None}
    headers = {"kid": account.key_name, "nonce": secrets.token_hex(16)}
    if account.algorithm == "ES256":
        return jwt.encode(claims, account.secret, algorithm="ES256", headers=headers)
    key = Ed25519PrivateKey.from_private_bytes(b64decode(account.secret)[:32])
    return jwt.encode(claims, key, algorithm="EdDSA", headers=headers)


class RestClient:
    def __init__(self, fake: FakeCoinbase, client: httpx2.AsyncClient, account: CoinbaseAccount) -> None:
        self._fake = fake
        self._client = client
        self._account = account

    async def public(self, name: str, **params: str) -> Body:
        response = await self._client.get(f"{self._fake.http}{ROOT}{name}", params=params)
        assert response.status_code == 200
        return msgspec.json.decode(response.content, type=Body)

    async def get(self, name: str, **params: str) -> Body:
        response = await self.send("GET", name, params=params)
        assert response.status_code == 200, response.text
        return msgspec.json.decode(response.content, type=Body)

    async def post(self, name: str, **content: object) -> Body:
        response = await self.send("POST", name, content=content)
        assert response.status_code == 200, response.text
        return msgspec.json.decode(response.content, type=Body)

    async def send(
        self, method: str, name: str, *, params: Mapping[str, str] | None = None,
        content: Mapping[str, object] | None = None, bearer: str | None = None,
    ) -> httpx2.Response:  # fmt: skip
        uri = f"{method} api.coinbase.com{ROOT}{name}"
        bearer = bearer or token(self._account, self._fake.now_us() // 1_000_000, uri)
        headers = {"Authorization": f"Bearer {bearer}"}
        url = f"{self._fake.http}{ROOT}{name}"
        return await self._client.request(method, url, params=params, json=content, headers=headers)


class SocketClient:
    def __init__(self, fake: FakeCoinbase, socket: ClientConnection) -> None:
        self._fake = fake
        self.socket = socket

    async def receive(self) -> Body:
        return msgspec.json.decode(await asyncio.wait_for(self.socket.recv(), 5), type=Body)

    async def data(self, channel: str) -> Body:
        """The first event of the next frame of this channel. Frames of others are left out."""
        while True:
            frame = await self.receive()
            if frame.get("channel") == channel:
                return event_of(frame)

    async def send(self, kind: str, channel: str, *product_ids: str, bearer: str | None = None) -> None:
        request: Body = {"type": kind, "channel": channel}
        if product_ids:
            request["product_ids"] = product_ids
        if bearer is not None:
            request["jwt"] = bearer
        await self.socket.send(msgspec.json.encode(request), text=True)

    async def follow(self, channel: str, *product_ids: str) -> Body:
        """Subscribe, and give the first event: the snapshot."""
        bearer = (
            token(self._fake.first, self._fake.now_us() // 1_000_000, None) if channel == "user" else None
        )
        await self.send("subscribe", channel, *product_ids, bearer=bearer)
        event = await self.data("l2_data" if channel == "level2" else channel)
        await self.data("subscriptions")
        return event


@asynccontextmanager
async def rest(fake: FakeCoinbase, account: CoinbaseAccount | None = None) -> AsyncIterator[RestClient]:
    async with httpx2.AsyncClient(verify=False) as client:
        yield RestClient(fake, client, account or fake.first)


@asynccontextmanager
async def market_socket(fake: FakeCoinbase) -> AsyncIterator[SocketClient]:
    async with connect(fake.market_ws, max_size=2**24) as socket:
        yield SocketClient(fake, socket)


@asynccontextmanager
async def user_socket(fake: FakeCoinbase) -> AsyncIterator[SocketClient]:
    async with connect(fake.user_ws) as socket:
        yield SocketClient(fake, socket)


def event_of(frame: Body) -> Body:
    events = frame["events"]
    assert isinstance(events, list)
    event = events[0]
    assert isinstance(event, dict)
    return event


def rows(event: Body, name: str) -> list[Body]:
    found = event[name]
    assert isinstance(found, list)
    return found
