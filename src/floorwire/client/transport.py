"""The port of transports: what carries messages and HTTP requests to one gateway."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import msgspec

from floorwire.client.address import Address
from floorwire.protocol.client_codec import ClientCodec


class HandshakeRefusedError(Exception):
    """There is no connection. ``status``: the HTTP status of the answer; 0: there was none."""

    def __init__(self, status: int, reason: str, retry_after: str | None = None) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.retry_after = retry_after


class HttpAnswer(msgspec.Struct, frozen=True):
    """An answer of the HTTP API. Status 0: there was none, and ``body`` says why."""

    status: int
    body: bytes


class Receiver(Protocol):
    """Gets what comes on one connection, in order."""

    def on_message(self, data: bytes) -> None:
        """Take one message."""
        ...

    def on_closed(self, code: int, reason: str) -> None:
        """Take the end of the connection: its close code, or 1006. Nothing comes after it."""
        ...


class Link(Protocol):
    """One connection that is open. After ``close`` or ``abort`` its receiver gets nothing more."""

    def send(self, data: bytes) -> None:
        """Send a message. Does nothing when the connection has ended."""
        ...

    def close(self) -> None:
        """Close it in order."""
        ...

    def abort(self) -> None:
        """End it at once."""
        ...


class Transport(Protocol):
    """Carries messages and requests to one gateway."""

    async def connect(
        self, address: Address, headers: Mapping[str, str], codec: ClientCodec, receiver: Receiver
    ) -> Link:
        """Open a connection. Raises HandshakeRefusedError."""
        ...

    async def request(self, url: str, headers: Mapping[str, str], timeout_s: float) -> HttpAnswer:
        """Return the answer to a GET request."""
        ...

    async def aclose(self) -> None:
        """Release what is kept between requests."""
        ...
