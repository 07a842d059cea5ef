"""What a client raises."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import UNSET

from floorwire.core.refusal import Detail
from floorwire.protocol.replies import Error, Fate, OrderError


class ClientError(Exception):
    """Whatever the client raises about the server or the connection."""


class RequestRefusedError(ClientError):
    """The server refused a request. ``code`` is one of docs/protocol.md."""

    def __init__(self, error: Error) -> None:
        super().__init__(f"{error.code}: {error.message}")
        self.error = error
        self.code = error.code
        self.retry = error.retry
        """Whether the same request may work later."""
        self.retry_after_ms = 0 if error.retry_after_ms is UNSET else error.retry_after_ms
        self.order: Fate | None = error.order if isinstance(error, OrderError) else None
        """Of a request about an order: ``rejected``, or ``unknown`` where it may have been done."""
        self.details: Mapping[str, Detail] = {} if error.details is UNSET else error.details


class OrderRejectedError(RequestRefusedError):
    """It is certain that the order does not exist, or that the amend or the cancel was not done."""


class ClosedForGoodError(ClientError):
    """A new connection cannot help: wrong address, wrong key, or the server said so.

    ``code``: the close code (4500 to 4999), or the HTTP status of the refused handshake.
    """

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{code}: {reason}" if reason else str(code))
        self.code = code
        self.reason = reason


class SlowReaderError(ClientError):
    """A stream with ``on_slow="end"`` was read too slowly. What waited was delivered before this."""


class ClientClosedError(ClientError):
    """The client was closed, so there will be no answer."""


class UnreachableError(ClientError):
    """There is no connection, or an HTTP request got no answer, or one that is not Floorwire's."""

    def __init__(self, reason: str, url: str = "") -> None:
        super().__init__(f"{url}: {reason}" if url else reason)
        self.reason = reason
        """Without the address."""
