"""However requests are cut into packets, each is answered once, in order, up to the first that is no HTTP."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from uvicorn.server import ServerState

from floorwire.app import Gateway
from floorwire.config import Settings
from floorwire.web import create_app
from floorwire.web.http_protocol import HttpProtocol
from floorwire.web.picows_upgrade import PicowsUpgrade
from tests.web.held_transport import HeldTransport

AT_LENGTH = settings(max_examples=3_000, suppress_health_check=list(HealthCheck))
SOME = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
STATUS = re.compile(rb"HTTP/1\.1 (\d+) ")

H = b"Host: localhost\r\n"
H2C = b"Connection: Upgrade\r\nUpgrade: h2c\r\n"
CHUNKED = b"POST /nothing HTTP/1.1\r\n" + H + b"Transfer-Encoding: chunked\r\n"
LENGTH = b"POST /nothing HTTP/1.1\r\n" + H + b"Content-Length: 48\r\n"
HIDDEN = b"GET /health HTTP/1.1\r\n" + H + b"X: yz\r\n\r\n"
"""A request of 48 (0x30) bytes. In a body it must not be read as one."""
assert len(HIDDEN) == 48
GOOD = [
    (b"GET /health HTTP/1.1\r\n" + H + b"\r\n", 200),
    (b"\r\n\r\nGET /nothing HTTP/1.1\r\n" + H + b"\r\n", 404),
    (b"GET http://localhost/health HTTP/1.1\r\n" + H + b"\r\n", 200),
    (b"GET /health HTTP/1.1\r\n" + H + H2C + b"\r\n", 200),
    (b"GET /ws HTTP/1.1\r\n" + H + b"\r\n", 426),
    (LENGTH + b"\r\n" + HIDDEN, 404),
    (LENGTH + H2C + b"\r\n" + HIDDEN, 404),
    (CHUNKED + b"\r\n30\r\n" + HIDDEN + b"\r\n0\r\n\r\n", 404),
    (CHUNKED + H2C + b"\r\n30\r\n" + HIDDEN + b"\r\n0\r\nX: y\r\n\r\n", 404),
    (CHUNKED + b"\r\n2\r\n\r\n\r\n2\r\n\n\n\r\n0\r\n\r\n", 404),
]
LAST = [
    (b"GET /health HTTP/1.1\r\n" + H + b"Connection: close\r\n\r\n", 200),
    (b"GET /health HTTP/1.0\r\n\r\n", 403),
    (b"BREW / HTTP/1.1\r\n\r\n", 400),
    (b"GET / HTTP/1.1\n\n", 400),
    (b"CONNECT a:1 HTTP/1.1\r\n" + H + b"\r\n", 400),
    (LENGTH + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    (LENGTH + b"Content-Length: 4\r\n\r\n", 400),
    (b"GET /health HTTP/1.1\r\n" + H + H + b"\r\n", 400),
    (b"GET /health HTTP/1.1\r\nHost: evil.example\r\n\r\n", 403),
    (b"GET /ws HTTP/1.0\r\n" + H + b"Connection: upgrade\r\nUpgrade: websocket\r\n\r\n", 400),
]
SENT = st.tuples(
    st.lists(st.sampled_from(GOOD), max_size=6), st.sampled_from(LAST), st.lists(st.sampled_from(GOOD))
)
SIZES = st.lists(st.integers(1, 200), min_size=1, max_size=5)


class Connections:
    """Makes connections to one gateway, each on a transport of its own."""

    def __init__(self, folder: Path) -> None:
        self.gateway = Gateway(Settings(data=str(folder)), venues=[])
        self.runner = asyncio.Runner()
        self.broken: list[object] = []
        self.runner.get_loop().set_exception_handler(lambda _, context: self.broken.append(context))
        self.config = uvicorn.Config(
            create_app(self.gateway), ws=PicowsUpgrade, log_config=None, access_log=False
        )
        self.config.load()

    def statuses(self, sent: bytes, sizes: list[int]) -> list[int]:
        """Send this in packets of these sizes; return what is answered until the connection is closed."""
        statuses = self.runner.run(self._statuses(sent, sizes))
        assert self.broken == []
        assert self.gateway.admission.admitted == 0
        return statuses

    async def _statuses(self, sent: bytes, sizes: list[int]) -> list[int]:
        protocol, transport = HttpProtocol(self.gateway, self.config, ServerState(), {}), HeldTransport()
        protocol.connection_made(transport)
        at = turn = 0
        async with asyncio.timeout(30):
            while not transport.is_closing():
                if at < len(sent) and transport.is_reading():
                    size = sizes[turn % len(sizes)]
                    protocol.data_received(sent[at : at + size])
                    at, turn = at + size, turn + 1
                await asyncio.sleep(0)
        protocol.connection_lost(None)
        return [int(status) for status in STATUS.findall(transport.written)]


@pytest.fixture(scope="module")
def connections(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connections]:
    made = Connections(tmp_path_factory.mktemp("data"))
    with made.runner, pytest.MonkeyPatch.context() as patch:
        patch.setattr(Gateway, "is_running", True)
        yield made


Sent = tuple[list[tuple[bytes, int]], tuple[bytes, int], list[tuple[bytes, int]]]


def check(connections: Connections, sent: Sent, sizes: list[int]) -> None:
    good, last, ignored = sent
    data = b"".join(request for request, _ in [*good, last, *ignored])
    assert connections.statuses(data, sizes) == [status for _, status in [*good, last]]


@given(sent=SENT, sizes=SIZES)
@SOME
def test_each_request_is_answered_once_and_in_order(
    connections: Connections, sent: Sent, sizes: list[int]
) -> None:
    check(connections, sent, sizes)


@pytest.mark.slow
@given(sent=SENT, sizes=SIZES)
@AT_LENGTH
def test_each_request_is_answered_once_and_in_order_at_length(
    connections: Connections, sent: Sent, sizes: list[int]
) -> None:
    check(connections, sent, sizes)
