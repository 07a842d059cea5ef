"""Rows of Kraken's public answers, and refusals."""

from __future__ import annotations

import msgspec
import pytest

from floorwire.venues.common.rate_limits import TooManyRequestsError
from floorwire.venues.kraken import public_answers


def test_the_rows_are_as_they_came() -> None:
    assert public_answers.result(b'{"error":[],"result":{"XBT":[1]}}') == {"XBT": msgspec.Raw(b"[1]")}


def test_too_many_requests_are_told_from_other_refusals() -> None:
    with pytest.raises(TooManyRequestsError, match="slowly"):
        public_answers.result(b'{"error":["EAPI:Rate limit exceeded: ask slowly"]}')
    with pytest.raises(ValueError, match="unknown symbol") as refused:
        public_answers.result(b'{"error":["EQuery:unknown symbol"]}')
    assert not isinstance(refused.value, TooManyRequestsError)


@pytest.mark.parametrize("body", [b"", b"[]", b'{"error":"x"}'])
def test_what_is_no_answer_is_refused(body: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        public_answers.result(body)


def test_warnings_are_no_refusals() -> None:
    assert public_answers.result(b'{"error":["WGeneral:soon"],"result":{}}') == {}
