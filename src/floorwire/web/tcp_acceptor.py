"""Accepts TCP connections, a bounded number in a turn of the event loop, and lets addresses alternate.

The loop's own servers take connections in the order in which they came, so an address that connects all the
time makes others wait. And they report a TLS connection only after its handshake: a peer that never finishes
it would not be counted, and could hold any number of sockets. So this module accepts by itself. A connection
that is accepted is counted at once, and so takes no descriptor beyond ``DescriptorPlan``.

TLS handshakes begin a few in a turn, when their ClientHello is whole (``tls_hello.py``). What the peer sends
next costs as much, and waits for its turn too (``tls_reads.py``). An address has a bounded number of
handshakes that have begun and not ended.
"""

from __future__ import annotations

import asyncio
import socket
from collections import Counter, deque
from collections.abc import Callable
from functools import partial
from typing import Final, TypeAlias

import structlog

from floorwire.access.admission import AdmissionVerdict
from floorwire.auth.client_address import network_of
from floorwire.web.address_queue import AddressQueue
from floorwire.web.http_protocol import HttpProtocol
from floorwire.web.tls_certificate import TlsCertificate
from floorwire.web.tls_hello import ClientHelloWaiter
from floorwire.web.tls_reads import EarlyData, TlsReads

BACKLOG: Final = 4_096
"""The most connections that the kernel holds until they are accepted. It may have a lower limit."""
ACCEPTED_PER_TURN: Final = 32
STARTED_PER_TURN: Final = 4
"""The most connections of all addresses that begin, or go on with their TLS handshake, in a turn."""
HANDSHAKES_PER_ADDRESS: Final = 32
"""The most TLS handshakes of one address that have begun and not ended. More wait."""
REST_S: Final = 0.1
"""Pause after a failed accept, such as when no file descriptor is left."""

AcceptedConnection: TypeAlias = tuple[str, HttpProtocol]
"""A connection's address, as ``network_of`` names it, and its protocol."""

log = structlog.get_logger("floorwire.accept")


class TcpAcceptor:
    """Accepts connections. Each one gets an HttpProtocol; with a certificate, once its TLS handshake is done.

    Those that wait for their turn are admitted already: the limits of ``Admission`` bound their number.
    """

    def __init__(
        self,
        listener: socket.socket,
        certificate: TlsCertificate | None,
        timeout_s: float,
        make_protocol: Callable[[], HttpProtocol],
    ) -> None:
        """``listener``: it does not block. ``timeout_s``: how long a TLS handshake may take."""
        self._listener = listener
        self._certificate = certificate
        self._timeout_s = timeout_s
        self._make_protocol = make_protocol
        self._hellos: ClientHelloWaiter[AcceptedConnection] = ClientHelloWaiter(
            timeout_s, self._queue, self._drop
        )
        self._waiting: AddressQueue[Callable[[], object]] = AddressQueue()
        """What is done in the turns of the addresses."""
        self._handshakes: Counter[str] = Counter()
        """How many TLS handshakes of each address have begun and not ended."""
        self._held: dict[str, deque[tuple[socket.socket, AcceptedConnection]]] = {}
        """Those of addresses with as many as they may have."""
        self._unstarted: dict[socket.socket, AcceptedConnection] = {}
        """Those that wait for their turn, or whose task has not run yet. A task that is cancelled before that
        never runs."""
        self._is_starting = False
        self._is_failing = False
        self._is_stopped = False

    async def run(self) -> None:
        """Accept connections until cancelled. Close those that have not begun then."""
        self._loop = asyncio.get_running_loop()
        try:
            async with asyncio.TaskGroup() as self._tasks:
                self._loop.add_reader(self._listener, self._accept)
                try:
                    await self._loop.create_future()
                finally:
                    self._stop_accepting()
        finally:
            for sock, (_, protocol) in self._unstarted.items():
                protocol.discard("dropped")
                sock.close()

    def _stop_accepting(self) -> None:
        self._is_stopped = True
        self._loop.remove_reader(self._listener)
        self._unstarted.update(self._hellos.stop())
        for held in self._held.values():
            self._unstarted.update(held)
        self._held.clear()

    def _accept(self) -> None:
        """Take connections from the kernel, and count them."""
        for _ in range(ACCEPTED_PER_TURN):
            try:
                sock, peer = self._listener.accept()
            except BlockingIOError:
                break
            except ConnectionAbortedError:  # the peer has gone already
                continue
            except OSError as error:
                self._rest(error)
                break
            if self._is_failing:
                self._is_failing = False
                log.info("connections are taken again")
            protocol = self._make_protocol()
            if protocol.admit(peer[0]) is AdmissionVerdict.DROPPED:
                sock.close()
                continue
            sock.setblocking(False)
            accepted = network_of(peer[0]), protocol
            if self._certificate is None:
                self._queue(sock, accepted)
            else:
                self._hellos.add(sock, accepted)

    def _queue(self, sock: socket.socket, accepted: AcceptedConnection) -> None:
        """Let the connection begin when its address has its turn."""
        network, _ = accepted
        if self._certificate is not None and self._handshakes[network] >= HANDSHAKES_PER_ADDRESS:
            self._held.setdefault(network, deque()).append((sock, accepted))
            return
        if self._certificate is not None:
            self._handshakes[network] += 1
        self._unstarted[sock] = accepted
        self._wait(network, partial(self._start_connecting, sock))

    def _wait(self, network: str, step: Callable[[], object]) -> None:
        """Do the step when the address has its turn."""
        self._waiting.put(network, step)
        if not self._is_starting:
            self._is_starting = True
            self._loop.call_soon(self._run_turn)

    def _drop(self, sock: socket.socket, accepted: AcceptedConnection) -> None:
        """The peer sent no ClientHello."""
        accepted[1].discard("bad_tls")
        sock.close()

    def _end_handshake(self, network: str) -> None:
        """A handshake of the address has ended, well or not. Another one of it may begin."""
        self._handshakes[network] -= 1
        if not self._handshakes[network]:
            del self._handshakes[network]
        held = self._held.get(network)
        if held:
            self._queue(*held.popleft())
            if not held:
                del self._held[network]

    def _rest(self, error: OSError) -> None:
        if not self._is_failing:  # once: strangers choose how long no descriptor is left
            log.warning("no connection taken", error=str(error))
        self._is_failing = True
        self._loop.remove_reader(self._listener)
        self._loop.call_later(REST_S, self._go_on)

    def _go_on(self) -> None:
        if not self._is_stopped:
            self._loop.add_reader(self._listener, self._accept)

    def _run_turn(self) -> None:
        """Do the next steps of this turn."""
        if self._is_stopped:
            return
        try:
            for _ in range(min(STARTED_PER_TURN, len(self._waiting))):
                self._waiting.pop()()
        finally:  # A step that raises is dropped. The others go on.
            self._is_starting = len(self._waiting) > 0
            if self._is_starting:
                self._loop.call_soon(self._run_turn)

    def _start_connecting(self, sock: socket.socket) -> None:
        self._tasks.create_task(self._connect(sock))

    async def _connect(self, sock: socket.socket) -> None:
        network, protocol = self._unstarted.pop(sock)
        is_connected = False
        try:
            if self._certificate is None:
                await self._loop.connect_accepted_socket(lambda: protocol, sock)
            else:
                await self._shake_hands(sock, network, protocol, self._certificate)
            is_connected = True
        except OSError:  # ssl.SSLError and a timeout too
            pass
        finally:  # also when the acceptor stops
            if not is_connected:
                protocol.discard("bad_tls" if self._certificate else "dropped")
                sock.close()
            if self._certificate is not None and not self._is_stopped:
                self._end_handshake(network)

    async def _shake_hands(
        self, sock: socket.socket, network: str, protocol: HttpProtocol, certificate: TlsCertificate
    ) -> None:
        """Do the TLS handshake, and connect the protocol. Raises OSError."""
        tcp, reads = await self._loop.connect_accepted_socket(
            lambda: TlsReads(partial(self._wait, network)), sock
        )
        is_done = False
        try:
            if tcp.is_closing():
                raise ConnectionResetError
            self._loop.call_soon(reads.start)  # after start_tls made TLS, and before TLS is connected
            early = EarlyData()
            tls = await self._loop.start_tls(
                tcp, early, certificate.context, server_side=True, ssl_handshake_timeout=self._timeout_s
            )
            if tls is None or tls.is_closing() or early.is_lost:  # it was lost meanwhile
                raise ConnectionResetError
            tls.set_protocol(protocol)
            protocol.connection_made(tls)
            if early.data:
                protocol.data_received(early.data)
            reads.end()
            is_done = True
        finally:
            if not is_done:
                tcp.abort()
