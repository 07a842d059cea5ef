"""Whatever is thrown at the door, it is answered or hung up on, and nothing breaks."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
import uvloop
from hypothesis import HealthCheck, given, settings
from uvicorn.server import ServerState

from floorwire.app import Gateway
from floorwire.config import LimitSettings, Settings
from floorwire.core.authorization import ANONYMOUS
from floorwire.core.codes import CloseCode
from floorwire.protocol.codec import JSON
from floorwire.protocol.frames import split
from floorwire.web import create_app
from floorwire.web.http_protocol import HttpProtocol
from floorwire.web.picows_upgrade import PicowsUpgrade
from tests.property.sign_in_bytes import heads, login_bytes

EXPECTED = {
    "bad_json",
    "bad_request",
    "unknown_action",
    "bad_signature",
    "clock_skew",
    "rate_limited",
    "unauthenticated",
}
AT_LENGTH = settings(max_examples=10_000, suppress_health_check=list(HealthCheck))
SOME = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
PATIENCE_S = 5
LIMITS = LimitSettings(handshakes_per_second=1_000_000, handshake_timeout_s=0.5)


class Ear:
    """A wire that listens."""

    fd = -1
    is_blocked = False

    def __init__(self, number: int) -> None:
        self.address = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        self.heard = b""
        self.closed_with: CloseCode | None = None

    def write(self, data: bytes) -> bool:
        self.heard += data
        return True

    def ping(self) -> bool:
        return True

    def defer(self) -> None:
        pass

    def close(self, code: CloseCode, reason: str) -> None:
        self.closed_with = code


class Porch:
    """A gateway, and a loop that its doors open on."""

    def __init__(self, folder: Path) -> None:
        self.gateway = Gateway(Settings(data=str(folder), limits=LIMITS), venues=[])
        self.runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.knocks = 0
        self.broken: list[object] = []
        loop = self.runner.get_loop()
        loop.set_exception_handler(lambda _, context: self.broken.append(context))
        self.config = uvicorn.Config(
            create_app(self.gateway), ws=PicowsUpgrade, log_config=None, access_log=False
        )
        self.config.load()

    def login(self, data: bytes) -> None:
        """Send this as a client's first message."""
        self.knocks += 1
        ear = Ear(self.knocks)
        connection = self.gateway.connection(JSON, None, ANONYMOUS)
        connection.opened(ear)
        connection.received(data, binary=False)
        connection.end_of_read()
        connection.closed(1000)
        assert ear.closed_with is None
        ((_, payload),) = split(ear.heard)
        said = json.loads(payload)
        assert said["status"] == "pong" or said["code"] in EXPECTED, said

    async def _knock(self, head: bytes) -> bytes:
        ours = socket.create_connection(self.listener.getsockname())
        theirs, _ = self.listener.accept()
        ours.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.connect_accepted_socket(
            lambda: HttpProtocol(self.gateway, self.config, ServerState(), {}), theirs
        )
        await loop.sock_sendall(ours, head)
        ours.shutdown(socket.SHUT_WR)
        said = b""
        async with asyncio.timeout(PATIENCE_S):
            while chunk := await loop.sock_recv(ours, 65_536):
                said += chunk
        ours.close()
        return said

    def knock(self, head: bytes) -> bytes:
        """Send this on a connection of its own, and no more; return what is said until it ends."""
        said = self.runner.run(self._knock(head))
        assert self.broken == []
        assert not said or said.startswith(b"HTTP/1.1 ")
        return said


@pytest.fixture(scope="module")
def porch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Porch]:
    made = Porch(tmp_path_factory.mktemp("data"))
    with made.runner:
        yield made
        made.runner.run(asyncio.sleep(2.5))  # who is told a close code has 2 s to answer
        assert made.gateway.admission.admitted == 0
    made.listener.close()


@given(data=login_bytes())
@SOME
def test_any_login_is_answered(porch: Porch, data: bytes) -> None:
    porch.login(data)


@pytest.mark.slow
@given(data=login_bytes())
@AT_LENGTH
def test_any_login_is_answered_at_length(porch: Porch, data: bytes) -> None:
    porch.login(data)


@given(head=heads())
@SOME
def test_any_handshake_is_answered_or_hung_up_on(porch: Porch, head: bytes) -> None:
    porch.knock(head)


@pytest.mark.slow
@given(head=heads())
@AT_LENGTH
def test_any_handshake_is_answered_or_hung_up_on_at_length(porch: Porch, head: bytes) -> None:
    porch.knock(head)
