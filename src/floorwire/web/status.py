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
    Code.RATE_LIMITED: 429,
    Code.DRAINING: 503,
    Code.INTERNAL: 500,
}
"""The rest are 422: understood, and refused."""
