"""Answers of Kraken's public REST API: the result, or why there is none."""

from __future__ import annotations

import msgspec

from floorwire.venues.common.rate_limits import TooManyRequestsError
from floorwire.venues.kraken import limits

WARNING = "W"
"""How texts of ``error`` begin that are none."""


class Answer(msgspec.Struct):
    """Errors come with status 200."""

    error: list[str] = []
    result: dict[str, msgspec.Raw] = {}


def result(body: bytes) -> dict[str, msgspec.Raw]:
    """Return the result, whose values are JSON. Raises ValueError, RecursionError, TooManyRequestsError."""
    answer = msgspec.json.decode(body, type=Answer)
    if faults := [error for error in answer.error if not error.startswith(WARNING)]:
        error = TooManyRequestsError if limits.TOO_MANY in faults[0] else ValueError
        raise error(faults[0])
    return answer.result
