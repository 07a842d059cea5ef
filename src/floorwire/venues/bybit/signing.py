"""Signatures of Bybit: the headers of a REST request, and the sign-in on a WebSocket.

Source: the API guide of Bybit, version 5, "Integration Guidance" and "Connect / Authentication".
"""

from __future__ import annotations

import msgspec

from floorwire.core.order_ports import OrderSettings
from floorwire.core.ports import Fetch
from floorwire.venues.bybit import limits
from floorwire.venues.common.request_sequences import HttpRequest
from floorwire.venues.common.secret_signer import signer

REST_URL = "https://api.bybit.com"
WS_URL = "wss://stream.bybit.com"
PRIVATE_PATH = "/v5/private"
TRADE_PATH = "/v5/trade"
DEMO = "-demo."
"""In the names of demo hosts. Demo trading has no WebSocket for orders."""
EXPIRES_MS = 8_000
"""Bybit: the time in a sign-in lies ahead of its own time."""


class Signer:
    """Signs for one account. Dates are Bybit's own: it accepts a second ahead, and ``recvWindow`` behind."""

    def __init__(self, settings: OrderSettings) -> None:
        """Raises ValueError where the secret is none that Bybit has."""
        base = (settings.ws_url or WS_URL).rstrip("/")
        self.private_url = base + PRIVATE_PATH
        self.trade_url = None if DEMO in base else base + TRADE_PATH
        """None: orders go by REST."""
        self._rest_url = (settings.rest_url or REST_URL).rstrip("/")
        self._key = settings.credentials.key
        self._signer = signer(settings.credentials.secret, takes_ed25519=False)

    def fetch(self, number: int, request: HttpRequest, date_us: int) -> Fetch:
        """Return the request to send. What is signed is what goes out, byte for byte."""
        target = f"{request.path}?{request.query}" if request.query else request.path
        headers: list[tuple[str, str]] = []
        if request.is_signed:
            stamp, window = str(date_us // 1_000), str(window_ms(request.budget))
            payload = request.body if request.method == "POST" else request.query.encode()
            headers += [
                ("X-BAPI-API-KEY", self._key),
                ("X-BAPI-TIMESTAMP", stamp),
                ("X-BAPI-RECV-WINDOW", window),
                ("X-BAPI-SIGN", self._signer.sign(f"{stamp}{self._key}{window}".encode() + payload)),
            ]
        if request.body:
            headers.append(("Content-Type", "application/json"))
        return Fetch(number, self._rest_url + target, request.method, tuple(headers), request.body)

    def sign_in(self, date_us: int) -> str:
        """Return the request to sign in on a WebSocket."""
        expires_ms = date_us // 1_000 + EXPIRES_MS
        signature = self._signer.sign(f"GET/realtime{expires_ms}".encode())
        return msgspec.json.encode({"op": "auth", "args": [self._key, expires_ms, signature]}).decode()


def window_ms(budget: str) -> int:
    """Return for how long a request of this kind is valid."""
    return limits.ORDER_WINDOW_MS if budget in ("place", "amend") else limits.WINDOW_MS
