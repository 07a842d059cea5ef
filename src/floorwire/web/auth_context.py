"""Who sends an HTTP request, and what it may do: decided once for every endpoint."""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

import msgspec
from fastapi import Depends, Request
from fastapi.security import HTTPBearer

from floorwire.app import Gateway
from floorwire.auth.client_address import is_forwarded, network_of
from floorwire.core.authorization import Action, Principal, decide
from floorwire.core.codes import Code
from floorwire.core.refusal import Refusal
from floorwire.protocol.rate_limit import KeyedRateLimit
from floorwire.web.upgrade_request import bearer, own_address

BEARER: Final = HTTPBearer(auto_error=False, description="KEY.SECRET, or a JWT")
CONTEXT: Final = "floorwire.auth"
"""Where an ASGI scope keeps the request's AuthContext."""


class AuthContext(msgspec.Struct, frozen=True):
    """The principal, address and origin of one HTTP request."""

    gateway: Gateway
    principal: Principal
    address: str
    is_local: bool
    """Only this machine could have made the connection."""
    is_page: bool
    """A browser's page sent the request: it has an Origin header."""
    is_forwarded: bool
    """A proxy passed the request on."""
    is_local_page: bool
    """Our own page, opened on this machine, sent the request."""

    def require(self, action: Action, account: str | None = None) -> None:
        """Raise Refusal, and record it in the audit log, if the principal may not do this."""
        wall_us = self.gateway.clock.wall_us()
        self.require_none(action, decide(self.principal, action, wall_us, account=account))

    def require_none(self, action: str, refusal: Refusal | None) -> None:
        """Raise the refusal of this action, and record it in the audit log. None: nothing happens."""
        if refusal is not None:
            authenticator = self.gateway.authenticator
            authenticator.record_refusal(self.principal, action, refusal.code, refusal.message, self.address)
            raise refusal


async def authenticate(request: Request) -> AuthContext:
    """Return the request's AuthContext. It is made once: asked again, it costs nothing.

    Raises Refusal for an origin that is not allowed, wrong credentials, and the rate limit of requests.
    """
    known = request.scope.get(CONTEXT)
    if isinstance(known, AuthContext):
        return known
    gateway: Gateway = request.app.state.gateway
    rates: KeyedRateLimit = request.app.state.rates
    headers, origin_policy = request.headers, gateway.origin_policy
    peer = request.client.host if request.client else "local"
    address = origin_policy.client(peer, headers.getlist("x-forwarded-for"))
    origin, host = headers.get("origin"), headers.get("host")
    scheme = origin_policy.scheme(peer, request.scope["scheme"], headers.getlist("x-forwarded-proto"))
    if not origin_policy.allows(origin, host, scheme):
        raise Refusal(
            Code.FORBIDDEN, "pages of this origin may not; see doors.origins", {"origin": origin or ""}
        )
    shown = bearer(headers.getlist("authorization"))
    forwarded = is_forwarded(name for name, _ in headers.raw)
    is_local = origin_policy.is_local_at(own_address(request.scope)) and not forwarded
    if shown is None:
        principal = gateway.authenticator.anonymous(is_local=is_local)
    else:
        await gateway.authenticator.wait_for_key(shown, address)
        principal = gateway.authenticator.verify_request(shown, address)
    subject, now_us = principal.key or network_of(address), gateway.clock.monotonic_us()
    if not rates.allow(subject, now_us):
        raise Refusal(Code.RATE_LIMITED, "too many requests", wait_us=max(1, rates.wait_us(subject, now_us)))
    is_our_page = is_local and origin_policy.is_local_page(peer, origin, host, scheme)
    context = AuthContext(gateway, principal, address, is_local, origin is not None, forwarded, is_our_page)
    request.scope[CONTEXT] = context
    return context


RequestAuth: TypeAlias = Annotated[AuthContext, Depends(authenticate)]
AUTH_SCHEME: Final = Depends(BEARER)
"""A router's dependency. It documents in OpenAPI how to sign in, and does nothing else."""
