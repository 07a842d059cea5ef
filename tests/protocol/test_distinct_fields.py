"""A field that is given twice is refused, in both encodings and at any place, and nothing else is."""

from __future__ import annotations

import json
from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorwire.core.codes import Code
from floorwire.protocol.codec import JSON, MSGPACK, BadRequestError
from floorwire.protocol.distinct_fields import check_json, fewest_fields, msgpack_fields
from floorwire.protocol.envelopes import AnyRequest

ORDER: dict[str, object] = {
    "action": "order.place",
    "id": 1,
    "client_order_id": "c",
    "symbol": "okx:BTC-USDT",
    "side": "buy",
    "type": "limit",
    "quantity": "1",
    "price": "2",
    "post_only": True,
    "reduce_only": False,
}


def as_json(pairs: list[tuple[str, object]], colon: str = ":") -> bytes:
    return ("{" + ",".join(f"{json.dumps(n)}{colon}{json.dumps(v)}" for n, v in pairs) + "}").encode()


def as_msgpack(pairs: list[tuple[str, object]]) -> bytes:
    body = b"".join(msgspec.msgpack.encode(name) + msgspec.msgpack.encode(value) for name, value in pairs)
    head = bytes([0x80 | len(pairs)]) if len(pairs) < 16 else b"\xde" + len(pairs).to_bytes(2)
    return head + body


@given(
    left_out=st.sets(st.sampled_from(["id", "type", "price", "post_only", "reduce_only"])),
    twice=st.none() | st.sampled_from(sorted(ORDER)),
    colon=st.sampled_from([":", " :", "\n: "]),
)
def test_a_field_that_is_given_twice_is_refused_and_nothing_else(
    left_out: set[str], twice: str | None, colon: str
) -> None:
    pairs = [(name, value) for name, value in ORDER.items() if name not in left_out]
    if twice is not None and twice not in left_out:
        pairs.append((twice, ORDER[twice]))
    is_twice = len(dict(pairs)) < len(pairs)
    for codec, data in ((JSON, as_json(pairs, colon)), (MSGPACK, as_msgpack(pairs))):
        if not is_twice:
            assert codec.request(data, codec.binary)
            continue
        with pytest.raises(BadRequestError) as raised:
            codec.request(data, codec.binary)
        assert raised.value.refusal.code is Code.BAD_REQUEST
        assert raised.value.refusal.message.endswith("given twice")
        assert raised.value.action == "order.place"


@pytest.mark.parametrize(
    ("data", "field"),
    [
        (b'{"action":"ping","action":"ping"}', "action"),
        (b'{"action":"ping","act\\u0069on":"ping"}', "action"),
        (b'{"action":"ping","id":"a:b","id":"c:d"}', "id"),
        (b'{"action":"session.deadman","timeout_s":0,"timeout_s":60}', "timeout_s"),
        (
            b'{"action":"subscribe","channel":"book","symbol":"B","resume":{"epoch":"a","seq":1,"seq":2}}',
            "seq",
        ),
    ],
)
def test_which_field_it_is(data: bytes, field: str) -> None:
    with pytest.raises(BadRequestError) as raised:
        JSON.request(data, False)
    assert raised.value.refusal.details == {"field": field}


def test_colons_in_texts_are_no_fields() -> None:
    check_json(b'{"a":"x:y","b:c":{"d":"::"}}')
    assert JSON.request(b'{"action":"ping","id":"\\":\\":"}', False)


def test_an_inner_map_counts_too() -> None:
    resume = b"\x83" + b"".join(map(msgspec.msgpack.encode, ("epoch", "a", "seq", 1, "seq", 2)))
    data = b"\x84" + b"".join(
        map(msgspec.msgpack.encode, ("action", "subscribe", "channel", "book", "symbol", "B", "resume"))
    )
    with pytest.raises(BadRequestError):
        MSGPACK.request(data + resume, True)


@pytest.mark.parametrize("head", [b"\x82", b"\xde\x00\x02", b"\xdf\x00\x00\x00\x02"])
def test_every_form_of_a_map(head: bytes) -> None:
    body = b"".join(map(msgspec.msgpack.encode, ("action", "ping", "id", 1)))
    assert msgpack_fields(head + body) == 2
    assert MSGPACK.request(head + body, True)


@pytest.mark.parametrize("kind", get_args(AnyRequest), ids=lambda kind: str(kind.__name__))
def test_the_shortest_request_of_each_kind_needs_no_second_look(kind: type[msgspec.Struct]) -> None:
    required = [field for field in msgspec.structs.fields(kind) if field.required]
    unset = sum(field.default is msgspec.UNSET for field in msgspec.structs.fields(kind))
    assert fewest_fields(kind) - unset == 1 + len(required)
