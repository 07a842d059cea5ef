"""The Python SDK for commands: it connects to the chosen server, and its errors become sentences."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Final

from floorwire.cli.address import SCHEMES, AddressError, check_private, split
from floorwire.cli.chosen_server import ChosenServer
from floorwire.cli.command_error import CommandError
from floorwire.cli.exit_codes import ExitCode
from floorwire.client.address import Address
from floorwire.client.client import Client
from floorwire.client.errors import ClientError, ClosedForGoodError, RequestRefusedError, UnreachableError
from floorwire.client.reconnection import is_close_for_good
from floorwire.client.transport import HandshakeRefusedError, Link, Receiver
from floorwire.client.websocket_transport import WebSocketTransport
from floorwire.core.codes import Code
from floorwire.core.printable import printable
from floorwire.protocol.client_codec import ClientCodec

WRONG_KEY: Final = frozenset({401, 403, 429})
NEEDS_KEY: Final = frozenset({Code.UNAUTHENTICATED, Code.FORBIDDEN, Code.BAD_SIGNATURE})
CONNECT_S: Final = 10.0
CA_HINT: Final = "; signed by itself, or by an authority of your own? Then name that: --ca cert.pem"


class FirstTryTransport(WebSocketTransport):
    """Tells why the first connection was not made: a command ends then, and does not try again."""

    def __init__(self, ca_file: str | None) -> None:
        super().__init__(ca_file)
        self.refused: asyncio.Future[HandshakeRefusedError] = asyncio.get_running_loop().create_future()

    async def connect(
        self, address: Address, headers: Mapping[str, str], codec: ClientCodec, receiver: Receiver
    ) -> Link:
        """Open a connection. Raises HandshakeRefusedError."""
        try:
            return await super().connect(address, headers, codec, receiver)
        except HandshakeRefusedError as error:
            if not self.refused.done():
                self.refused.set_result(error)
            raise


@asynccontextmanager
async def connected(
    server: ChosenServer, key: str | None, cancel_on_disconnect_s: float | None = None
) -> AsyncIterator[Client]:
    """Yield a client with an open connection. Raises CommandError where the first try fails."""
    transport = FirstTryTransport(server.ca_path())
    client = _client(server, key, transport, cancel_on_disconnect_s)
    url = Address.parse(server.url).socket_url
    async with client:
        opened = asyncio.ensure_future(client.connected())
        try:
            async with asyncio.timeout(CONNECT_S):
                await asyncio.wait((opened, transport.refused), return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError:
            raise CommandError(
                f"{url}: what answers there does not speak as Floorwire does", ExitCode.UNREACHED
            ) from None
        finally:
            opened.cancel()
        if transport.refused.done():
            raise refusal(url, transport.refused.result())
        yield client


@asynccontextmanager
async def over_http(server: ChosenServer, key: str | None) -> AsyncIterator[Client]:
    """Yield a client for ``rest`` alone: it opens no WebSocket."""
    client = _client(server, key, WebSocketTransport(server.ca_path()))
    try:
        yield client
    finally:
        await client.aclose()


def _client(
    server: ChosenServer,
    key: str | None,
    transport: WebSocketTransport,
    cancel_on_disconnect_s: float | None = None,
) -> Client:
    if server.ca is not None:
        server.tls()  # says what is wrong with the file
    try:
        parts = split(server.url, SCHEMES)
        if key is not None:
            check_private(parts)
        return Client(
            server.url,
            key=key,
            encoding="json",
            cancel_on_disconnect_s=cancel_on_disconnect_s,
            wait_s=None,
            transport=transport,
        )
    except AddressError as error:
        raise CommandError(str(error), ExitCode.UNUSABLE) from None


def refusal(url: str, error: HandshakeRefusedError) -> CommandError:
    """Return what to say where there is no connection."""
    why = printable(error.reason)
    if error.status in WRONG_KEY:
        return CommandError(f"{url}: {why} ({error.status})", ExitCode.NOT_ALLOWED)
    if error.status:
        return CommandError(f"{url}: {why} (HTTP {error.status})", ExitCode.UNREACHED)
    return CommandError(_unreached(url, why), ExitCode.UNREACHED)


def _unreached(url: str, why: str) -> str:
    if "certificate" in why.lower():
        return f"{url}: {why}{CA_HINT}"
    return f"{url} cannot be reached: {why}. Is the server running at this address?"


@contextmanager
def sdk_errors(url: str) -> Iterator[None]:
    """Turn errors of the SDK into CommandError."""
    try:
        yield
    except ClientError as error:
        raise command_error(url, error) from None


def command_error(url: str, error: ClientError) -> CommandError:
    """Return the sentence and the exit code for an error of the SDK."""
    said = printable(str(error))
    match error:
        case RequestRefusedError(code=Code.UNKNOWN_ACTION):
            return CommandError(f"{url}: {said}; is the address right?", ExitCode.UNREACHED)
        case RequestRefusedError():
            is_key = error.code in NEEDS_KEY
            return CommandError(said, ExitCode.NOT_ALLOWED if is_key else ExitCode.FAILED)
        case ClosedForGoodError() if is_close_for_good(error.code):
            why = printable(error.reason) or error.code
            return CommandError(f"the server closed for good: {why}", ExitCode.NOT_ALLOWED)
        case ClosedForGoodError():
            return refusal(url, HandshakeRefusedError(error.code, error.reason))
        case UnreachableError():
            return CommandError(_unreached(url, printable(error.reason)), ExitCode.UNREACHED)
        case _:
            return CommandError(f"{url}: {said}", ExitCode.UNREACHED)
