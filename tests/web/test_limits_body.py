from __future__ import annotations

from typing import get_type_hints

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorwire.core.codes import Code
from floorwire.core.refusal import Refusal
from floorwire.core.risk_limits import Limits
from floorwire.web.limits_body import FORMS, read_limits


def test_limits_are_read() -> None:
    body = b'{"max_open_orders": 2, "max_position": {"BTC": "1"}, "self_trade": null}'
    assert read_limits(body) == Limits(max_open_orders=2, max_position={"BTC": "1"})


def test_every_limit_says_what_it_has_to_be() -> None:
    assert set(FORMS) == set(get_type_hints(Limits))


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        (b"{", Code.BAD_JSON, "the body is not valid JSON"),
        (b"", Code.BAD_JSON, "the body is not valid JSON"),
        (b'{"max_position": ' + b"[" * 5_000, Code.BAD_JSON, "the body is not valid JSON"),
        (b'{"max_open_orders": \xff}', Code.BAD_JSON, "the body is not valid JSON"),
        (b"[]", Code.BAD_REQUEST, "the body is an object: the name of each limit with its value"),
        (b'{"max_orders": 1}', Code.BAD_REQUEST, "max_orders: there is no such limit"),
        (b'{"max_open_orders": "2"}', Code.BAD_REQUEST, "max_open_orders: a whole number"),
        (b'{"self_trade": "x"}', Code.BAD_REQUEST, "self_trade: cancel_newest or allow"),
        (
            b'{"max_open_orders": 1, "max_position": {"BTC": 1}}',
            Code.BAD_REQUEST,
            "max_position: an object: for each asset an amount as text",
        ),
    ],
)
def test_what_does_not_fit_is_told_in_our_own_words(body: bytes, code: Code, message: str) -> None:
    with pytest.raises(Refusal) as refused:
        read_limits(body)
    assert (refused.value.code, refused.value.message) == (code, message)


@given(st.binary(max_size=60) | st.dictionaries(st.sampled_from([*FORMS, "x"]), st.none() | st.integers()))
def test_any_body_is_read_or_refused(content: bytes | dict[str, int | None]) -> None:
    body = content if isinstance(content, bytes) else msgspec.json.encode(content)
    refusal = None
    try:
        read_limits(body)
    except Refusal as refused:
        refusal = refused
    assert refusal is None or refusal.code in (Code.BAD_JSON, Code.BAD_REQUEST)
    assert refusal is None or len(refusal.message) < 100
