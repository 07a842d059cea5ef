"""HTTP requests to a venue. Every failure becomes an answer with status 0; redirects are answers too."""

from __future__ import annotations

import asyncio
import ssl
import zlib
from collections.abc import AsyncIterator
from typing import Final, NamedTuple
from urllib.parse import unquote, urlsplit, urlunsplit

import httpcore2

import floorwire
from floorwire.connectors.network_route import NetworkRoute, tls_fault
from floorwire.core.os_errors import reason as os_reason
from floorwire.core.os_errors import root
from floorwire.core.ports import Headers

MAX_ANSWER_BYTES: Final = 64 * 1024 * 1024
"""Lists of instruments have some ten megabytes."""
MAX_CONNECTIONS: Final = 8
"""At once. Further requests wait for one of them."""
KEEP_S: Final = 30.0
"""How long an idle connection is kept."""
HEADERS: Final = {"User-Agent": f"floorwire/{floorwire.__version__}", "Accept-Encoding": "gzip"}
GZIP: Final = 16 + zlib.MAX_WBITS
UNPACKED_STEP_BYTES: Final = 1024 * 1024
"""So much of an answer is unpacked in one turn of the event loop: it takes a millisecond or two."""


class HttpAnswer(NamedTuple):
    """What came of a request. Status 0: no answer, and ``reason`` says why."""

    status: int
    body: bytes = b""
    headers: Headers = ()
    reason: str = ""


class AnswerTooLargeError(Exception):
    """The answer is larger than is read."""


class HttpRequests:
    """Sends requests over a few kept connections, one pool for each way: direct, or by a proxy."""

    def __init__(self, route: NetworkRoute, max_bytes: int = MAX_ANSWER_BYTES) -> None:
        self._route = route
        self._max_bytes = max_bytes
        self._pools: dict[str | None, httpcore2.AsyncConnectionPool] = {}

    async def send(
        self,
        url: str,
        timeout_s: float,
        method: str = "GET",
        headers: Headers = (),
        body: bytes = b"",
    ) -> HttpAnswer:
        """Send a request; return its answer. ``timeout_s`` is for all of it, whatever drips in meanwhile."""
        url = self._route.rest(url)
        try:
            async with asyncio.timeout(timeout_s):
                request = [*HEADERS.items(), *headers]
                content = None if method == "GET" and not body else body
                # Its own time-outs are for single reads; they would let a slow answer drip for ever.
                async with self._pool(url).stream(method, url, headers=request, content=content) as response:
                    return HttpAnswer(
                        response.status,
                        await self._body(response),
                        tuple(
                            (name.decode("latin-1").lower(), value.decode("latin-1"))
                            for name, value in response.headers
                        ),
                    )
        except TimeoutError:
            return HttpAnswer(0, reason="no answer in time")
        except AnswerTooLargeError:
            return HttpAnswer(0, reason=f"larger than {self._max_bytes} bytes")
        except (OSError, httpcore2.NetworkError) as error:
            return HttpAnswer(0, reason=_network_fault(error))
        except (
            ValueError,
            zlib.error,
            httpcore2.ProtocolError,
            httpcore2.ProxyError,
            httpcore2.TimeoutException,
            httpcore2.UnsupportedProtocol,
        ) as error:  # The text of such an error may quote a header, which may be a credential.
            return HttpAnswer(0, reason=type(error).__name__)

    async def close(self) -> None:
        """Close all connections."""
        pools, self._pools = self._pools, {}
        for pool in pools.values():
            await pool.aclose()

    async def _body(self, response: httpcore2.Response) -> bytes:
        is_packed = any(
            name.lower() == b"content-encoding" and value.lower() == b"gzip"
            for name, value in response.headers
        )
        body = bytearray()
        async for piece in _unpacked(response, self._max_bytes) if is_packed else response.aiter_stream():
            body += piece
            if len(body) > self._max_bytes:
                raise AnswerTooLargeError
        return bytes(body)

    def _pool(self, url: str) -> httpcore2.AsyncConnectionPool:
        proxy = self._route.proxy(url)
        pool = self._pools.get(proxy)
        if pool is None:
            pool = self._pools[proxy] = httpcore2.AsyncConnectionPool(
                ssl_context=self._route.tls,
                proxy=None if proxy is None else _proxy(proxy),
                max_connections=MAX_CONNECTIONS,
                keepalive_expiry=KEEP_S,
                network_backend=None
                if self._route.source_address is None
                else _From(self._route.source_address),
            )
        return pool


class _From(httpcore2.AnyIOBackend):
    """Connects from one address, to proxies too."""

    def __init__(self, source_address: str) -> None:
        self._source_address = source_address

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore2 names it
        local_address: str | None = None,
        socket_options: object = None,
    ) -> httpcore2.AsyncNetworkStream:
        return await super().connect_tcp(host, port, timeout, local_address or self._source_address)


def _network_fault(error: Exception) -> str:
    cause: BaseException | None = error
    while cause is not None:  # the library raises its own errors in between, some of them "from None"
        if isinstance(cause, ssl.SSLError):
            return tls_fault(cause)
        cause = cause.__cause__ or cause.__context__
    found = root(error)
    return f"{type(error).__name__}: {error}" if found is None else os_reason(found)


def _proxy(url: str) -> httpcore2.Proxy:
    parts = urlsplit(url)
    place = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    if parts.username is None:
        return httpcore2.Proxy(place)
    return httpcore2.Proxy(place, auth=(unquote(parts.username), unquote(parts.password or "")))


async def _unpacked(response: httpcore2.Response, max_bytes: int) -> AsyncIterator[bytes]:
    """Yield the content of a gzip answer. Raises AnswerTooLargeError, ValueError, zlib.error.

    A few bytes may stand for gigabytes, and any number of bytes for none: both are bounded. The event loop
    has its turn after each step.
    """
    unpacker = zlib.decompressobj(GZIP)
    received = 0
    async for piece in response.aiter_stream():
        received += len(piece)
        if received > max_bytes:
            raise AnswerTooLargeError
        if unpacker.eof:
            raise ValueError("bytes after the answer")
        rest = piece
        while rest and not unpacker.eof:
            yield unpacker.decompress(rest, UNPACKED_STEP_BYTES)
            rest = unpacker.unconsumed_tail
            await asyncio.sleep(0)
    if not unpacker.eof or unpacker.unused_data:
        raise ValueError("the answer was cut, or goes on after its end")
