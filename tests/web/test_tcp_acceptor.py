"""The acceptor on a real socket: who waits, in which order connections begin, and what a stop leaves."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, suppress
from pathlib import Path

import pytest
import uvicorn
from uvicorn.server import ServerState

from floorwire.access.admission import AdmissionVerdict
from floorwire.app import Gateway
from floorwire.config import LimitSettings, Settings
from floorwire.web import create_app
from floorwire.web.http_protocol import HttpProtocol
from floorwire.web.picows_upgrade import PicowsUpgrade
from floorwire.web.tcp_acceptor import HANDSHAKES_PER_ADDRESS, STARTED_PER_TURN, TcpAcceptor
from floorwire.web.tls_certificate import TlsCertificate
from tests.web import certificates
from tests.web.test_tls_hello import HELLO

GREEDY, OTHER = "127.0.0.1", "127.0.0.2"


class Accepting:
    """An acceptor of a gateway, and the addresses of the connections that began, in their order."""

    def __init__(self, folder: Path, connections: int, certificate: TlsCertificate | None = None) -> None:
        limits = LimitSettings(connections=connections)
        self.gateway = Gateway(Settings(data=str(folder), limits=limits), venues=[])
        self.begun: list[str] = []
        self.listener = socket.create_server((GREEDY, 0), backlog=128)
        self.listener.setblocking(False)
        self._config = uvicorn.Config(create_app(self.gateway), ws=PicowsUpgrade, log_config=None)
        self._config.load()
        self.acceptor = TcpAcceptor(self.listener, certificate, 10, self._protocol)

    def _protocol(self) -> HttpProtocol:
        begun = self.begun

        class Noting(HttpProtocol):
            def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
                super().connection_made(transport)
                begun.append(transport.get_extra_info("peername")[0])

        return Noting(self.gateway, self._config, ServerState(), {})

    def dial(self, stack: ExitStack, address: str, count: int) -> list[socket.socket]:
        target = self.listener.getsockname()
        return [
            stack.enter_context(socket.create_connection(target, 5, source_address=(address, 0)))
            for _ in range(count)
        ]

    async def until_begun(self, count: int) -> None:
        while len(self.begun) < count:
            await asyncio.sleep(0)


@asynccontextmanager
async def running(accepting: Accepting, stack: ExitStack) -> AsyncIterator[None]:
    """Accept, and at the end hang up and wait until no connection is left."""
    task = asyncio.create_task(accepting.acceptor.run())
    with accepting.listener:
        yield
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    stack.close()
    while accepting.gateway.admission.admitted:
        await asyncio.sleep(0.005)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


async def test_an_address_with_many_connections_makes_only_itself_wait(
    tmp_path: Path, stack: ExitStack
) -> None:
    accepting = Accepting(tmp_path, connections=1_000)
    accepting.dial(stack, GREEDY, 100)
    accepting.dial(stack, OTHER, 1)
    async with running(accepting, stack):
        await accepting.until_begun(101)
        assert accepting.begun.index(OTHER) < 60, "though all others were there before"


async def test_so_many_begin_in_a_turn(tmp_path: Path, stack: ExitStack) -> None:
    accepting = Accepting(tmp_path, connections=1_000)
    accepting.dial(stack, GREEDY, 40)
    async with running(accepting, stack):
        before, most = 0, 0
        while before < 40:
            await asyncio.sleep(0)
            most = max(most, len(accepting.begun) - before)
            before = len(accepting.begun)
        assert most <= STARTED_PER_TURN


async def test_those_that_have_not_begun_are_closed_at_the_end(tmp_path: Path, stack: ExitStack) -> None:
    accepting = Accepting(tmp_path, connections=1_000)
    dialled = accepting.dial(stack, GREEDY, 30)
    async with running(accepting, stack):
        await accepting.until_begun(1)
        assert accepting.gateway.admission.admitted > len(accepting.begun)
    assert len(accepting.begun) < len(dialled)
    assert accepting.gateway.stats.handshakes["dropped"] > 0


async def test_those_beyond_every_limit_are_closed_at_once(tmp_path: Path, stack: ExitStack) -> None:
    accepting = Accepting(tmp_path, connections=1)
    admission, held = accepting.gateway.admission, []
    while (verdict := admission.admit(OTHER, 0)) is not AdmissionVerdict.DROPPED:
        held.append(verdict)
    (refused,) = accepting.dial(stack, GREEDY, 1)
    async with running(accepting, stack):
        assert await asyncio.to_thread(refused.recv, 1) == b""
        assert accepting.begun == []
        assert accepting.gateway.stats.handshakes["dropped"] == 1
        for one in held:
            admission.release(OTHER, one)


# --- TLS --------------------------------------------------------------------------------------------


@pytest.fixture
def over_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Accepting, list[socket.socket]]:
    """An acceptor with a certificate, and the sockets whose handshakes have begun, in their order."""
    began = list[socket.socket]()
    accepting = Accepting(tmp_path / "data", 1_000, TlsCertificate(*certificates.write(tmp_path)))
    connect = accepting.acceptor._connect

    async def noted(sock: socket.socket) -> None:
        began.append(sock)
        await connect(sock)

    monkeypatch.setattr(accepting.acceptor, "_connect", noted)
    return accepting, began


async def test_handshakes_begin_when_their_hello_is_whole_and_so_many_in_a_turn(
    over_tls: tuple[Accepting, list[socket.socket]], stack: ExitStack
) -> None:
    accepting, began = over_tls
    dialled = accepting.dial(stack, GREEDY, 12) + accepting.dial(stack, OTHER, 12)
    async with running(accepting, stack):
        for sock in dialled:
            sock.sendall(HELLO[:-1])
        await asyncio.sleep(0.1)
        assert not began
        for sock in dialled:
            sock.sendall(HELLO[-1:])
        before, most = 0, 0
        while before < len(dialled):
            await asyncio.sleep(0)
            most = max(most, len(began) - before)
            before = len(began)
        assert most <= STARTED_PER_TURN


async def test_an_address_has_so_many_handshakes_at_once(
    over_tls: tuple[Accepting, list[socket.socket]], stack: ExitStack
) -> None:
    accepting, began = over_tls
    dialled = accepting.dial(stack, GREEDY, HANDSHAKES_PER_ADDRESS + 3)
    async with running(accepting, stack):
        for sock in dialled:
            sock.sendall(HELLO)  # and nothing after it
        while len(began) < HANDSHAKES_PER_ADDRESS:
            await asyncio.sleep(0.005)
        accepting.dial(stack, OTHER, 1)[0].sendall(HELLO)
        while len(began) == HANDSHAKES_PER_ADDRESS:
            await asyncio.sleep(0.005)
        assert began[-1].getpeername()[0] == OTHER
        for sock in dialled[:2]:
            sock.close()
        while len(began) < HANDSHAKES_PER_ADDRESS + 3:
            await asyncio.sleep(0.005)
        await asyncio.sleep(0.02)
        assert len(began) == HANDSHAKES_PER_ADDRESS + 3, "two for two"
