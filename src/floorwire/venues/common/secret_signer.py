"""Signs with the secret of an account: a secret key (HMAC-SHA256), or a private key (RSA, Ed25519)."""

from __future__ import annotations

import hmac
from base64 import b64encode
from typing import Protocol

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from floorwire.core.credentials import Secret

PEM = "-----BEGIN"


class Signer(Protocol):
    """Signs what a request says. A secret is in it, and nowhere else."""

    def sign(self, payload: bytes) -> str:
        """Return the signature as text."""
        ...


class HmacSigner:
    """Signs with a secret key that the venue gave."""

    def __init__(self, secret: Secret) -> None:
        self._secret = secret

    def sign(self, payload: bytes) -> str:
        """Return the signature in hexadecimal digits."""
        return hmac.new(self._secret.reveal().encode(), payload, "sha256").hexdigest()


class PrivateKeySigner:
    """Signs with a private key, whose public key the venue was given."""

    def __init__(self, key: Ed25519PrivateKey | RSAPrivateKey) -> None:
        self._key = key

    def sign(self, payload: bytes) -> str:
        """Return the signature in base64."""
        if isinstance(self._key, RSAPrivateKey):
            return b64encode(self._key.sign(payload, PKCS1v15(), SHA256())).decode()
        return b64encode(self._key.sign(payload)).decode()


def signer(secret: Secret, *, takes_ed25519: bool = True) -> Signer:
    """Return what signs with this secret: a private key in PEM form, or else a secret key.

    ``takes_ed25519``: whether the venue does. Raises ValueError, which does not quote the secret.
    """
    text = secret.reveal()
    if not text.startswith(PEM):
        return HmacSigner(secret)
    try:
        key = load_pem_private_key(text.encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError("the secret is no private key that can be read without a password") from None
    if isinstance(key, RSAPrivateKey) or (takes_ed25519 and isinstance(key, Ed25519PrivateKey)):
        return PrivateKeySigner(key)
    raise ValueError(f"the secret is a private key, but not of RSA{' or Ed25519' if takes_ed25519 else ''}")
