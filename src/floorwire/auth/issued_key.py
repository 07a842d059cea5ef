"""A new API key with its secret, as ``floorwire keys create --json`` prints it."""

from __future__ import annotations

import msgspec


class Issued(msgspec.Struct, frozen=True):
    """A key and its secret. The secret is shown once: only its digest and a sealed copy are stored."""

    key: str
    secret: str
