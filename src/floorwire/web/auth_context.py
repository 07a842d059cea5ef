"""The caller: who sends an HTTP request, found out once for every endpoint that asks."""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

import msgspec
from fastapi import Depends, Request
from fastapi.security import HTTPBearer

from floorwire.app import Gateway
from floorwire.auth.client_address import neighbourhood
from floorwire.core.authorization import Action, Principal, decide
from floorwire.core.codes import Code
from floorwire.core.refusal import Refusal
from floorwire.protocol.rate_limit import KeyedRateLimit
from floorwire.web.upgrade_request import bearer, own_address

SCHEME: Final = HTTPBearer(auto_error=False, description="KEY.SECRET, or a JWT")


class AuthContext(msgspec.Struct, frozen=True):
    """Who asks, from where, and what of."""

    gateway: Gateway
    principal: Principal
    address: str
    at_home: bool
    is_page: bool
    is_our_page_at_home: bool

    def require(self, action: Action, account: str | None = None) -> None:
        """Raise Refusal, and record it, where the caller may not do this."""
        refusal = decide(self.principal, action, self.gateway.clock.wall_us(), account=account)
        if refusal is not None:
            authenticator = self.gateway.authenticator
            authenticator.note_refusal(self.principal, action, refusal.code, refusal.message, self.address)
            raise refusal


async def find(request: Request) -> AuthContext:
    """Return who asks. Raises Refusal for a page that may not, wrong credentials, and too many requests."""
    gateway: Gateway = request.app.state.gateway
    rates: KeyedRateLimit = request.app.state.rates
    headers, origin_policy = request.headers, gateway.origin_policy
    peer = request.client.host if request.client else "local"
    address = origin_policy.client(peer, headers.getlist("x-forwarded-for"))
    origin, host = headers.get("origin"), headers.get("host")
    if not origin_policy.allows(origin, host):
        raise Refusal(
            Code.FORBIDDEN, "pages of this origin may not; see doors.origins", {"origin": origin or ""}
        )
    shown = bearer(headers.getlist("authorization"))
    at_home = origin_policy.is_home_at(own_address(request.scope))
    if shown is None:
        principal = gateway.authenticator.anonymous(at_home=at_home)
    else:
        principal = gateway.authenticator.request(shown, address)
    subject, now_us = principal.key or neighbourhood(address), gateway.clock.monotonic_us()
    if not rates.allow(subject, now_us):
        raise Refusal(Code.RATE_LIMITED, "too many requests", wait_us=max(1, rates.wait_us(subject, now_us)))
    is_our_page = at_home and origin_policy.is_our_page_at_home(peer, origin, host)
    return AuthContext(gateway, principal, address, at_home, origin is not None, is_our_page)


Asking: TypeAlias = Annotated[AuthContext, Depends(find)]
SHOWN: Final = Depends(SCHEME)
"""Of a router: says in its OpenAPI how to sign in, and does nothing else."""
