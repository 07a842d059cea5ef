"""Origin: which web pages may talk to us. A browser says where a page is from; other clients say nothing.

Without this, any page that somebody has open could reach a gateway on that person's machine (cross-site
WebSocket hijacking, and, where the name is made to point to 127.0.0.1, DNS rebinding).
"""

from __future__ import annotations

from urllib.parse import urlsplit

from floorwire.auth.client_address import is_loopback

PORTS = {"http": 80, "https": 443}


def is_allowed(origin: str | None, host: str | None, listed: frozenset[str], loopback_only: bool) -> bool:
    """Return whether a page of this origin may talk to us: a listed one, or our own.

    ``loopback_only``: we listen on loopback, so that our own pages are at a name of loopback and no other.
    """
    if origin is None or origin.rstrip("/").lower() in listed:
        return True
    return is_own(origin, host) and not (loopback_only and not is_loopback_host(host))


def is_own(origin: str, host: str | None) -> bool:
    """Return whether the origin is that of the pages that we serve under this Host header."""
    scheme, _, _ = origin.partition("://")
    asked = _name_and_port(origin)
    return asked is not None and scheme in PORTS and asked == _name_and_port(f"{scheme}://{host}")


def is_loopback_host(host: str | None) -> bool:
    """Return whether a Host header names this machine by a name that nobody else can point to it."""
    named = _name_and_port(f"http://{host}") if host else None
    return named is not None and is_loopback(named[0])


def _name_and_port(url: str) -> tuple[str, int] | None:
    try:
        parts = urlsplit(url)
        name, port = parts.hostname, parts.port
    except ValueError:
        return None
    is_bare = not (parts.path or parts.query or parts.fragment or parts.username or parts.password)
    if not name or not is_bare:
        return None
    return name, port or PORTS.get(parts.scheme, 0)
