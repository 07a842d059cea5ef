"""Signatures of OKX: the headers of a REST request, and the login on a WebSocket.

Source: the API guide of OKX, "REST Authentication" and "WebSocket / Login".
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from urllib.parse import urlsplit

import msgspec

from floorwire.core.dates import rfc3339
from floorwire.core.order_ports import OrderSettings
from floorwire.core.ports import Fetch
from floorwire.venues.common.request_sequences import HttpRequest

REST_URL = "https://www.okx.com"
WS_URL = "wss://ws.okx.com:8443"
PRIVATE_PATH = "/ws/v5/private"
LOGIN_PATH = "/users/self/verify"
DEMO_HOSTS = "pap"
"""How the first label of a demo host ends: ``wspap.okx.com``, ``wseeapap.okx.com``."""


class Signer:
    """Signs for one account. Dates are the venue's own: OKX accepts 30 s of difference (50102)."""

    def __init__(self, settings: OrderSettings) -> None:
        credentials = settings.credentials
        self.ws_url = (settings.ws_url or WS_URL).rstrip("/") + PRIVATE_PATH
        self._rest_url = (settings.rest_url or REST_URL).rstrip("/")
        self._key = credentials.key
        self._secret = credentials.secret
        self._passphrase = credentials.passphrase
        host = urlsplit(self.ws_url).hostname or ""
        self.is_demo = host.partition(".")[0].endswith(DEMO_HOSTS)
        """Demo trading has the REST host of the real one, and a header."""

    def fetch(self, number: int, request: HttpRequest, date_us: int) -> Fetch:
        """Return the request to send."""
        target = f"{request.path}?{request.query}" if request.query else request.path
        headers: list[tuple[str, str]] = []
        if request.is_signed:
            stamp = rfc3339(date_us)
            text = f"{stamp}{request.method}{target}{request.body.decode()}"
            headers += [
                ("OK-ACCESS-KEY", self._key),
                ("OK-ACCESS-SIGN", self.sign(text)),
                ("OK-ACCESS-TIMESTAMP", stamp),
                ("OK-ACCESS-PASSPHRASE", self._passphrase_text()),
            ]
        if request.body:
            headers.append(("Content-Type", "application/json"))
        if self.is_demo:
            headers.append(("x-simulated-trading", "1"))
        return Fetch(number, self._rest_url + target, request.method, tuple(headers), request.body)

    def login(self, date_us: int) -> str:
        """Return the request to log in. Its timestamp is in whole seconds, unlike that of REST."""
        seconds = str(date_us // 1_000_000)
        argument = {
            "apiKey": self._key,
            "passphrase": self._passphrase_text(),
            "timestamp": seconds,
            "sign": self.sign(f"{seconds}GET{LOGIN_PATH}"),
        }
        return msgspec.json.encode({"op": "login", "args": [argument]}).decode()

    def sign(self, text: str) -> str:
        """Return the signature of a text: base64 of its HMAC-SHA256."""
        digest = hmac.digest(self._secret.reveal().encode(), text.encode(), hashlib.sha256)
        return base64.b64encode(digest).decode()

    def _passphrase_text(self) -> str:
        return "" if self._passphrase is None else self._passphrase.reveal()
