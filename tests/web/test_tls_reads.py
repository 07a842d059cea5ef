"""What peers send in TLS handshakes has its turns: on real sockets, under both event loops."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
import uvloop

from floorwire.web.tcp_acceptor import STARTED_PER_TURN
from floorwire.web.tls_certificate import TlsCertificate
from floorwire.web.tls_reads import TlsReads
from tests.web import certificates
from tests.web.test_tcp_acceptor import GREEDY, OTHER, Accepting, running

PEERS = 12
"""Of each of two addresses."""
LOOPS = pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
VERSIONS = pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])


class Peer:
    """A TLS client that is driven step by step."""

    def __init__(self, sock: socket.socket, version: ssl.TLSVersion) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.minimum_version = context.maximum_version = version
        self.sock = sock
        sock.setblocking(False)
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._incoming, self._outgoing)

    def flight(self) -> bytes:
        """Go on with the handshake; return what is to be sent."""
        with suppress(ssl.SSLWantReadError):
            self.tls.do_handshake()
        return self._outgoing.read()

    def data(self, data: bytes) -> bytes:
        """Return the data as it is sent."""
        self.tls.write(data)
        return self._outgoing.read()

    async def until_flight(self) -> bytes:
        """Return the next flight, once the server's has come."""
        while True:
            self._incoming.write(await asyncio.get_running_loop().sock_recv(self.sock, 65_536))
            if flight := self.flight():
                return flight

    async def until_text(self) -> bytes:
        """Return the next data of the server."""
        while True:
            try:
                return self.tls.read(65_536)
            except ssl.SSLWantReadError:
                self._incoming.write(await asyncio.get_running_loop().sock_recv(self.sock, 65_536))


def over_tls(folder: Path) -> Accepting:
    return Accepting(folder / "data", 1_000, TlsCertificate(*certificates.write(folder)))


@LOOPS
@VERSIONS
def test_ends_of_handshakes_that_come_together_are_read_a_few_in_a_turn(
    tmp_path: Path, new_loop: type[asyncio.AbstractEventLoop], version: ssl.TLSVersion
) -> None:
    async def attack(stack: ExitStack) -> None:
        accepting = over_tls(tmp_path)
        dialled = accepting.dial(stack, GREEDY, PEERS) + accepting.dial(stack, OTHER, PEERS)
        async with running(accepting, stack):
            peers = [Peer(sock, version) for sock in dialled]
            for peer in peers:
                peer.sock.send(peer.flight())
            flights = [await peer.until_flight() for peer in peers]
            assert not accepting.begun
            for peer, flight in zip(peers, flights, strict=True):
                peer.sock.send(flight)
            before, most = 0, 0
            while before < len(peers):
                await asyncio.sleep(0)
                most = max(most, len(accepting.begun) - before)
                before = len(accepting.begun)
            assert most <= STARTED_PER_TURN
            assert OTHER in accepting.begun[: 2 * STARTED_PER_TURN], "addresses alternate"

    with ExitStack() as stack, asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(attack(stack))


@LOOPS
@pytest.mark.parametrize("pieces", [1, 7, 10_000])
def test_a_handshake_in_pieces_with_a_request_behind_it_is_answered(
    tmp_path: Path, new_loop: type[asyncio.AbstractEventLoop], pieces: int
) -> None:
    async def ask(stack: ExitStack) -> None:
        accepting = over_tls(tmp_path)
        (sock,) = accepting.dial(stack, GREEDY, 1)
        async with running(accepting, stack):
            peer = Peer(sock, ssl.TLSVersion.TLSv1_3)
            peer.sock.send(peer.flight())
            sent = await peer.until_flight() + peer.data(b"NONSENSE\r\n\r\n")
            size = -(-len(sent) // pieces)
            for at in range(0, len(sent), size):
                peer.sock.send(sent[at : at + size])
                await asyncio.sleep(0)
            assert b"400" in await peer.until_text()

    with ExitStack() as stack, asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(ask(stack))


@LOOPS
@pytest.mark.parametrize("ending", [b"", b"\x15\x03\x03\x00\x02\x02\x28", b"no TLS at all, but long enough"])
def test_a_peer_that_ends_badly_after_its_hello_is_counted_no_more(
    tmp_path: Path, new_loop: type[asyncio.AbstractEventLoop], ending: bytes
) -> None:
    async def attack(stack: ExitStack) -> None:
        accepting = over_tls(tmp_path)
        dialled = accepting.dial(stack, GREEDY, 5)
        async with running(accepting, stack):
            for sock in dialled:
                peer = Peer(sock, ssl.TLSVersion.TLSv1_3)
                peer.sock.send(peer.flight())
                await peer.until_flight()
                peer.sock.send(ending)
                peer.sock.shutdown(socket.SHUT_WR)
            while accepting.gateway.admission.admitted:
                await asyncio.sleep(0)
            assert not accepting.begun
            assert accepting.gateway.stats.handshakes["bad_tls"] == len(dialled)

    with ExitStack() as stack, asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(attack(stack))


async def test_what_comes_before_tls_is_there_is_kept() -> None:
    """``start_tls`` is called a turn after the transport reads."""
    turns: list[Callable[[], None]] = []
    reads = TlsReads(turns.append)
    reads.data_received(b"hel")
    reads.data_received(b"lo")
    assert not turns
