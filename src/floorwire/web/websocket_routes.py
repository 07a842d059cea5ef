"""Which WebSocket path is what, and in which encoding: decided once for both wires."""

from __future__ import annotations

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
from floorwire.web.http_status import STATUS
from floorwire.web.rejecting_peer import RejectingPeer
from floorwire.web.upgrade_request import UpgradeRequest

DEFAULT_CHANNELS: Final[dict[str, str | None]] = {"/ws": None, "/ws/ticker": "ticker"}
ECHO: Final = "/ws/echo"
TICKET_CODES: Final = {Code.RATE_LIMITED: CloseCode.RATE}


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


def route(
    gateway: Gateway, asked: UpgradeRequest, verdict: AdmissionVerdict, address: str, *, at_home: bool
) -> AcceptedUpgrade | RefusedUpgrade:
    """Return what becomes of a handshake, from this client address, on a connection with this verdict.

    ``at_home``: only this machine could have made the connection.
    """
    refused = _refused(gateway, asked, verdict)
    if refused is not None:
        return refused
    if verdict is AdmissionVerdict.TOO_MANY:
        return _turn_away(gateway, CloseCode.TOO_MANY_CONNECTIONS, "too_many")
    if asked.path == ECHO:
        return AcceptedUpgrade(EchoPeer())
    try:
        principal = _principal(gateway.authenticator, asked, address) or gateway.authenticator.anonymous(
            at_home=at_home
        )
    except Refusal as refusal:
        return _not_signed_in(gateway, asked, refusal)
    if not gateway.authenticator.has_room(principal):
        return _turn_away(gateway, CloseCode.TOO_MANY_CONNECTIONS, "too_many_of_key")
    codec = offered(list(asked.subprotocols))
    peer = gateway.connection(codec or JSON, DEFAULT_CHANNELS[asked.path], principal)
    return AcceptedUpgrade(peer, codec.subprotocol if codec else None)


def _principal(authenticator: Authenticator, asked: UpgradeRequest, address: str) -> Principal | None:
    if asked.bearer is not None:
        return authenticator.bearer(asked.bearer, address)
    if asked.ticket is not None:
        return authenticator.ticket(asked.ticket, address)
    return None


def _not_signed_in(
    gateway: Gateway, asked: UpgradeRequest, refusal: Refusal
) -> AcceptedUpgrade | RefusedUpgrade:
    if asked.bearer is None:  # with a ticket: a browser, which shows its page no HTTP status
        code = TICKET_CODES.get(refusal.code, CloseCode.BAD_CREDENTIALS)
        return _turn_away(gateway, code, refusal.code)
    return RefusedUpgrade(STATUS[refusal.code], refusal.code, -(-refusal.wait_us // 1_000_000))


def _turn_away(gateway: Gateway, code: CloseCode, outcome: str) -> AcceptedUpgrade:
    return AcceptedUpgrade(RejectingPeer(code, gateway.stats), outcome=outcome)


def _refused(gateway: Gateway, asked: UpgradeRequest, verdict: AdmissionVerdict) -> RefusedUpgrade | None:
    if verdict is AdmissionVerdict.TOO_FAST or verdict is AdmissionVerdict.DROPPED:
        return RefusedUpgrade(503, verdict.name.lower(), retry_after_s=1)
    if asked.method != b"GET":
        return RefusedUpgrade(405, "not_get")
    if gateway.is_draining:
        return RefusedUpgrade(503, "draining", retry_after_s=1)
    if asked.path not in DEFAULT_CHANNELS and not (asked.path == ECHO and gateway.settings.echo):
        return RefusedUpgrade(404, "not_found")
    if not gateway.origin_policy.allows(asked.origin, asked.host):
        return RefusedUpgrade(403, "origin_not_allowed")
    return None
