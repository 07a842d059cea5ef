"""Answers of OKX's public REST API: the rows, or why there are none."""

from __future__ import annotations

import msgspec

from floorwire.venues.common.rate_limits import TooManyRequestsError
from floorwire.venues.okx import limits


class Answer(msgspec.Struct):
    """Any other code than 0 is a refusal, also with status 200."""

    code: str
    msg: str = ""
    data: msgspec.Raw = msgspec.Raw(b"[]")


def rows(body: bytes) -> msgspec.Raw:
    """Return the list of rows, still as JSON. Raises ValueError, RecursionError, TooManyRequestsError."""
    answer = msgspec.json.decode(body, type=Answer)
    if answer.code in limits.TOO_MANY_CODES:
        raise TooManyRequestsError(answer.msg)
    if answer.code != "0":
        raise ValueError(answer.msg)
    return answer.data
