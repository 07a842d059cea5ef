"""The vestibule: where a TCP connection becomes TLS before it comes to the door.

asyncio's TLS servers tell of a connection only when it is encrypted; who never gets that far would not be
counted, and could hold any number of sockets. So we accept by ourselves.
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
"""How long no connection is taken where there is no file descriptor left for one."""

log = structlog.get_logger("floorwire.vestibule")


class TlsAcceptor:
    """Takes connections and hands those that encrypt in time to a door each."""

    def __init__(
        self,
        listener: socket.socket,
        certificate: TlsCertificate,
        timeout_s: float,
        door: Callable[[], HttpProtocol],
    ) -> None:
        self._listener = listener
        self._certificate = certificate
        self._timeout_s = timeout_s
        self._door = door

    async def run(self) -> None:
        """Take connections until cancelled."""
        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as handshakes:
            while True:
                try:
                    sock, peer = await loop.sock_accept(self._listener)
                except OSError as error:
                    log.warning("no connection taken", error=str(error))
                    await asyncio.sleep(REST_S)
                    continue
                door = self._door()
                if door.admit(peer[0]) is AdmissionVerdict.DROPPED:
                    sock.close()
                else:
                    handshakes.create_task(self._encrypt(sock, door))

    async def _encrypt(self, sock: socket.socket, door: HttpProtocol) -> None:
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: door, sock, ssl=self._certificate.context, ssl_handshake_timeout=self._timeout_s
            )
        except OSError:  # ssl.SSLError and a timeout too
            door.forget("bad_tls")
            sock.close()
