"""Routes of WebSocket handshakes: path, origin, sign-in and encoding, decided once for both wires."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from floorwire.access.admission import AdmissionVerdict
from floorwire.access.authenticator import Authenticator
from floorwire.app import Gateway
from floorwire.core.authorization import Principal
from floorwire.core.codes import CloseCode, Code
from floorwire.core.refusal import Refusal
from floorwire.hub.peer import Peer
from floorwire.protocol.codec import JSON, offered
from floorwire.web.echo_peer import EchoPeer
from floorwire.web.http_responses import STATUS
from floorwire.web.rejecting_peer import RejectingPeer
from floorwire.web.upgrade_request import UpgradeRequest

DEFAULT_CHANNELS: Final[dict[str, str | None]] = {"/ws": None, "/ws/ticker": "ticker"}
ECHO: Final = "/ws/echo"
UPGRADE_REQUIRED: Final = 426
UPGRADE_HEADERS: Final[Mapping[str, str]] = {
    "upgrade": "websocket",
    "sec-websocket-version": "13",
    "connection": "upgrade",
}
"""RFC 9110 15.5.22, RFC 6455 4.2.2."""
TICKET_CODES: Final = {Code.RATE_LIMITED: CloseCode.RATE}


class IncomingConnection(msgspec.Struct, frozen=True):
    """The connection that a handshake came on.

    ``peer``: who made it: the client, or a proxy. ``scheme``: https or wss over TLS, else http or ws.
    ``ours``: our own address that it came to. ``""``: the settings say where we listen.
    """

    peer: str
    scheme: str
    ours: str = ""


class AcceptedUpgrade(msgspec.Struct, frozen=True):
    """Upgrade, with this peer at our end. ``outcome``: the label of the handshakes metric."""

    peer: Peer
    subprotocol: str | None = None
    outcome: str = "accepted"


class RefusedUpgrade(msgspec.Struct, frozen=True):
    """Answer with an HTTP status instead."""

    status: int
    outcome: str
    retry_after_s: int = 0


BAD_QUERY: Final = RefusedUpgrade(400, "bad_query")
"""An unknown field is refused as everywhere: ``?tickets=`` would not sign in, and nobody would notice."""


def refusal_headers(refusal: RefusedUpgrade) -> dict[str, str]:
    """Return the headers that the answer to a refused handshake needs beside those of every answer."""
    headers = {"retry-after": str(refusal.retry_after_s)} if refusal.retry_after_s else {}
    if refusal.status == STATUS[Code.UNAUTHENTICATED]:
        headers["www-authenticate"] = "Bearer"
    if refusal.status == UPGRADE_REQUIRED:
        headers |= {**UPGRADE_HEADERS, "connection": "close, upgrade"}
    return headers


def route(
    gateway: Gateway,
    request: UpgradeRequest,
    verdict: AdmissionVerdict,
    address: str,
    connection: IncomingConnection,
) -> AcceptedUpgrade | RefusedUpgrade:
    """Decide about a handshake. ``address``: the client's; ``verdict``: the admission of its connection."""
    refused = _refused(gateway, request, verdict, connection)
    if refused is not None:
        return refused
    if verdict is AdmissionVerdict.TOO_MANY:
        return _reject(gateway, CloseCode.TOO_MANY_CONNECTIONS, "too_many")
    if request.path == ECHO:
        return BAD_QUERY if request.has_bad_query else AcceptedUpgrade(EchoPeer())
    try:
        principal = _principal(gateway.authenticator, request, address) or gateway.authenticator.anonymous(
            is_local=gateway.origin_policy.is_local_at(connection.ours) and not request.is_forwarded
        )
    except Refusal as refusal:
        return _not_signed_in(gateway, request, refusal)
    return _connect(gateway, request, principal)


def _connect(
    gateway: Gateway, request: UpgradeRequest, principal: Principal
) -> AcceptedUpgrade | RefusedUpgrade:
    if request.has_bad_query:  # after the sign-in: who is not signed in learns nothing of the request
        return BAD_QUERY
    if not gateway.authenticator.has_room(principal):
        return _reject(gateway, CloseCode.TOO_MANY_CONNECTIONS, "too_many_of_key")
    codec = offered(list(request.subprotocols))
    peer = gateway.connection(codec or JSON, DEFAULT_CHANNELS[request.path], principal)
    return AcceptedUpgrade(peer, codec.subprotocol if codec else None)


def _principal(authenticator: Authenticator, request: UpgradeRequest, address: str) -> Principal | None:
    if request.bearer is not None:
        return authenticator.verify_bearer(request.bearer, address)
    if request.ticket is not None:
        return authenticator.redeem_ticket(request.ticket, address)
    return None


def _not_signed_in(
    gateway: Gateway, request: UpgradeRequest, refusal: Refusal
) -> AcceptedUpgrade | RefusedUpgrade:
    if request.bearer is None:  # With a ticket it is a browser, which shows its page no HTTP status.
        code = TICKET_CODES.get(refusal.code, CloseCode.BAD_CREDENTIALS)
        return _reject(gateway, code, refusal.code)
    return RefusedUpgrade(STATUS[refusal.code], refusal.code, -(-refusal.wait_us // 1_000_000))


def _reject(gateway: Gateway, code: CloseCode, outcome: str) -> AcceptedUpgrade:
    return AcceptedUpgrade(RejectingPeer(code, gateway.stats), outcome=outcome)


def _refused(
    gateway: Gateway, request: UpgradeRequest, verdict: AdmissionVerdict, connection: IncomingConnection
) -> RefusedUpgrade | None:
    if verdict is AdmissionVerdict.TOO_FAST or verdict is AdmissionVerdict.DROPPED:
        return RefusedUpgrade(503, verdict.name.lower(), retry_after_s=1)
    if request.method != b"GET":
        return RefusedUpgrade(405, "not_get")
    if gateway.drain.has_begun:
        return RefusedUpgrade(503, "draining", retry_after_s=1)
    if request.path not in DEFAULT_CHANNELS and not (request.path == ECHO and gateway.settings.echo):
        return RefusedUpgrade(404, "not_found")
    return _refused_by_head(gateway, request, connection)


def _refused_by_head(
    gateway: Gateway, request: UpgradeRequest, connection: IncomingConnection
) -> RefusedUpgrade | None:
    origin_policy = gateway.origin_policy
    if request.repeated is not None:
        return RefusedUpgrade(400, "repeated_header")
    if not origin_policy.answers(request.host, connection.ours):
        return RefusedUpgrade(403, "host_not_allowed")
    scheme = origin_policy.scheme(connection.peer, connection.scheme, request.forwarded_proto)
    if not origin_policy.allows(request.origin, request.host, scheme):
        return RefusedUpgrade(403, "origin_not_allowed")
    return None
