"""Signed login: what a client signs, the same on both sides."""

from __future__ import annotations

import hmac

PREFIX = "floorwire.login."


def signature(secret: str, ts_us: int) -> str:
    """Return the hex HMAC-SHA256 that proves the secret at this time (microseconds since the epoch, UTC)."""
    return hmac.digest(secret.encode(), f"{PREFIX}{ts_us}".encode(), "sha256").hex()
