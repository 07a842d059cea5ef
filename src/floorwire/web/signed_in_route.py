"""The routes of endpoints that need a key. Who has none learns nothing about the request itself.

FastAPI reads the body and the path before an endpoint's own checks. Without this class a stranger would be
told that a body is malformed, and only then that a key is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Final, TypeAlias

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from floorwire.core.codes import Code
from floorwire.core.refusal import Refusal
from floorwire.web.auth_context import authenticate
from floorwire.web.http_responses import STATUS

Handler: TypeAlias = Callable[[Request], Coroutine[None, None, Response]]
BAD: Final = 400


class SignedInRoute(APIRoute):
    """A route that answers 401 in place of 400 to whoever is not signed in."""

    def get_route_handler(self) -> Handler:
        """Return the handler of the route's requests."""
        handle = super().get_route_handler()

        async def handle_signed_in(request: Request) -> Response:
            try:
                return await handle(request)
            except (Refusal, RequestValidationError, HTTPException) as failure:
                if _is_about_request(failure):
                    await _require_key(request)
                raise

        return handle_signed_in


def _is_about_request(failure: Exception) -> bool:
    if isinstance(failure, Refusal):
        return STATUS.get(failure.code) == BAD
    return not isinstance(failure, HTTPException) or failure.status_code == BAD


async def _require_key(request: Request) -> None:
    """Raise Refusal, and record it, if the request shows no key that signs in."""
    auth = await authenticate(request)
    if auth.principal.key:
        return
    message = "give a key in the Authorization header"
    action = f"{request.method} {request.url.path}"
    auth.gateway.authenticator.record_refusal(
        auth.principal, action, Code.UNAUTHENTICATED, message, auth.address
    )
    raise Refusal(Code.UNAUTHENTICATED, message) from None
