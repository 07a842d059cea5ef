"""A server's doors from outside: its keys, and connections made by a client of another make."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeAlias
from urllib.request import Request, urlopen

import websockets
from websockets.asyncio.client import ClientConnection

from floorwire.auth.grant import Grant
from floorwire.core.authorization import Scope
from floorwire.protocol.requests import login_signature
from floorwire.storage.data_dir import DataDir
from floorwire.storage.key_store import Issued
from tests.servers import Server, floorwire

PATIENCE_S = 30.0
"""How long a test waits for what has to happen. It says nothing of how soon that has to be."""

JsonValue: TypeAlias = "dict[str, JsonValue] | list[JsonValue] | str | int | bool | None"
TRADER = Grant("alice", (Scope.MARKET, Scope.TRADE))
ANONYMOUS = "127.0.0.9"
"""Where failures come from, so that they make nobody else wait."""


class KeyedServer:
    """A server and its data folder, with an admin's key made before it started."""

    def __init__(self, server: Server, folder: Path, root: Issued) -> None:
        self.server = server
        self.folder = folder
        self.keys = DataDir(folder, {}).keys
        self.root = root
        """An admin's key."""

    def audit(self) -> list[dict[str, str]]:
        """Return the lines of the audit log. It is written in batches: none may be there yet."""
        if not (self.folder / "audit.jsonl").exists():
            return []
        return [json.loads(line) for line in (self.folder / "audit.jsonl").read_text().splitlines()]

    async def key(self, grant: Grant = TRADER) -> Issued:
        """Have the server make a key."""
        fields = {
            "account": grant.account,
            "scopes": grant.scopes,
            "symbols": grant.symbols,
            "expires": grant.expires_us,
        }
        said = await asyncio.to_thread(self._post, "/api/v1/keys", fields)
        return Issued(said["key"], said["secret"])

    def _post(self, path: str, body: object) -> dict[str, str]:
        headers = {
            "authorization": f"Bearer {self.root.key}.{self.root.secret}",
            "content-type": "application/json",
        }
        request = Request(self.server.http(path), json.dumps(body).encode(), headers)
        with urlopen(request, timeout=10) as answer:
            said: dict[str, str] = json.load(answer)
            return said

    def connect(
        self,
        issued: Issued | None = None,
        path: str = "/ws",
        *,
        headers: Mapping[str, str] | None = None,
        tls: ssl.SSLContext | None = None,
        local: str = "127.0.0.1",
    ) -> websockets.connect:
        """Connect from a local address, signed in where a key is given."""
        shown = dict(headers or {})
        if issued is not None:
            shown["Authorization"] = f"Bearer {issued.key}.{issued.secret}"
        url = self.server.ws(path)
        if tls is not None:
            url = url.replace("ws:", "wss:")
        return websockets.connect(
            url, additional_headers=shown, ssl=tls, compression=None, local_addr=(local, 0)
        )


def admin(folder: Path) -> Issued:
    """Make an admin's key in a data folder."""
    return DataDir(folder, {}).keys.create(Grant("root", tuple(Scope)), {}, now_us())


@contextmanager
def keyed_server(folder: Path, *args: str) -> Iterator[KeyedServer]:
    """Run a server on this data folder."""
    root = admin(folder)
    with floorwire("--data", str(folder), *args) as server:
        yield KeyedServer(server, folder, root)


async def ask(ws: ClientConnection, **request: object) -> dict[str, JsonValue]:
    """Send a request and return its reply; events before it are dropped."""
    await ws.send(json.dumps({**request, "id": 1}))
    while True:
        message: dict[str, JsonValue] = json.loads(await ws.recv())
        if "status" in message:
            return message


async def closed(ws: ClientConnection) -> int:
    """Wait for the close; return its code."""
    async with asyncio.timeout(PATIENCE_S):
        with suppress(websockets.ConnectionClosed):
            while True:
                await ws.recv()
    return ws.close_code or 0


async def until(is_so: Callable[[], bool]) -> None:
    """Wait until it is so. Raises TimeoutError where that does not happen."""
    async with asyncio.timeout(PATIENCE_S):
        while not is_so():
            await asyncio.sleep(0.02)


def login(issued: Issued, ts_us: int | None = None) -> dict[str, str | int]:
    """Return a signed login."""
    ts = now_us() if ts_us is None else ts_us
    return {"action": "login", "key": issued.key, "ts": ts, "signature": login_signature(issued.secret, ts)}


def now_us() -> int:
    """Return the time."""
    return time.time_ns() // 1_000
