"""A codec reads or refuses anything, and never fails otherwise."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from floorwire.core.codes import Code
from floorwire.protocol.codec import JSON, MSGPACK, BadRequestError, Codec
from floorwire.protocol.requests import Request

from .request_strategies import written_json, written_msgpack

junk = st.binary(max_size=60)


def reads_or_refuses(codec: Codec, data: bytes) -> None:
    """Require a request, or a refusal with one of three codes and a sentence."""
    codec.request_id(data)
    try:
        request = codec.request(data, codec.binary)
    except BadRequestError as error:
        refusal = error.refusal
    else:
        assert isinstance(request, Request)
        return
    assert refusal.code in (Code.BAD_JSON, Code.BAD_REQUEST, Code.UNKNOWN_ACTION)
    assert refusal.message


@given(written_json | junk)
def test_json(data: bytes) -> None:
    reads_or_refuses(JSON, data)


@given(written_msgpack | junk)
def test_messagepack(data: bytes) -> None:
    reads_or_refuses(MSGPACK, data)


@given(written_json | written_msgpack, st.integers(0, 400), st.binary(min_size=1, max_size=3))
def test_with_bytes_overwritten(data: bytes, at: int, over: bytes) -> None:
    at = min(at, len(data))
    data = data[:at] + over + data[at + len(over) :]
    reads_or_refuses(JSON, data)
    reads_or_refuses(MSGPACK, data)
