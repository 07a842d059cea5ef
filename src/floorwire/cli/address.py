"""The server's address for a command: the one given, or this machine with the port of the environment."""

from __future__ import annotations

import os
from collections.abc import Collection
from typing import Final
from urllib.parse import SplitResult, urlsplit, urlunsplit

from floorwire.auth.client_address import is_loopback

PORT_VARIABLE: Final = "FLOORWIRE_PORT"
DEFAULT_PORT: Final = 8000
SCHEMES: Final = ("ws", "wss", "http", "https")
"""Those of a gateway: of its WebSocket, and of its HTTP API. They name the same gateway."""
PLAIN: Final = frozenset({"http", "ws"})


class AddressError(ValueError):
    """An address or a port that cannot be used. The message says which."""


def local_url(scheme: str, path: str = "") -> str:
    """Return the address of this machine's server: FLOORWIRE_PORT, else 8000. Raises AddressError."""
    text = os.environ.get(PORT_VARIABLE, str(DEFAULT_PORT)).strip()
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65_536):
        raise AddressError(f"{PORT_VARIABLE}: {text!r} is not a port; give the server's address: --url")
    return f"{scheme}://127.0.0.1:{int(text)}{path}"


def split(url: str, schemes: Collection[str]) -> SplitResult:
    """Return the parts of the address. Raises AddressError where it is none of one of these schemes."""
    try:
        parts = urlsplit(url)
        is_usable = parts.scheme in schemes and parts.hostname is not None and parts.port != 0
    except ValueError:
        is_usable = False
    if not is_usable:
        names = [f"{scheme}://" for scheme in schemes]
        raise AddressError(f"--url: {url!r} is no {', '.join(names[:-1])} or {names[-1]} address")
    return parts


def check_private(parts: SplitResult) -> None:
    """Raise AddressError where a key would be sent without encryption to another machine."""
    assert parts.hostname is not None
    if parts.scheme in PLAIN and not is_loopback(parts.hostname):
        raise AddressError(f"{urlunsplit(parts)}: the key would be seen on the way; use {parts.scheme}s://")
