"""The address that a ``ws://`` URL means, and whether load may be put on it."""

from __future__ import annotations

import socket
from ipaddress import IPv6Address, ip_address
from typing import Self
from urllib.parse import urlsplit

import msgspec

# One pair of addresses has some 28,000 ephemeral ports; more connections need more source addresses. And real
# clients have many addresses, so a server's limit of connections per address should not stop the run.
SOURCE_ADDRESSES = 254


class TargetError(ValueError):
    """The URL is not one on which load may be put."""


class Target(msgspec.Struct, frozen=True):
    """One endpoint, its host name resolved."""

    url: str
    host: str
    """The value of the Host header."""
    path: str
    address: str
    port: int

    @classmethod
    def resolve(cls, url: str, allow_remote: bool = False) -> Self:
        """Return the endpoint of the URL. Raises TargetError where it is not ws://, or not this machine.

        ``allow_remote`` allows other machines.
        """
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
        """Return the source address of the client with this number; None: the system chooses."""
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
