"""Rows of OKX's public answers, and refusals."""

from __future__ import annotations

import msgspec
import pytest

from floorwire.venues.common.rate_limits import TooManyRequestsError
from floorwire.venues.okx import public_answers


def test_the_rows_are_as_they_came() -> None:
    assert bytes(public_answers.rows(b'{"code":"0","msg":"","data":[["1"],["2"]]}')) == b'[["1"],["2"]]'


def test_too_many_requests_are_told_from_other_refusals() -> None:
    with pytest.raises(TooManyRequestsError, match="slowly"):
        public_answers.rows(b'{"code":"50011","msg":"ask slowly"}')
    with pytest.raises(ValueError, match="unknown symbol") as refused:
        public_answers.rows(b'{"code":"51001","msg":"unknown symbol"}')
    assert not isinstance(refused.value, TooManyRequestsError)


@pytest.mark.parametrize("body", [b"", b"[]", b'{"data":[]}', b'{"code":0}'])
def test_what_is_no_answer_is_refused(body: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        public_answers.rows(body)
