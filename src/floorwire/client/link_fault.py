"""Why the other side was not reached, in words: the same for WebSocket and HTTP."""

from __future__ import annotations

import socket
import ssl

from floorwire.core.os_errors import reason, root


def link_fault(error: Exception) -> str:
    """Return it. What a library says above the system's own error (``All attempts failed``) is left out."""
    found = root(error)
    match found:
        case None:
            return f"{type(error).__name__}: {error}"
        case ssl.SSLCertVerificationError():
            return f"its certificate is not trusted: {found.verify_message}"
        case socket.gaierror():
            return "there is no such host"
        case _:
            return reason(found)
