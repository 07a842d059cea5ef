"""Security headers. Every response has them, unless its endpoint sets others."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

HEADERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "referrer-policy": "no-referrer",
        "cross-origin-resource-policy": "same-origin",
        "cache-control": "no-store",
    }
)
_OVER_TLS: Final[Mapping[str, str]] = {"strict-transport-security": "max-age=31536000"}


def security_headers(*, over_tls: bool) -> dict[str, str]:
    """Return the headers of a response. ``over_tls``: browsers must use TLS from then on."""
    return {**HEADERS, **(_OVER_TLS if over_tls else {})}
