"""Accepts TCP connections and does the TLS handshake before HTTP begins.

asyncio's own TLS server reports a connection only after its handshake. A peer that never finishes the
handshake would not be counted, and could hold any number of sockets. So this module accepts by itself.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Final

import structlog

from floorwire.access.admission import AdmissionVerdict
from floorwire.web.http_protocol import HttpProtocol
from floorwire.web.tls_certificate import TlsCertificate

REST_S: Final = 0.1
"""Pause after a failed accept, such as when no file descriptor is left."""

log = structlog.get_logger("floorwire.tls")


class TlsAcceptor:
    """Accepts connections. Each one whose TLS handshake ends in time gets an HttpProtocol."""

    def __init__(
        self,
        listener: socket.socket,
        certificate: TlsCertificate,
        timeout_s: float,
        make_protocol: Callable[[], HttpProtocol],
    ) -> None:
        self._listener = listener
        self._certificate = certificate
        self._timeout_s = timeout_s
        self._make_protocol = make_protocol

    async def run(self) -> None:
        """Accept connections until cancelled."""
        loop = asyncio.get_running_loop()
        is_failing = False
        async with asyncio.TaskGroup() as handshakes:
            while True:
                try:
                    sock, peer = await loop.sock_accept(self._listener)
                except OSError as error:
                    if not is_failing:  # once: strangers choose how long no descriptor is left
                        log.warning("no connection taken", error=str(error))
                    is_failing = True
                    await asyncio.sleep(REST_S)
                    continue
                if is_failing:
                    log.info("connections are taken again")
                is_failing = False
                protocol = self._make_protocol()
                if protocol.admit(peer[0]) is AdmissionVerdict.DROPPED:
                    sock.close()
                else:
                    handshakes.create_task(self._encrypt(sock, protocol))

    async def _encrypt(self, sock: socket.socket, protocol: HttpProtocol) -> None:
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: protocol, sock, ssl=self._certificate.context, ssl_handshake_timeout=self._timeout_s
            )
        except OSError:  # ssl.SSLError and a timeout too
            protocol.discard("bad_tls")
            sock.close()
