"""Which HTTP status an error of the protocol is."""

from __future__ import annotations

from typing import Final

from floorwire.core.codes import Code

STATUS: Final = {
    Code.BAD_JSON: 400,
    Code.BAD_REQUEST: 400,
    Code.UNAUTHENTICATED: 401,
    Code.BAD_SIGNATURE: 401,
    Code.CLOCK_SKEW: 401,
    Code.FORBIDDEN: 403,
    Code.UNKNOWN_KEY: 404,
    Code.UNKNOWN_SYMBOL: 404,
    Code.UNKNOWN_ORDER: 404,
    Code.ORDER_CLOSED: 409,
    Code.DUPLICATE_CLIENT_ORDER_ID: 409,
    Code.RATE_LIMITED: 429,
    Code.VENUE_UNAVAILABLE: 503,
    Code.DRAINING: 503,
    Code.INTERNAL: 500,
}
UNPROCESSABLE: Final = 422
"""The rest: understood, and refused."""
_BY_VALUE: Final = {code.value: status for code, status in STATUS.items()}


def status_of(code: str) -> int:
    """Return the status of an error reply with this code."""
    return _BY_VALUE.get(code, UNPROCESSABLE)
