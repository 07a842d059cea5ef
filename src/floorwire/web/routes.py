"""Which WebSocket path is what, and in which encoding: decided once for both wires."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, TypeAlias

import msgspec

from floorwire.app import Gateway
from floorwire.hub.peer import Peer
from floorwire.protocol.codec import JSON, offered
from floorwire.web.echo import Echo

Headers: TypeAlias = Iterable[tuple[bytes, bytes]]

DEFAULT_CHANNELS: Final[dict[str, str | None]] = {"/ws": None, "/ws/ticker": "ticker"}
ECHO: Final = "/ws/echo"


class Route(msgspec.Struct, frozen=True):
    """What a handshake asks for."""

    method: bytes
    path: str
    subprotocols: list[str]

    @classmethod
    def of(cls, method: bytes, url: bytes, headers: Headers) -> Route:
        """Return the route of a request; header names are lower case."""
        path = url.partition(b"?")[0].decode("latin-1")
        asked = [value.decode("latin-1") for name, value in headers if name == b"sec-websocket-protocol"]
        return cls(method, path, [name.strip() for line in asked for name in line.split(",")])


class AcceptedUpgrade(msgspec.Struct, frozen=True):
    """Upgrade, with this peer at our end."""

    peer: Peer
    subprotocol: str | None


class RefusedUpgrade(msgspec.Struct, frozen=True):
    """Answer with an HTTP status instead."""

    status: int
    text: str
    retry_after_s: int | None = None


def route(gateway: Gateway, asked: Route) -> AcceptedUpgrade | RefusedUpgrade:
    """Return what becomes of a handshake."""
    if asked.method != b"GET":
        return RefusedUpgrade(405, "upgrade with GET")
    if gateway.is_draining:
        return RefusedUpgrade(503, "draining", retry_after_s=1)
    if asked.path == ECHO and gateway.settings.echo:
        return AcceptedUpgrade(Echo(), None)
    if asked.path not in DEFAULT_CHANNELS:
        return RefusedUpgrade(404, "not found")
    codec = offered(asked.subprotocols)
    peer = gateway.connection(codec or JSON, DEFAULT_CHANNELS[asked.path])
    return AcceptedUpgrade(peer, codec.subprotocol if codec else None)
