"""Hashes, encrypts and authenticates what is stored, so that it is of no use without the master key.

Secrets are 256 random bits, so a fast keyed hash is right: there is nothing to guess. Signed logins need
the secret itself; it is stored encrypted under another key made from the master key, bound to its key id.
Each stored row has a tag (a MAC) under a third key: nobody writes a valid row without the master key.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from hashlib import blake2b

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MASTER_BYTES = 32
NONCE_BYTES = 12
DIGEST_BYTES = 32
TAG_BYTES = 32


class WrongMasterKeyError(Exception):
    """The stored secret was sealed with another master key, or it was changed."""


class SecretSealer:
    """Hashes, encrypts and authenticates under one master key."""

    def __init__(self, master: bytes) -> None:
        if len(master) != MASTER_BYTES:
            raise ValueError(f"a master key has {MASTER_BYTES} bytes, not {len(master)}")
        self._pepper = _derived(master, b"digest")
        self._cipher = AESGCM(_derived(master, b"seal.2"))
        self._first_cipher = AESGCM(_derived(master, b"seal"))
        """What keys.db of version 1 was encrypted with. A secret sealed since then never opens with it."""
        self._tag_key = _derived(master, b"tag")
        self._sum_key = _derived(master, b"sum")
        self.fingerprint = _derived(master, b"fingerprint")
        """A name for the master key: tells two apart, and reveals nothing."""

    def digest(self, key: str, secret: str) -> bytes:
        """Return the keyed hash of a secret. The API key's id is part of it."""
        salted = b"%b\0%b" % (key.encode(errors="replace"), secret.encode(errors="replace"))
        return blake2b(salted, digest_size=DIGEST_BYTES, key=self._pepper).digest()

    def seal(self, key: str, secret: str, nonce: bytes) -> bytes:
        """Encrypt the secret for this API key. ``nonce``: 12 random bytes, never used twice."""
        return nonce + self._cipher.encrypt(nonce, secret.encode(), key.encode())

    def unseal(self, key: str, sealed: bytes) -> str:
        """Decrypt a sealed secret. Raises WrongMasterKeyError."""
        return _unsealed(self._cipher, key, sealed)

    def unseal_first(self, key: str, sealed: bytes) -> str:
        """Decrypt a secret that keys.db of version 1 has. Raises WrongMasterKeyError."""
        return _unsealed(self._first_cipher, key, sealed)

    def tag(self, kind: str, fields: Sequence[str | bytes | int | None]) -> bytes:
        """Return the MAC of a row. ``kind``: what it is a row of; no row passes for one of another kind."""
        text = msgspec.msgpack.encode((kind, *fields))
        return blake2b(text, digest_size=TAG_BYTES, key=self._tag_key).digest()

    def summand(self, tag: bytes) -> int:
        """Return a row's part in the sum over all rows. Nobody can work it out without the master key."""
        return int.from_bytes(blake2b(tag, digest_size=TAG_BYTES, key=self._sum_key).digest())


def _derived(master: bytes, purpose: bytes) -> bytes:
    return blake2b(b"floorwire.vault.1", key=master, person=purpose, digest_size=32).digest()


def _unsealed(cipher: AESGCM, key: str, sealed: bytes) -> str:
    nonce, text = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
    try:
        return cipher.decrypt(nonce, text, key.encode(errors="replace")).decode()
    except (InvalidTag, ValueError):
        raise WrongMasterKeyError("the secret cannot be decrypted with this master key") from None


def verify_tag(tag: bytes, stored: object) -> bool:
    """Compare a tag with what is stored, which may be of any type: somebody else may have written it."""
    return isinstance(stored, bytes) and verify_digest(tag, stored)


def verify_digest(first: bytes, second: bytes) -> bool:
    """Compare two digests in constant time."""
    return hmac.compare_digest(first, second)
