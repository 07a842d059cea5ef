"""Signatures of Binance: HMAC-SHA256, RSA and Ed25519.

Source: github.com/binance/binance-spot-api-docs, rest-api.md and web-socket-api.md, "SIGNED request".
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Mapping
from typing import Protocol, TypeAlias
from urllib.parse import quote

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from floorwire.core.credentials import Secret

Params: TypeAlias = Mapping[str, str | int | bool]
PEM = "-----BEGIN"


class Signer(Protocol):
    """Signs what a request says. A secret is in it, and nowhere else."""

    def sign(self, payload: bytes) -> str:
        """Return the signature as Binance wants it."""
        ...


class HmacSigner:
    """Signs with a secret key that Binance gave."""

    def __init__(self, secret: Secret) -> None:
        self._secret = secret

    def sign(self, payload: bytes) -> str:
        """Return the signature in hexadecimal digits."""
        return hmac.new(self._secret.reveal().encode(), payload, "sha256").hexdigest()


class PrivateKeySigner:
    """Signs with a private key, whose public key Binance was given."""

    def __init__(self, key: Ed25519PrivateKey | RSAPrivateKey) -> None:
        self._key = key

    def sign(self, payload: bytes) -> str:
        """Return the signature in base64."""
        if isinstance(self._key, RSAPrivateKey):
            return b64encode(self._key.sign(payload, PKCS1v15(), SHA256())).decode()
        return b64encode(self._key.sign(payload)).decode()


def signer(secret: Secret) -> Signer:
    """Return what signs with this secret: a private key in PEM form, or else a secret key.

    Raises ValueError, which does not quote the secret.
    """
    text = secret.reveal()
    if not text.startswith(PEM):
        return HmacSigner(secret)
    try:
        key = load_pem_private_key(text.encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError("the secret is no private key that can be read without a password") from None
    if isinstance(key, Ed25519PrivateKey | RSAPrivateKey):
        return PrivateKeySigner(key)
    raise ValueError("the secret is a private key, but neither of Ed25519 nor of RSA")


def signed(params: Params, signing: Signer) -> dict[str, str | int | bool]:
    """Return the parameters of a request of the WebSocket API, with its signature."""
    # All of them by name, as raw UTF-8. Only REST percent-encodes.
    payload = "&".join(f"{name}={_text(params[name])}" for name in sorted(params))
    return {**params, "signature": signing.sign(payload.encode())}


def signed_query(params: Params, signing: Signer) -> str:
    """Return the query of a REST request, with its signature."""
    # Values are percent-encoded before they are signed.
    query = "&".join(f"{name}={quote(_text(value), safe='')}" for name, value in params.items())
    return f"{query}&signature={quote(signing.sign(query.encode()), safe='')}"


def _text(value: str | int | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
