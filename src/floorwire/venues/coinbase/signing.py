"""Tokens that sign requests to Coinbase: a JWT for each request, with a key of the developer platform.

Source: the guide of Coinbase, "Advanced Trade / Authentication", and RFC 7515. ECDSA signatures are the
deterministic ones of RFC 6979, so that nothing here needs a source of randomness.
"""

from __future__ import annotations

import base64
import binascii
from typing import TypeAlias
from urllib.parse import urlsplit

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from floorwire.core.order_ports import OrderSettings
from floorwire.core.ports import Fetch, Random
from floorwire.venues.coinbase.limits import TOKEN_S
from floorwire.venues.common.request_sequences import HttpRequest

REST_URL = "https://api.coinbase.com"
WS_URL = "wss://advanced-trade-ws-user.coinbase.com"
SEED_BYTES = 32
COORDINATE_BYTES = 32
PrivateKey: TypeAlias = EllipticCurvePrivateKey | Ed25519PrivateKey


class Signer:
    """Signs for one account. The secret is a P-256 key or an Ed25519 key."""

    def __init__(self, settings: OrderSettings, random: Random) -> None:
        """Raises ValueError if the secret is no such key."""
        self.ws_url = settings.ws_url or WS_URL
        self._rest_url = (settings.rest_url or REST_URL).rstrip("/")
        self._host = urlsplit(self._rest_url).netloc
        self._name = settings.credentials.key
        self._key = private_key(settings.credentials.secret.reveal())
        self._random = random

    def fetch(self, number: int, request: HttpRequest, date_us: int) -> Fetch:
        """Return the request to send. ``date_us``: the venue's time."""
        target = f"{request.path}?{request.query}" if request.query else request.path
        headers: list[tuple[str, str]] = []
        if request.is_signed:
            # Coinbase: without the query
            token = self.token(date_us, f"{request.method} {self._host}{request.path}")
            headers.append(("Authorization", f"Bearer {token}"))
        if request.body:
            headers.append(("Content-Type", "application/json"))
        return Fetch(number, self._rest_url + target, request.method, tuple(headers), request.body)

    def token(self, date_us: int, uri: str | None = None) -> str:
        """Return a token for one request; without ``uri`` for one message on a WebSocket."""
        algorithm = "EdDSA" if isinstance(self._key, Ed25519PrivateKey) else "ES256"
        nonce = f"{self._random.randrange(0, 1 << 128):032x}"
        header = {"alg": algorithm, "typ": "JWT", "kid": self._name, "nonce": nonce}
        now_s = date_us // 1_000_000
        claims: dict[str, object] = {"sub": self._name, "iss": "cdp", "nbf": now_s, "exp": now_s + TOKEN_S}
        if uri is not None:
            claims["uri"] = uri
        signed = b".".join(_base64url(msgspec.json.encode(part)) for part in (header, claims))
        return b".".join((signed, _base64url(_sign(self._key, signed)))).decode()


def private_key(secret: str) -> PrivateKey:
    """Return the key: of a PEM text, or of the base64 of an Ed25519 seed. Raises ValueError."""
    try:
        if "-----BEGIN" in secret:
            # the platform's JSON file writes line ends as two characters
            key = load_pem_private_key(secret.replace("\\n", "\n").encode(), None)
        else:
            raw = base64.b64decode(secret, validate=True)
            if len(raw) not in (SEED_BYTES, 2 * SEED_BYTES):  # the second half is the public key
                raise ValueError(len(raw))
            key = Ed25519PrivateKey.from_private_bytes(raw[:SEED_BYTES])
    except (ValueError, TypeError, UnsupportedAlgorithm, binascii.Error):
        raise ValueError("a secret of Coinbase is a PEM text, or base64 of an Ed25519 key") from None
    if isinstance(key, Ed25519PrivateKey):
        return key
    if isinstance(key, EllipticCurvePrivateKey) and isinstance(key.curve, SECP256R1):
        return key
    raise ValueError("Coinbase takes keys of P-256 and Ed25519 only")


def _sign(key: PrivateKey, data: bytes) -> bytes:
    if isinstance(key, Ed25519PrivateKey):
        return key.sign(data)
    r, s = decode_dss_signature(key.sign(data, ECDSA(SHA256(), deterministic_signing=True)))
    # RFC 7518 3.4: both numbers at their full length
    return r.to_bytes(COORDINATE_BYTES, "big") + s.to_bytes(COORDINATE_BYTES, "big")


def _base64url(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
