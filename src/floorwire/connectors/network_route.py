"""How connections leave this machine: TLS, a proxy, and the source address.

``HTTPS_PROXY``, ``HTTP_PROXY``, ``ALL_PROXY`` and ``NO_PROXY`` are those of the environment, in either case.
``SSL_CERT_FILE`` and ``SSL_CERT_DIR`` name further certificate authorities.
"""

from __future__ import annotations

import ssl
from collections.abc import Collection, Mapping
from functools import cached_property
from urllib.parse import SplitResult, urlsplit
from urllib.request import getproxies_environment
from urllib.request import proxy_bypass_environment as needs_none  # type: ignore[attr-defined] # no stub

from floorwire.auth.client_address import is_loopback

SECURE = ("https", "wss")
HTTP_SCHEMES = {"wss": "https", "ws": "http"}
"""WebSockets take the proxy of the HTTP scheme that they begin with."""


class NetworkRoute:
    """The way to a venue.

    ``ws_url`` and ``rest_url`` stand in for scheme, host and port of the exchange's own addresses: a test
    network, a proxy of ours, a server in a test. A path of theirs goes before the exchange's path.
    """

    def __init__(
        self,
        ws_url: str | None = None,
        rest_url: str | None = None,
        source_address: str | None = None,
        proxies: Mapping[str, str] | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """``proxies``: by scheme, and ``no`` as in the environment; None: those of the environment."""
        self.source_address = source_address
        self._ws_url = None if ws_url is None else urlsplit(ws_url)
        self._rest_url = None if rest_url is None else urlsplit(rest_url)
        self._proxies = dict(getproxies_environment() if proxies is None else proxies)
        self._tls = tls

    @cached_property
    def tls(self) -> ssl.SSLContext:
        """TLS whose certificates and host names are verified."""
        return self._tls or ssl.create_default_context()

    def ws(self, url: str) -> str:
        """Return the address to open a WebSocket at."""
        return _moved(url, self._ws_url)

    def rest(self, url: str) -> str:
        """Return the address to send a request to."""
        return _moved(url, self._rest_url)

    def proxy(self, url: str) -> str | None:
        """Return the proxy for an address; None: there is none."""
        parts = urlsplit(url)
        scheme = HTTP_SCHEMES.get(parts.scheme, parts.scheme)
        found = self._proxies.get(scheme) or self._proxies.get("all")
        if not found or needs_none(parts.netloc.rpartition("@")[2], self._proxies):
            return None
        return found if "://" in found else f"http://{found}"


def is_secure(url: str) -> bool:
    """Return whether the address asks for TLS."""
    return urlsplit(url).scheme in SECURE


def tls_fault(error: ssl.SSLError) -> str:
    """Return why TLS failed, in words."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"TLS: {error.verify_message or 'the certificate is not valid'}"
    return f"TLS: {error.reason or 'failed'}"


def address_fault(url: str, schemes: Collection[str]) -> str | None:
    """Return why this cannot be an address of a venue in the settings, or None."""
    if not url.isascii() or not url.isprintable() or " " in url:
        return "has a character that no address has"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "is no address"
    if parts.scheme not in schemes or not parts.hostname or port == 0:
        return f"is no address such as {next(iter(schemes))}://HOST"
    if "@" in parts.netloc or parts.query or parts.fragment:
        return "has a name, a query or a fragment: only scheme, host, port and path count"
    return None


def is_private(url: str) -> bool:
    """Return whether nobody can read what is sent there on the way: by TLS, or on this machine."""
    return is_secure(url) or is_loopback(urlsplit(url).hostname or "")


def _moved(url: str, place: SplitResult | None) -> str:
    if place is None:
        return url
    parts = urlsplit(url)
    path = place.path.rstrip("/") + parts.path
    return parts._replace(scheme=place.scheme, netloc=place.netloc, path=path).geturl()
