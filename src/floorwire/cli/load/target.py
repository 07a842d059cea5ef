"""The target: where a ``ws://`` URL leads, and whether load may go there."""

from __future__ import annotations

import socket
from ipaddress import IPv6Address, ip_address
from typing import Self
from urllib.parse import urlsplit

import msgspec

# More than one source address is needed beyond 28,000 connections (ephemeral ports per address pair), and a
# crowd has many addresses anyway: servers that limit connections per address should meet it as it is.
SOURCE_ADDRESSES = 254


class TargetError(ValueError):
    """The URL is not one to put load on."""


class Target(msgspec.Struct, frozen=True):
    """One resolved endpoint."""

    url: str
    host: str
    """What stands in the Host header."""
    path: str
    address: str
    port: int

    @classmethod
    def resolve(cls, url: str, allow_remote: bool = False) -> Self:
        """Return where the URL leads. Raises TargetError where it is not ws:// or not this machine."""
        parts = urlsplit(url)
        try:
            port = parts.port or 80
        except ValueError as error:
            raise TargetError(f"{url}: {error}") from error
        if parts.scheme != "ws" or not parts.hostname:
            raise TargetError(f"{url}: only ws://host[:port]/path")
        address = _address(parts.hostname, port)
        if not (allow_remote or ip_address(address).is_loopback):
            raise TargetError(f"{url}: {address} is not this machine; say --allow-remote if it is yours")
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return cls(url, parts.netloc.rpartition("@")[2], path, address, port)

    @property
    def family(self) -> socket.AddressFamily:
        """The socket family of the address."""
        return socket.AF_INET6 if isinstance(ip_address(self.address), IPv6Address) else socket.AF_INET

    def source(self, index: int) -> str | None:
        """Return the address from which the client of this number comes; None: the system chooses."""
        if self.address.startswith("127."):
            return f"127.0.0.{1 + index % SOURCE_ADDRESSES}"
        return None


def _address(host: str, port: int) -> str:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise TargetError(f"{host}: {error.strerror}") from error
    families = [family for family, *_ in found]
    at = families.index(socket.AF_INET) if socket.AF_INET in families else 0  # localhost: as servers listen
    return str(found[at][4][0])
