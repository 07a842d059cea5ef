"""Which web pages may connect, which clients a proxy forwards, and where a server may listen.

A browser sends the origin of a page (RFC 6454 7); other clients send none. Without a check, any page in a
user's browser could reach a gateway on that user's machine: cross-site WebSocket hijacking, or DNS rebinding
with a name that points to 127.0.0.1.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

import msgspec

from floorwire.auth.client_address import client_address, is_address, is_loopback
from floorwire.core.authorization import Network, is_within

PORTS = {"http": 80, "https": 443}
PAGE_SCHEMES = frozenset(
    {
        *PORTS,
        "app",
        "capacitor",
        "chrome-extension",
        "ionic",
        "moz-extension",
        "safari-web-extension",
        "tauri",
    }
)
"""Schemes that pages have: of the web, of browser extensions, and of apps that are made of pages."""
FORWARDED_SCHEMES = {"http": "http", "ws": "http", "https": "https", "wss": "https"}
"""What a proxy may say in X-Forwarded-Proto -> the scheme of the pages that use it."""
LOOPBACK_NAMES = ("localhost", "127.0.0.1")
"""The usual ones."""
BARE = re.compile(
    r"[a-z][a-z0-9+.-]*://(\[[0-9A-Fa-f:.]+\]|[^\x00-\x20\x7f-\U0010ffff?#@/\\\[\]:]+)(:[1-9][0-9]{0,4})?"
)
"""A scheme, a name and a port (RFC 6454 6.2). urlsplit drops tabs, an empty query, what follows ``]``."""
HOST = re.compile(r"[a-z0-9._-]+|\[[0-9a-f:.]+\]")


class OriginError(ValueError):
    """The text is not the origin of a web page. The message says why."""


def normal_origin(text: str) -> str:
    """Return the origin as browsers send it (RFC 6454 6.2): ``scheme://host:port``, without a default port.

    A name with other letters than ASCII has to be in its ``xn--`` form. Raises OriginError.
    """
    try:
        parts = urlsplit(text)
        name, port = parts.hostname, parts.port
    except ValueError as error:
        raise OriginError(f"{text!r}: {error}") from None
    host = f"[{name}]" if name and ":" in name else name
    rest = (parts.path.removeprefix("/"), parts.query, parts.fragment, parts.username, parts.password)
    is_bare = BARE.fullmatch(text.lower().removesuffix("/"))
    is_whole = is_bare and parts.scheme in PAGE_SCHEMES and host and HOST.fullmatch(host)
    if not is_whole or any(part for part in rest):
        raise OriginError(
            f"{text!r} is not an origin: write it like https://desk.example or http://localhost:3000"
        )
    suffix = "" if port is None or port == PORTS.get(parts.scheme) else f":{port}"
    return f"{parts.scheme}://{host}{suffix}"


class OriginPolicy(msgspec.Struct, frozen=True):
    """The settings that say who can reach us.

    ``is_local``: the server listens on loopback only, and no proxy stands in front.
    ``has_tls_in_front``: the operator says that a proxy in front does TLS.
    ``origins``: web pages that may connect besides our own, in normal form (``normal_origin``).
    """

    is_local: bool
    origins: frozenset[str]
    proxies: tuple[Network, ...]
    has_tls_in_front: bool = False

    def is_local_at(self, ours: str) -> bool:
        """Return whether a connection to our address ``ours`` can only come from this machine.

        Under another ASGI server the settings do not say where it listens, but each connection does.
        """
        return self.is_local and (not is_address(ours) or is_loopback(ours))

    def answers(self, host: str | None, ours: str) -> bool:
        """Return whether a request with this Host header may be answered on a connection to ``ours``.

        At home it has to be a loopback name, or the name that an ASGI server has given itself. A page whose
        name was made to point to this machine (DNS rebinding) sends its own name.
        """
        if is_loopback_host(host) or not self.is_local_at(ours):
            return True
        named = _name_and_port(f"http://{host}") if host else None
        return named is not None and named[0] == ours

    def scheme(self, peer: str, own: str, forwarded_proto: Sequence[str]) -> str:
        """Return the scheme, http or https, of our own pages as this peer's client sees them.

        ``own``: the scheme of the connection to us. ``forwarded_proto``: the X-Forwarded-Proto headers, which
        are believed of a trusted proxy alone. A proxy that does not say it does TLS.
        """
        if self.is_proxy(peer):
            last = ",".join(forwarded_proto).rpartition(",")[2].strip().lower()
            return FORWARDED_SCHEMES.get(last, "https")
        return "https" if self.has_tls_in_front else FORWARDED_SCHEMES.get(own, own)

    def allows(self, origin: str | None, host: str | None, scheme: str) -> bool:
        """Return whether a page of this origin may talk to us. ``origin`` is None for other clients.

        ``scheme``: that of our own pages, as ``scheme`` returns it.
        """
        return is_allowed(origin, host, scheme, self.origins, self.is_local)

    def is_proxy(self, peer: str) -> bool:
        """Return whether the peer is a trusted proxy, which forwards requests of others."""
        return bool(self.proxies) and is_within(peer, self.proxies)

    def client(self, peer: str, forwarded_for: Sequence[str]) -> str:
        """Return the address of the client that a request of this peer comes from."""
        return client_address(peer, forwarded_for, self.proxies) if self.proxies else peer

    def is_local_page(self, peer: str, origin: str | None, host: str | None, scheme: str) -> bool:
        """Return whether the request comes from our own page, opened on this machine."""
        return (
            self.is_local
            and is_loopback(peer)
            and is_loopback_host(host)
            and origin is not None
            and is_own(origin, host, scheme)
        )


def is_allowed(
    origin: str | None, host: str | None, scheme: str, listed: frozenset[str], loopback_only: bool
) -> bool:
    """Return whether a page of this origin may talk to us: it is listed, or it is our own page.

    ``loopback_only``: we listen on loopback, so our own pages can only have a loopback name.
    """
    if origin is None:
        return True
    normal = _normal(origin)
    if normal is None:
        return False
    if normal in listed:
        return True
    return is_own(origin, host, scheme) and not (loopback_only and not is_loopback_host(host))


def is_own(origin: str, host: str | None, scheme: str) -> bool:
    """Return whether the origin is that of our own pages: served with this scheme, under this Host header."""
    own = _normal(f"{scheme}://{host}") if host and not host.endswith("/") else None
    return own is not None and own == _normal(origin)


def _normal(text: str) -> str | None:
    try:
        return normal_origin(text)
    except OriginError:
        return None


def is_loopback_host(host: str | None) -> bool:
    """Return whether a Host header has a loopback name, which nobody else can make point here."""
    name, _, port = host.partition(":") if host else ("", "", "")
    if name in LOOPBACK_NAMES and (not port or port.isdigit()):  # without the cost of parsing a URL
        return True
    named = _name_and_port(f"http://{host}") if host else None
    return named is not None and is_loopback(named[0])


def refuse_to_listen(host: str, has_keys: bool, has_tls: bool, behind_proxy: bool) -> str | None:
    """Return the reason why the server must not listen on this host, or None if it may.

    Other machines are let in only when there are keys, and when secrets are encrypted on the way.
    """
    if is_loopback(host):
        return None
    lacks = []
    if not has_keys:
        lacks.append("there are no keys (floorwire keys create --account NAME --scopes market)")
    if not has_tls and not behind_proxy:
        lacks.append(
            "secrets would travel in the clear (give --tls-cert and --tls-key, "
            "or --behind-proxy where a proxy in front does TLS)"
        )
    if not lacks:
        return None
    return f"will not listen on {host or 'every address'}, where others can reach it: " + "; ".join(lacks)


def _name_and_port(url: str) -> tuple[str, int] | None:
    if not BARE.fullmatch(url):
        return None
    try:
        parts = urlsplit(url)
        name, port = parts.hostname, parts.port
    except ValueError:
        return None
    is_bare = not (parts.path or parts.query or parts.fragment or parts.username or parts.password)
    if not name or not is_bare:
        return None
    return name, port or PORTS.get(parts.scheme, 0)
