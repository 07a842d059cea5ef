"""The parts of a WebSocket handshake's head that we use, parsed once for both wires."""

from __future__ import annotations

from urllib.parse import parse_qsl

import msgspec
from starlette.types import Scope

from floorwire.auth.client_address import is_forwarded
from floorwire.web.request_head import Headers, repeated


class UpgradeRequest(msgspec.Struct, frozen=True):
    """The parsed head of a handshake.

    ``bearer``: the text after ``Bearer`` in the Authorization header; ``""`` if the header is something else.
    """

    method: bytes
    path: str
    subprotocols: tuple[str, ...] = ()
    ticket: str | None = None
    has_bad_query: bool = False
    """Whether the query has another field than ``ticket``, or has it twice."""
    bearer: str | None = None
    origin: str | None = None
    host: str | None = None
    forwarded_for: tuple[str, ...] = ()
    forwarded_proto: tuple[str, ...] = ()
    is_forwarded: bool = False
    """A proxy passed the request on."""
    repeated: str | None = None
    """A header that came twice and may come once."""

    @classmethod
    def of(cls, method: bytes, url: bytes, headers: Headers) -> UpgradeRequest:
        """Parse the head of a request. Header names are in lower case."""
        path, _, query = url.decode("latin-1").partition("?")
        values: dict[bytes, list[str]] = {}
        for name, value in headers:
            values.setdefault(name, []).append(value.decode("latin-1"))
        ticket, has_bad_query = _ticket(query) if query else (None, False)
        protocols = ",".join(values.get(b"sec-websocket-protocol", ()))
        return cls(
            method,
            path,
            tuple(name.strip() for name in protocols.split(",")) if protocols else (),
            ticket,
            has_bad_query,
            bearer(values.get(b"authorization")),
            _only(values.get(b"origin")),
            _only(values.get(b"host")),
            tuple(values.get(b"x-forwarded-for", ())),
            tuple(values.get(b"x-forwarded-proto", ())),
            is_forwarded(values),
            repeated(headers),
        )


def bearer(values: list[str] | None) -> str | None:
    """Return the text after ``Bearer`` in the Authorization headers. None: there is no such header."""
    if not values:
        return None
    scheme, _, text = values[0].partition(" ")
    return text.strip() if scheme.lower() == "bearer" and len(values) == 1 else ""


def own_address(scope: Scope) -> str:
    """Return our own address that an ASGI connection came to. ``""``: it is not known."""
    server = scope.get("server")
    return str(server[0]) if server else ""


def _only(values: list[str] | None) -> str | None:
    """Return the only value of a header. A header that is given twice is not trusted: ``""``."""
    return None if not values else values[0] if len(values) == 1 else ""


def _ticket(query: str) -> tuple[str | None, bool]:
    """Return the ticket, and whether the query has anything else."""
    try:
        fields = parse_qsl(query, keep_blank_values=True, strict_parsing=True, max_num_fields=1)
    except ValueError:
        return None, True
    [(name, ticket)] = fields
    return (ticket, False) if name == "ticket" else (None, True)
