"""A small client of Kraken, for the tests of the fake: REST with signatures, and WebSockets."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal
from itertools import count
from urllib.parse import urlencode

import httpx2
from websockets.asyncio.client import ClientConnection, connect

from tests.fake_exchange.kraken import FakeKraken
from tests.fake_exchange.kraken.keys import KrakenAccount, sign

Body = dict[str, object]
NONCES = count(1)


class RestClient:
    def __init__(self, fake: FakeKraken, client: httpx2.AsyncClient, account: KrakenAccount) -> None:
        self._fake = fake
        self._client = client
        self.account = account

    async def public(self, name: str, **params: str) -> Body:
        response = await self._client.get(f"{self._fake.http}/0/public/{name}", params=params)
        assert response.status_code == 200
        return _body(response)

    async def private(self, name: str, **form: str) -> Body:
        return await self.send(name, {"nonce": self.nonce(), **form})

    async def batch(self, name: str, content: Mapping[str, object]) -> Body:
        nonce = self.nonce()
        body = json.dumps({"nonce": nonce, **content})
        return _body(await self._post(name, nonce, body, "application/json"))

    async def send(self, name: str, form: Mapping[str, str], signature: str | None = None) -> Body:
        return _body(await self.post(name, form, signature))

    async def post(self, name: str, form: Mapping[str, str], signature: str | None = None) -> httpx2.Response:
        """A form with its own nonce, or with the next one."""
        form = form if "nonce" in form else {"nonce": self.nonce(), **form}
        kind = "application/x-www-form-urlencoded"
        return await self._post(name, form["nonce"], urlencode(form), kind, signature)

    async def result(self, name: str, **form: str) -> Body:
        body = await self.private(name, **form)
        assert body["error"] == [], body
        result = body["result"]
        assert isinstance(result, dict)
        return result

    async def token(self) -> str:
        return str((await self.result("GetWebSocketsToken"))["token"])

    def nonce(self) -> str:
        return str(self._fake.now_us() + next(NONCES))

    async def _post(
        self, name: str, nonce: str, body: str, kind: str, signature: str | None = None
    ) -> httpx2.Response:
        path = f"/0/private/{name}"
        headers = {"API-Key": self.account.api_key, "Content-Type": kind}
        headers["API-Sign"] = signature or sign(self.account.secret, path, nonce, body)
        return await self._client.post(f"{self._fake.http}{path}", content=body, headers=headers)


class SocketClient:
    def __init__(self, socket: ClientConnection, token: str | None) -> None:
        self.socket = socket
        self._token = token
        self._requests = count(1)
        self.frames: list[Body] = []  # came while an answer was awaited

    async def receive(self) -> Body:
        """The next frame that is no heartbeat."""
        while True:
            frame = (
                self.frames.pop(0) if self.frames else decode(await asyncio.wait_for(self.socket.recv(), 5))
            )
            if frame != {"channel": "heartbeat"}:
                return frame

    async def data(self, channel: str) -> Body:
        """The next frame of this channel. Frames of others are left out."""
        while True:
            frame = await self.receive()
            if frame.get("channel") == channel:
                return frame

    async def request(self, method: str, **params: object) -> Body:
        """The first answer to a request."""
        number = next(self._requests)
        if self._token is not None:
            params.setdefault("token", self._token)
        await self.socket.send(json.dumps({"method": method, "params": params, "req_id": number}))
        kept: list[Body] = []
        while True:
            frame = await self.receive()
            if frame.get("req_id") == number:
                self.frames = kept + self.frames
                return frame
            kept.append(frame)


@asynccontextmanager
async def rest(fake: FakeKraken, account: KrakenAccount | None = None) -> AsyncIterator[RestClient]:
    async with httpx2.AsyncClient(verify=False) as client:
        yield RestClient(fake, client, account or fake.first)


@asynccontextmanager
async def public_socket(fake: FakeKraken) -> AsyncIterator[SocketClient]:
    async with connect(fake.public_ws) as socket:
        client = SocketClient(socket, None)
        assert (await client.receive())["channel"] == "status"
        yield client


@asynccontextmanager
async def private_socket(fake: FakeKraken) -> AsyncIterator[SocketClient]:
    token = str(fake.keys.new_token(fake.first)["token"])
    async with connect(fake.private_ws) as socket:
        client = SocketClient(socket, token)
        assert (await client.receive())["channel"] == "status"
        yield client


def decode(frame: str | bytes) -> Body:
    """Numbers keep their digits."""
    body = json.loads(frame, parse_float=Decimal)
    assert isinstance(body, dict)
    return body


def rows(frame: Body) -> list[Body]:
    data = frame["data"]
    assert isinstance(data, list)
    return data


def _body(response: httpx2.Response) -> Body:
    assert response.status_code == 200
    body = response.json()
    assert isinstance(body, dict)
    return body
