"""Which WebSocket path is what, and in which encoding: decided once for both wires."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, TypeAlias

import msgspec

from floorwire.app import Gateway
from floorwire.core.codes import CloseCode
from floorwire.hub.admission import Verdict
from floorwire.hub.peer import Peer
from floorwire.protocol.codec import JSON, offered
from floorwire.web.echo import Echo
from floorwire.web.turnaway import Turnaway

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
    """Upgrade, with this peer at our end; ``outcome`` is what the handshake counts as."""

    peer: Peer
    subprotocol: str | None = None
    outcome: str = "accepted"


class RefusedUpgrade(msgspec.Struct, frozen=True):
    """Answer with an HTTP status instead."""

    status: int
    outcome: str
    retry_after_s: int = 0


def route(gateway: Gateway, asked: Route, verdict: Verdict) -> AcceptedUpgrade | RefusedUpgrade:
    """Return what becomes of a handshake on a connection with this verdict."""
    refused = _refused(gateway, asked, verdict)
    if refused is not None:
        return refused
    if verdict is Verdict.TOO_MANY:
        turnaway = Turnaway(CloseCode.TOO_MANY_CONNECTIONS, gateway.stats)
        return AcceptedUpgrade(turnaway, outcome="too_many")
    if asked.path == ECHO:
        return AcceptedUpgrade(Echo())
    codec = offered(asked.subprotocols)
    peer = gateway.connection(codec or JSON, DEFAULT_CHANNELS[asked.path], gateway.gate.anonymous)
    return AcceptedUpgrade(peer, codec.subprotocol if codec else None)


def _refused(gateway: Gateway, asked: Route, verdict: Verdict) -> RefusedUpgrade | None:
    if verdict is Verdict.TOO_FAST or verdict is Verdict.DROPPED:
        return RefusedUpgrade(503, verdict.name.lower(), retry_after_s=1)
    if asked.method != b"GET":
        return RefusedUpgrade(405, "not_get")
    if gateway.is_draining:
        return RefusedUpgrade(503, "draining", retry_after_s=1)
    if asked.path not in DEFAULT_CHANNELS and not (asked.path == ECHO and gateway.settings.echo):
        return RefusedUpgrade(404, "not_found")
    return None
