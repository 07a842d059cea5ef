"""The form of a WebSocket handshake (RFC 6455 4.2.1). Other ASGI servers check it by themselves."""

from __future__ import annotations

import base64
import binascii
from typing import Final

from floorwire.web.request_head import Headers, repeated, tokens
from floorwire.web.websocket_routes import UPGRADE_REQUIRED, RefusedUpgrade

VERSION: Final = b"13"
KEY_BYTES: Final = 16


def wants_websocket(headers: Headers) -> bool:
    """Return whether the request asks for a WebSocket. Other protocols that it offers too are ignored."""
    return b"websocket" in tokens(headers, b"upgrade") and b"upgrade" in tokens(headers, b"connection")


def bad_form(http_version: str, headers: Headers) -> RefusedUpgrade | None:
    """Return the refusal of a handshake that is malformed, or None."""
    values = dict(headers)
    has_body = b"transfer-encoding" in values or values.get(b"content-length", b"0") != b"0"
    checks = (
        (repeated(headers) is not None, 400, "repeated_header"),
        (http_version != "1.1", 400, "old_http"),
        (b"host" not in values, 400, "no_host"),
        (has_body, 400, "handshake_with_body"),
        (values.get(b"sec-websocket-version") != VERSION, UPGRADE_REQUIRED, "bad_version"),
        (not _is_key(values.get(b"sec-websocket-key", b"")), 400, "bad_key"),
    )
    return next((RefusedUpgrade(status, outcome) for is_so, status, outcome in checks if is_so), None)


def _is_key(value: bytes) -> bool:
    try:
        return len(base64.b64decode(value, validate=True)) == KEY_BYTES
    except binascii.Error:
        return False
