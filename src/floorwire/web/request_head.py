"""What a request's head must be before anything in it is believed. It is the same for HTTP and WebSocket."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, TypeAlias

Headers: TypeAlias = Iterable[tuple[bytes, bytes]]

ONCE: Final = frozenset(
    {
        b"authorization",
        b"content-length",
        b"content-type",
        b"host",
        b"origin",
        b"sec-websocket-key",
        b"sec-websocket-version",
    }
)
"""Headers that may come once. Of two, a proxy and we could believe different ones."""


def repeated(headers: Headers) -> str | None:
    """Return the name of a header that came twice and may come once, or None. Names are in lower case."""
    seen = set()
    for name, _ in headers:
        if name in ONCE:
            if name in seen:
                return name.decode("ascii")
            seen.add(name)
    return None


def origin_form(target: bytes) -> tuple[bytes, bytes | None]:
    """Return the path and query of a request's target, and the host that it names instead of the header.

    RFC 9112 3.2.2: a target in absolute-form (``http://host/path``) names the host, and the Host header is
    ignored.
    """
    scheme, separator, rest = target.partition(b"://")
    if target.startswith(b"/") or not separator or not scheme.isalpha():
        return target, None
    end = min((at for at in (rest.find(b"/"), rest.find(b"?")) if at >= 0), default=len(rest))
    path = rest[end:]
    return path if path.startswith(b"/") else b"/" + path, rest[:end]


def tokens(headers: Headers, name: bytes) -> set[bytes]:
    """Return the comma-separated values of all headers with this name, in lower case (RFC 9110 5.6.1)."""
    return {
        token.strip().lower() for header, value in headers if header == name for token in value.split(b",")
    }


def body_bytes(headers: Headers) -> int:
    """Return the length of the body that the head says: 0 for none, and for a chunked one."""
    values = dict(headers)
    text = values.get(b"content-length", b"")
    return int(text) if text.isdigit() and b"transfer-encoding" not in values else 0
