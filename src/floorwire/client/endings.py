"""What the end of a connection, or a refused handshake, asks of the client (docs/protocol.md)."""

from __future__ import annotations

from typing import Final

FOR_GOOD_CODES: Final = range(4500, 5000)
"""Change something before you try again."""
CLIENT_FAULTS: Final = range(300, 500)
"""HTTP statuses that come again until the client asks in another way."""
TRY_LATER: Final = frozenset({408, 425, 429})
"""Those among them that only mean: not now."""


def is_close_for_good(code: int) -> bool:
    """Return whether the server does not want the client back as it is."""
    return code in FOR_GOOD_CODES


def is_refusal_for_good(status: int) -> bool:
    """Return whether a handshake with this HTTP status would be refused again. 0: there was no answer."""
    return status in CLIENT_FAULTS and status not in TRY_LATER


def retry_after_s(header: str | None) -> float:
    """Return the seconds of a ``Retry-After`` header. A date, or nonsense, is 0."""
    return float(header) if header is not None and header.isascii() and header.isdigit() else 0.0
