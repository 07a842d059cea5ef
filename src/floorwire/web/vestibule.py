"""The vestibule: where a TCP connection becomes TLS before it comes to the door.

asyncio's own TLS tells of a connection only when it is encrypted; who never gets that far would not be
counted, and could hold any number of sockets.
"""

from __future__ import annotations

import asyncio

from uvicorn.config import Config
from uvicorn.server import ServerState

from floorwire.app import Gateway
from floorwire.hub.admission import Verdict
from floorwire.web.certificate import Certificate
from floorwire.web.door import Door


class Landing(asyncio.Protocol):
    """Holds what comes with the last of the handshake, until the door is there to take it."""

    def __init__(self) -> None:
        self.data = b""
        self.is_lost = False

    def data_received(self, data: bytes) -> None:
        """Keep it."""
        self.data += data

    def connection_lost(self, exc: Exception | None) -> None:
        """Gone already."""
        self.is_lost = True


class Vestibule(asyncio.Protocol):
    """One TCP connection until it is encrypted: counted, and not for long."""

    def __init__(
        self,
        gateway: Gateway,
        certificate: Certificate,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, object],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._door = Door(gateway, config, server_state, app_state, _loop)
        self._gateway = gateway
        self._certificate = certificate
        self._tasks = server_state.tasks

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Count the connection, and begin."""
        transport.pause_reading()  # what comes is the handshake's
        if self._door.admit(transport) is Verdict.DROPPED:
            transport.abort()
            return
        task = asyncio.get_running_loop().create_task(self._encrypt(transport))
        self._tasks.add(task)  # uvicorn's own: it waits for them when it stops
        task.add_done_callback(self._tasks.discard)

    async def _encrypt(self, transport: asyncio.Transport) -> None:
        landing, door = Landing(), self._door
        try:
            encrypted = await asyncio.get_running_loop().start_tls(
                transport,
                landing,
                self._certificate.context,
                server_side=True,
                ssl_handshake_timeout=self._gateway.settings.limits.handshake_timeout_s,
            )
        except (OSError, TimeoutError):  # ssl.SSLError is an OSError
            transport.abort()
            door.forget("bad_tls")
            return
        if encrypted is None or landing.is_lost:
            door.forget("bad_tls")
            return
        encrypted.set_protocol(door)
        door.connection_made(encrypted)
        if landing.data:
            door.data_received(landing.data)
