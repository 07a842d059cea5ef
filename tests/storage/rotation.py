"""Gives a key a new secret as the command line does."""

from __future__ import annotations

from floorwire.storage.key_store import Issued, KeyStore


def rotate(store: KeyStore, key: str) -> Issued:
    """Return the new secret, which is good at once. Raises UnknownKeyError."""
    issued = store.new_secret(key)
    store.replace_secret(issued)
    return issued
