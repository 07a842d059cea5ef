"""Vault: what is stored of secrets, none of which is of use without the master key.

Secrets are 256 random bits, so a fast keyed hash is right: there is nothing to guess. Signed logins need
the secret itself; it is stored encrypted under another key made from the master key, bound to its key id.
"""

from __future__ import annotations

import hmac
from hashlib import blake2b

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MASTER_BYTES = 32
NONCE_BYTES = 12
DIGEST_BYTES = 32


class WrongMasterKeyError(Exception):
    """What is stored was made with another master key, or changed."""


class SecretSealer:
    """Hashes and encrypts secrets under one master key."""

    def __init__(self, master: bytes) -> None:
        if len(master) != MASTER_BYTES:
            raise ValueError(f"a master key has {MASTER_BYTES} bytes, not {len(master)}")
        self._pepper = _derived(master, b"digest")
        self._cipher = AESGCM(_derived(master, b"seal"))
        self.fingerprint = _derived(master, b"fingerprint")
        """Tells master keys apart and nothing else."""

    def digest(self, key: str, secret: str) -> bytes:
        """Return the keyed hash of a secret, which differs from key to key."""
        salted = b"%b\0%b" % (key.encode(errors="replace"), secret.encode(errors="replace"))
        return blake2b(salted, digest_size=DIGEST_BYTES, key=self._pepper).digest()

    def seal(self, key: str, secret: str, nonce: bytes) -> bytes:
        """Return the secret encrypted for this key; the nonce (12 random bytes) is never used again."""
        return nonce + self._cipher.encrypt(nonce, secret.encode(), key.encode())

    def unseal(self, key: str, sealed: bytes) -> str:
        """Return the secret. Raises WrongMasterKeyError."""
        nonce, text = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
        try:
            return self._cipher.decrypt(nonce, text, key.encode()).decode()
        except (InvalidTag, ValueError):
            raise WrongMasterKeyError("the secret cannot be decrypted with this master key") from None


def _derived(master: bytes, purpose: bytes) -> bytes:
    return blake2b(b"floorwire.vault.1", key=master, person=purpose, digest_size=32).digest()


def verify_digest(first: bytes, second: bytes) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(first, second)
