"""Rows of Bybit's public answers, and refusals."""

from __future__ import annotations

import msgspec
import pytest

from floorwire.venues.bybit import public_answers
from floorwire.venues.common.rate_limits import TooManyRequestsError


def test_the_rows_are_as_they_came() -> None:
    assert bytes(public_answers.rows(b'{"retCode":0,"retMsg":"OK","result":{"list":[["1"]]}}')) == b'[["1"]]'


def test_too_many_requests_are_told_from_other_refusals() -> None:
    with pytest.raises(TooManyRequestsError, match="slowly"):
        public_answers.rows(b'{"retCode":10006,"retMsg":"ask slowly"}')
    with pytest.raises(ValueError, match="unknown symbol") as refused:
        public_answers.rows(b'{"retCode":10001,"retMsg":"unknown symbol"}')
    assert not isinstance(refused.value, TooManyRequestsError)


@pytest.mark.parametrize("body", [b"", b"[]", b'{"result":{"list":[]}}', b'{"retCode":"0"}'])
def test_what_is_no_answer_is_refused(body: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        public_answers.rows(body)
