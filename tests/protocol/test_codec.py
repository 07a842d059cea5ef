"""Codecs: every bad input has its typed error, every message its bytes."""

from __future__ import annotations

import msgspec
import pytest
from msgspec import UNSET, UnsetType

from floorwire.core.codes import Code
from floorwire.protocol.codec import JSON, MSGPACK, BadRequestError, Codec, offered
from floorwire.protocol.envelopes import AnyRequest
from floorwire.protocol.frames import BINARY, TEXT, split
from floorwire.protocol.replies import Pair, Pong
from floorwire.protocol.requests import (
    Ping,
    Resume,
    Subscribe,
    Subscriptions,
    Symbols,
    Unsubscribe,
)
from floorwire.protocol.trading_requests import ID_FORM

SAFE = 2**53


def refused(codec: Codec, data: bytes, binary: bool | None = None) -> BadRequestError:
    """Return how the codec refuses the bytes."""
    with pytest.raises(BadRequestError) as caught:
        codec.request(data, codec.binary if binary is None else binary)
    return caught.value


def both(request: dict[str, object]) -> list[tuple[Codec, bytes]]:
    """Return the request in both encodings."""
    return [(JSON, msgspec.json.encode(request)), (MSGPACK, msgspec.msgpack.encode(request))]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ({"action": "ping"}, Ping()),
        ({"action": "ping", "id": "x" * 64}, Ping(id="x" * 64)),
        ({"action": "symbols", "id": SAFE}, Symbols(id=SAFE)),
        ({"action": "subscriptions", "id": -SAFE}, Subscriptions(id=-SAFE)),
        ({"action": "unsubscribe", "symbols": ["A", "B"]}, Unsubscribe(symbols=("A", "B"))),
        (
            {"action": "subscribe", "channel": "book", "symbol": "A", "depth": 5, "on_slow": "skip"},
            Subscribe(channel="book", symbol="A", depth=5, on_slow="skip"),
        ),
        (
            {"action": "subscribe", "resume": {"epoch": "e", "seq": 0}, "interval": "1m"},
            Subscribe(resume=Resume("e", 0), interval="1m"),
        ),
    ],
)
def test_a_request_reads_the_same_in_both_encodings(written: dict[str, object], read: AnyRequest) -> None:
    assert [codec.request(data, codec.binary) for codec, data in both(written)] == [read, read]


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        ({"action": "ping", "zzz": 1}, "zzz"),
        ({"action": "ping", "z`z": 1}, "z`z"),
        ({"action": "subscribe", "symbl": "A"}, "symbl"),
        ({"action": "subscribe", "resume": {"epoch": "a", "seq": 1, "x": 2}}, "resume.x"),
        ({"action": "subscribe", "resume": {"epoch": "a"}}, "resume.seq"),
        ({"action": "subscribe", "resume": {"epoch": "a", "seq": -1}}, "resume.seq"),
        ({"action": "subscribe", "resume": 3}, "resume"),
        ({"action": "subscribe", "symbols": []}, "symbols"),
        ({"action": "subscribe", "symbols": ["A", 3]}, "symbols[1]"),
        ({"action": "subscribe", "symbol": 3}, "symbol"),
        ({"action": "subscribe", "symbol": None}, "symbol"),
        ({"action": "subscribe", "depth": "5"}, "depth"),
        ({"action": "subscribe", "depth": 5.5}, "depth"),
        ({"action": "subscribe", "on_slow": "wait"}, "on_slow"),
        ({"action": "ping", "id": True}, "id"),
        ({"action": "ping", "id": 1.5}, "id"),
        ({"action": "ping", "id": SAFE + 1}, "id"),
        ({"action": "ping", "id": "x" * 65}, "id"),
        ({"action": 5}, "action"),
        ({"symbol": "A"}, "action"),
    ],
)
def test_a_misfit_names_its_field(request_: dict[str, object], field: str) -> None:
    for codec, data in both(request_):
        refusal = refused(codec, data).refusal
        assert (refusal.code, refusal.details) == (Code.BAD_REQUEST, {"field": field})


@pytest.mark.parametrize(
    ("action", "field"),
    [("fills", "before"), ("orders", "after"), ("order.cancel", "order_id"), ("order.amend", "order_id")],
)
@pytest.mark.parametrize("text", ["x", "", "0", "01", "+1", "1 ", "9" * 20])
def test_an_id_that_the_server_cannot_have_given_is_answered_in_words(
    action: str, field: str, text: str
) -> None:
    for codec, data in both({"action": action, field: text}):
        refusal = refused(codec, data).refusal
        assert refusal.message == f"Expected {ID_FORM} - at `$.{field}`"
        assert (refusal.code, refusal.details) == (Code.BAD_REQUEST, {"field": field})


@pytest.mark.parametrize(
    ("field", "value", "takes"),
    [
        ("side", "BUY", "buy, sell"),
        ("type", "Limit", "limit, market, stop, stop_limit"),
        ("time_in_force", "GTC", "gtc, ioc, fok, gtd"),
        ("time_in_force", 1, "gtc, ioc, fok, gtd"),
    ],
)
def test_a_word_that_is_not_taken_is_answered_with_those_that_are(
    field: str, value: str | int, takes: str
) -> None:
    for codec, data in both(
        {
            "action": "order.place",
            "client_order_id": "a",
            "symbol": "A",
            "side": "buy",
            "quantity": "1",
            field: value,
        }
    ):
        refusal = refused(codec, data).refusal
        assert (refusal.code, refusal.details) == (Code.BAD_REQUEST, {"field": field})
        assert refusal.message.endswith(f"; takes {takes}")


@pytest.mark.parametrize("not_a_request", [None, 1, "ping", [], [{"action": "ping"}]])
def test_what_is_no_object_is_a_bad_request(not_a_request: object) -> None:
    for codec, data in (
        (JSON, msgspec.json.encode(not_a_request)),
        (MSGPACK, msgspec.msgpack.encode(not_a_request)),
    ):
        refusal = refused(codec, data).refusal
        assert (refusal.code, refusal.details) == (Code.BAD_REQUEST, {})


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"ping",
        b'{"action":"ping"}{"action":"ping"}',
        b'{"action":"ping","id":NaN}',
        b"{'action':'ping'}",
        b'\xef\xbb\xbf{"action":"ping"}',
        b'{"action":"ping","id":"\xff"}',
        b'{"action":"ping","id":"\\ud800"}',
        b'{"action":"\\udc00\\ud800"}',
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    ],
)
def test_broken_json_is_bad_json(data: bytes) -> None:
    assert refused(JSON, data).refusal.code is Code.BAD_JSON


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc1",  # never used
        b"\x81",  # a map of one entry without it
        b"\x81\xa6action\xa4pin",
        b"\x82\xa6action\xa4ping\xa2id\xa1\xff",
        b"\x81\xa6action\xa4ping\x00",
    ],
)
def test_broken_messagepack_is_bad_json(data: bytes) -> None:
    assert refused(MSGPACK, data).refusal.code is Code.BAD_JSON


def test_text_is_no_messagepack_and_binary_no_json() -> None:
    for codec, data in both({"action": "ping", "id": 1}):
        refused_ = refused(codec, data, binary=not codec.binary)
        assert refused_.refusal.code is Code.BAD_JSON
        assert codec.subprotocol in refused_.refusal.message


@pytest.mark.parametrize("number", [b"9" * 400, b"9" * 5_000, b"1e400", b"-" + b"9" * 30, b"0.1e-400"])
@pytest.mark.parametrize("field", [b"id", b"depth", b"nothing"])
def test_huge_numbers_are_refused(field: bytes, number: bytes) -> None:
    refusal = refused(JSON, b'{"action":"subscribe","%s":%s}' % (field, number)).refusal
    assert (refusal.code, refusal.details) == (Code.BAD_REQUEST, {"field": field.decode()})


@pytest.mark.parametrize("field", [b"id", b"resume", b"nothing"])
def test_deep_nesting_is_refused(field: bytes) -> None:
    deep = b"[" * 30_000 + b"]" * 30_000
    json_ = refused(JSON, b'{"action":"subscribe","%s":%s}' % (field, deep)).refusal
    head = b"\x82\xa6action\xa9subscribe" + bytes((0xA0 + len(field),)) + field
    msgpack = refused(MSGPACK, head + b"\x91" * 60_000 + b"\xc0").refusal
    assert json_.details == msgpack.details == {"field": field.decode()}


def test_long_input_is_not_said_back() -> None:
    long = "k" * 1_000_000
    for codec, data in [
        *both({"action": "ping", long: 1}),
        *both({"action": long}),
        *both({"action": "subscribe", "on_slow": long}),
        *both({"action": "ping", "id": long}),
    ]:
        refusal = refused(codec, data).refusal
        assert len(refusal.message) < 300
        assert len(str(refusal.details)) < 100


@pytest.mark.parametrize(
    ("request_", "request_id"),
    [
        ({"action": "ping", "id": 7, "x": 1}, 7),
        ({"action": "ping", "id": "seven", "x": 1}, "seven"),
        ({"action": "ping", "id": 7.5}, UNSET),
        ({"action": "ping", "id": SAFE + 1}, UNSET),
        ({"action": "ping", "x": 1}, UNSET),
        ({"id": 7}, 7),
        ({"action": ["ping"], "id": 7}, 7),
        ({"action": "foo", "id": 7}, 7),
    ],
)
def test_a_refusal_knows_the_id_where_there_is_one(
    request_: dict[str, object], request_id: int | str | UnsetType
) -> None:
    for codec, data in both(request_):
        assert refused(codec, data).request_id == request_id
        assert codec.request_id(data) == request_id


@pytest.mark.parametrize("action", ["foo", "", "Ping", "order.replace", "é"])
def test_an_unknown_action_is_named_whatever_else_is_wrong(action: str) -> None:
    for codec, data in both({"action": action, "id": 1.5, "zzz": 1}):
        refusal = refused(codec, data).refusal
        assert refusal.code is Code.UNKNOWN_ACTION
        assert repr(action) in refusal.message


def test_two_actions_in_one_object_are_no_unknown_action() -> None:
    assert refused(JSON, b'{"action":"ping","action":"symbols"}').refusal.code is Code.BAD_REQUEST


def test_a_frame_holds_the_message_in_its_encoding() -> None:
    assert list(split(JSON.frame(Pair("subscribed", "BTC-USDT")))) == [
        (TEXT, b'{"status":"subscribed","symbol":"BTC-USDT"}')
    ]
    ((opcode, payload),) = split(MSGPACK.frame(Pong(id=1, ts=2)))
    assert opcode == BINARY
    assert msgspec.msgpack.decode(payload) == {"status": "pong", "id": 1, "ts": 2}


@pytest.mark.parametrize(
    ("names", "codec"),
    [
        ([], None),
        (["chat"], None),
        (["floorwire.v1.json"], JSON),
        (["chat", "floorwire.v1.msgpack", "floorwire.v1.json"], MSGPACK),
        (["Floorwire.v1.json"], None),  # RFC 6455, 4.2.2: subprotocols are compared as they are
    ],
)
def test_the_first_known_subprotocol_is_selected(names: list[str], codec: Codec | None) -> None:
    assert offered(names) is codec
