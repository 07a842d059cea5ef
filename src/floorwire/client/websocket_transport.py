"""The transport over sockets: picows for WebSocket, httpcore2 for HTTP.

picows hands each frame over in the call that read it. Why not ``websockets``: docs/benchmarks.md. Both are
imported when the first connection is made, so that ``import floorwire.client`` stays quick.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from floorwire.client.address import Address
from floorwire.client.link_fault import link_fault
from floorwire.client.transport import HandshakeRefusedError, HttpAnswer, Link, Receiver
from floorwire.protocol.client_codec import ClientCodec

if TYPE_CHECKING:
    import httpcore2

CONNECT_S: Final = 10.0
MAX_ANSWER_BYTES: Final = 64 * 1024 * 1024
KEEP_S: Final = 30.0
"""How long an idle HTTP connection is kept."""


class WebSocketTransport:
    """Sockets, with TLS where the address asks for it."""

    def __init__(self, ca_file: str | None = None, proxy: str | None = None) -> None:
        """``ca_file``: a PEM file with the authority that signs the certificate; None: the system's."""
        self._ca_file = ca_file
        self._proxy = proxy
        self._tls: ssl.SSLContext | None = None
        self._pool: httpcore2.AsyncConnectionPool | None = None

    async def connect(
        self, address: Address, headers: Mapping[str, str], codec: ClientCodec, receiver: Receiver
    ) -> Link:
        """Open a connection. Raises HandshakeRefusedError."""
        from floorwire.client import picows_link

        wanted = {**headers, "Sec-WebSocket-Protocol": codec.subprotocol}
        tls = self._context() if address.is_secure else None
        try:
            async with asyncio.timeout(CONNECT_S):
                return await picows_link.connect(
                    address.socket_url, wanted, tls, self._proxy, codec.binary, receiver
                )
        except TimeoutError:
            raise HandshakeRefusedError(0, f"no connection within {CONNECT_S:g} s") from None

    async def request(self, url: str, headers: Mapping[str, str], timeout_s: float) -> HttpAnswer:
        """Return the answer to a GET request."""
        import httpcore2

        try:
            async with asyncio.timeout(timeout_s):
                async with self._connections().stream("GET", url, headers=[*headers.items()]) as answer:
                    body = bytearray()
                    async for part in answer.aiter_stream():
                        body += part
                        if len(body) > MAX_ANSWER_BYTES:
                            return HttpAnswer(0, b"the answer is too large")
                    return HttpAnswer(answer.status, bytes(body))
        except TimeoutError:
            return HttpAnswer(0, f"no answer within {timeout_s:g} s".encode())
        except (OSError, httpcore2.NetworkError, httpcore2.ProtocolError, httpcore2.ProxyError) as error:
            return HttpAnswer(0, link_fault(error).encode())

    async def aclose(self) -> None:
        """Close the HTTP connections."""
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.aclose()

    def _connections(self) -> httpcore2.AsyncConnectionPool:
        import httpcore2

        if self._pool is None:
            self._pool = httpcore2.AsyncConnectionPool(
                ssl_context=self._context(),
                proxy=None if self._proxy is None else httpcore2.Proxy(self._proxy),
                max_connections=4,
                keepalive_expiry=KEEP_S,
            )
        return self._pool

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = ssl.create_default_context(cafile=self._ca_file)
        return self._tls
