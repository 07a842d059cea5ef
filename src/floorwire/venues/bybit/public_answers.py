"""Answers of Bybit's public REST API: the rows, or why there are none."""

from __future__ import annotations

import msgspec

from floorwire.venues.bybit import limits
from floorwire.venues.common.rate_limits import TooManyRequestsError


class Result(msgspec.Struct):
    """The result."""

    rows: msgspec.Raw = msgspec.field(name="list", default=msgspec.Raw(b"[]"))


class Answer(msgspec.Struct, rename="camel"):
    """Any other ``retCode`` than 0 is a refusal, also with status 200."""

    ret_code: int
    ret_msg: str = ""
    result: Result = msgspec.field(default_factory=Result)


def rows(body: bytes) -> msgspec.Raw:
    """Return the list of rows, still as JSON. Raises ValueError, RecursionError, TooManyRequestsError."""
    answer = msgspec.json.decode(body, type=Answer)
    if answer.ret_code == limits.TOO_MANY_CODE:
        raise TooManyRequestsError(answer.ret_msg)
    if answer.ret_code != 0:
        raise ValueError(answer.ret_msg)
    return answer.result.rows
