"""Signatures of Kraken's REST API. The WebSocket has none: a token of REST opens it.

Source: the API guide of Kraken, "Spot REST / Authentication".
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

from floorwire.core.order_ports import OrderSettings
from floorwire.core.ports import Fetch
from floorwire.venues.common.request_sequences import HttpRequest

REST_URL = "https://api.kraken.com"
WS_URL = "wss://ws-auth.kraken.com"
PRIVATE_PATH = "/v2"
FORM = ("Content-Type", "application/x-www-form-urlencoded")


class Signer:
    """Signs for one account. Nonces rise, whatever the clock does: Kraken refuses one that does not.

    One key must not be used by two processes: they would take each other's nonces.
    """

    def __init__(self, settings: OrderSettings) -> None:
        """Raises ValueError if the secret is not base64, as those of Kraken are."""
        self.ws_url = (settings.ws_url or WS_URL).rstrip("/") + PRIVATE_PATH
        self._rest_url = (settings.rest_url or REST_URL).rstrip("/")
        self._key = settings.credentials.key
        try:
            self._secret = base64.b64decode(settings.credentials.secret.reveal(), validate=True)
        except binascii.Error:
            raise ValueError("a secret of Kraken is base64") from None
        self._nonce = 0

    def fetch(self, number: int, request: HttpRequest, date_us: int) -> Fetch:
        """Return the request to send: a GET of what is public, else a signed form."""
        if not request.is_signed:
            target = f"{request.path}?{request.query}" if request.query else request.path
            return Fetch(number, self._rest_url + target)
        self._nonce = max(self._nonce + 1, date_us)
        nonce = str(self._nonce)
        form = f"nonce={nonce}" + (f"&{request.query}" if request.query else "")
        headers = (("API-Key", self._key), ("API-Sign", self.sign(request.path, nonce, form)), FORM)
        return Fetch(number, self._rest_url + request.path, "POST", headers, form.encode())

    def sign(self, path: str, nonce: str, form: str) -> str:
        """Return base64 of HMAC-SHA512(secret, path + SHA256(nonce + form))."""
        digest = hashlib.sha256(f"{nonce}{form}".encode()).digest()
        return base64.b64encode(hmac.digest(self._secret, path.encode() + digest, hashlib.sha512)).decode()
