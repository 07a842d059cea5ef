"""Turns of HTTP requests: all connections together begin a bounded number in one turn of the event loop.

One request takes a third of a millisecond. So fifty connections that each send one after the other would hold
the loop for twenty milliseconds at a time.
"""

from __future__ import annotations

from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from floorwire.auth.client_address import network_of
from floorwire.hub.turn_queue import TurnQueue

REQUEST_US: Final = 350
"""Price of a request: routing, sign-in, the answer."""


class RequestTurns:
    """Lets a request wait for its address's turn, unless this turn of the loop has room for it.

    What waits is bounded by the connections: each has one request at a time.
    """

    def __init__(self, app: ASGIApp, turns: TurnQueue) -> None:
        self._app = app
        self._turns = turns

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run one request, now or in its turn. WebSockets pass unchanged."""
        if scope["type"] == "http" and not self._turns.admits(REQUEST_US):
            client = scope.get("client")
            await self._turns.wait(network_of(str(client[0])) if client else "local", REQUEST_US)
        await self._app(scope, receive, send)
