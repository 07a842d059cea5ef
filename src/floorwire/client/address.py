"""The address of a gateway: its WebSocket and its HTTP API, from what the caller gave."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Final, Self
from urllib.parse import urlsplit

import msgspec

SECURE: Final = {"ws": False, "http": False, "wss": True, "https": True}
SOCKET_PATH: Final = "/ws"
API_PATH: Final = "/api/v1"


class Address(msgspec.Struct, frozen=True):
    """Where a gateway is. ``prefix`` is the path that it is mounted under, without a slash at the end."""

    host: str
    """With its port, as in a URL."""
    is_secure: bool
    prefix: str
    socket_path: str
    is_local: bool
    """Whether it is this machine."""

    @classmethod
    def parse(cls, url: str) -> Self:
        """Return the address. Raises ValueError.

        ``ws://host``, ``http://host`` and ``ws://host/ws`` are the same; so are wss and https.
        """
        parts = urlsplit(url)
        if parts.scheme not in SECURE or parts.hostname is None:
            raise ValueError(f"{url!r} is no ws://, wss://, http:// or https:// address")
        _ = parts.port  # raises ValueError
        path = parts.path.rstrip("/")
        prefix, found, _ = path.rpartition(SOCKET_PATH)
        is_socket = bool(found) and path == prefix + SOCKET_PATH
        prefix = prefix if is_socket else path
        return cls(
            host=parts.netloc.rpartition("@")[2],
            is_secure=SECURE[parts.scheme],
            prefix=prefix,
            socket_path=prefix + SOCKET_PATH,
            is_local=_is_local(parts.hostname),
        )

    @property
    def socket_url(self) -> str:
        """The URL of the WebSocket."""
        return f"{'wss' if self.is_secure else 'ws'}://{self.host}{self.socket_path}"

    @property
    def api_url(self) -> str:
        """The URL that every path of the HTTP API begins with."""
        return f"{'https' if self.is_secure else 'http'}://{self.host}{self.prefix}{API_PATH}"


def _is_local(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
