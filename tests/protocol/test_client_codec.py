"""Every message of the protocol can be read by the client, in both encodings, and is what was sent."""

from __future__ import annotations

import importlib
import pkgutil
from contextlib import suppress
from random import Random
from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import inspect

from floorwire import protocol
from floorwire.protocol.channel_events import BookEvent, Event, Ticker
from floorwire.protocol.client_codec import (
    CLIENT_JSON,
    CLIENT_MSGPACK,
    ClientCodec,
    PlainEvent,
    ServerMessage,
    UnknownMessageError,
)
from floorwire.protocol.codec import JSON, MSGPACK
from floorwire.protocol.envelopes import AnyRequest
from floorwire.protocol.market_replies import (
    BookReply,
    CandleList,
    ServerTime,
    SymbolPage,
    TickerList,
    TradeList,
)
from floorwire.protocol.replies import (
    EncodedSymbolList,
    Error,
    HeldSubscription,
    OrderError,
    Pair,
    SymbolList,
)
from tests.protocol.message_samples import sample

CODECS = pytest.mark.parametrize("codec", [CLIENT_JSON, CLIENT_MSGPACK], ids=["json", "msgpack"])
SENT: tuple[type[msgspec.Struct], ...] = get_args(ServerMessage)
REQUESTS: tuple[type[msgspec.Struct], ...] = get_args(AnyRequest)
PLAIN: tuple[type[msgspec.Struct], ...] = get_args(PlainEvent)
ANSWERS: tuple[type[msgspec.Struct], ...] = (
    ServerTime,
    SymbolPage,
    TickerList,
    BookReply,
    TradeList,
    CandleList,
)
"""Those of the HTTP API alone. The client knows which one it asked for."""
MODULES = (
    "account_rows",
    "channel_events",
    "market_replies",
    "private_events",
    "replies",
    "requests",
    "trading_requests",
)
"""The modules of ``protocol`` that have messages."""
ROUNDS = 30


def encode(codec: ClientCodec, message: msgspec.Struct) -> bytes:
    """Return the message as the server sends it."""
    return msgspec.msgpack.encode(message) if codec.binary else msgspec.json.encode(message)


def structs(name: str) -> set[type[msgspec.Struct]]:
    """Return the Structs that a module of the protocol defines."""
    module = importlib.import_module(f"{protocol.__name__}.{name}")
    return {
        one
        for one in vars(module).values()
        if isinstance(one, type) and issubclass(one, msgspec.Struct) and one.__module__ == module.__name__
    }


def parts(kind: type[msgspec.Struct]) -> set[type[msgspec.Struct]]:
    """Return the Structs that a message is made of: of its fields, and what it inherits from."""
    found: set[type[msgspec.Struct]] = set()

    def look(one: inspect.Type) -> None:
        if isinstance(one, inspect.StructType):
            if one.cls not in found:
                found.update(base for base in one.cls.__mro__ if base not in (msgspec.Struct, object))
                for field in one.fields:
                    look(field.type)
        elif isinstance(one, inspect.UnionType):
            for part in one.types:
                look(part)
        elif isinstance(one, inspect.ListType | inspect.VarTupleType):
            look(one.item_type)

    look(inspect.type_info(kind))
    return found


def test_no_message_is_missing() -> None:
    messages = set(SENT) | set(REQUESTS) | set(ANSWERS) | {EncodedSymbolList}
    known = set().union(*(parts(kind) for kind in messages))
    declared = set().union(*(structs(name) for name in MODULES))
    assert declared - known == set(), "a message that is in no envelope, or a part of none"
    elsewhere = {module.name for module in pkgutil.iter_modules(protocol.__path__)} - set(MODULES)
    assert not set().union(*(structs(name) for name in elsewhere)) & known, "a message in another module"
    assert set(PLAIN) <= set(SENT)


@CODECS
@pytest.mark.parametrize("kind", SENT, ids=lambda kind: kind.__name__)
def test_what_the_server_sends_is_read(codec: ClientCodec, kind: type[msgspec.Struct]) -> None:
    random = Random(kind.__name__)
    for number in range(ROUNDS):
        message = sample(kind, random, given=(0.0, 1.0, 0.5)[number % 3])
        read = codec.decode(encode(codec, message))
        assert type(read) is kind, (message, read)
        assert read == message


@CODECS
@pytest.mark.parametrize("kind", REQUESTS, ids=lambda kind: kind.__name__)
def test_what_the_client_asks_is_understood(codec: ClientCodec, kind: type[msgspec.Struct]) -> None:
    server, random = (MSGPACK if codec.binary else JSON), Random(kind.__name__)
    for number in range(ROUNDS):
        request: AnyRequest = sample(kind, random, given=(0.0, 1.0, 0.5)[number % 3])  # type: ignore[assignment]
        assert server.request(codec.encode(request), codec.binary) == request


@pytest.mark.parametrize("kind", ANSWERS, ids=lambda kind: kind.__name__)
def test_answers_over_http_are_read(kind: type[msgspec.Struct]) -> None:
    random = Random(kind.__name__)
    for number in range(ROUNDS):
        message = sample(kind, random, given=(0.0, 1.0, 0.5)[number % 3])
        assert msgspec.json.decode(msgspec.json.encode(message), type=kind) == message
        assert msgspec.msgpack.decode(msgspec.msgpack.encode(message), type=kind) == message


def test_a_list_with_encoded_rows_is_read_as_the_list() -> None:
    rows = sample(SymbolList, Random(1), given=1.0)
    encoded = EncodedSymbolList(
        id=rows.id, symbols=msgspec.Raw(msgspec.json.encode(rows.symbols)), venues=rows.venues
    )
    assert CLIENT_JSON.decode(msgspec.json.encode(encoded)) == rows


def test_no_rare_message_can_be_taken_for_a_plain_event() -> None:
    """Decoding first takes whatever fits a plain event. So these need fields that the rare messages lack."""
    for plain in PLAIN:
        needed = {field.encode_name for field in msgspec.structs.fields(plain) if field.required}
        for rare in set(SENT) - set(PLAIN):
            fields = {field.encode_name: field for field in msgspec.structs.fields(rare)}
            only = rare.__struct_config__.tag or (fields["channel"].default if "channel" in fields else None)
            if only in (None, msgspec.NODEFAULT, msgspec.UNSET, plain.__struct_config__.tag):
                assert needed - fields.keys(), (plain.__name__, rare.__name__)


@CODECS
def test_fields_of_a_newer_server_change_nothing(codec: ClientCodec) -> None:
    random = Random(7)
    for kind in SENT:
        message = sample(kind, random, given=1.0)
        if kind is Pair:  # exactly two fields: it will never have more
            continue
        fields = msgspec.to_builtins(message) | {"newer": {"a": [1]}, "another": None}
        data = msgspec.msgpack.encode(fields) if codec.binary else msgspec.json.encode(fields)
        assert codec.decode(data) == message


@CODECS
def test_what_is_no_message_is_said(codec: ClientCodec) -> None:
    encoder = msgspec.msgpack if codec.binary else msgspec.json
    ticker = msgspec.to_builtins(sample(Ticker, Random(3)))
    wrongs: tuple[object, ...] = (
        {},
        [],
        1,
        None,
        {"channel": "weather"},
        {"status": "fine"},
        {"status": 7},
        {"channel": ["ticker"]},
        {**ticker, "seq": "1"},
        {**ticker, "bid": 1.5},
    )
    for wrong in wrongs:
        with pytest.raises(UnknownMessageError):
            codec.decode(encoder.encode(wrong))


@CODECS
@given(data=st.binary(max_size=200))
def test_no_bytes_raise_anything_else(codec: ClientCodec, data: bytes) -> None:
    with suppress(UnknownMessageError):
        codec.decode(data)


VALUES = st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["ticker", "ok", "gap"])
NAMES = st.sampled_from(["status", "channel", "event", "seq", "gap", "id"])


@given(data=st.recursive(VALUES, lambda inner: st.dictionaries(NAMES, inner)))
def test_no_object_raises_anything_else(data: object) -> None:
    for codec in (CLIENT_JSON, CLIENT_MSGPACK):
        with suppress(UnknownMessageError):
            codec.decode(msgspec.msgpack.encode(data) if codec.binary else msgspec.json.encode(data))


@CODECS
def test_very_many_shapes_are_not_all_remembered(codec: ClientCodec) -> None:
    for number in range(2_000):
        fields = {"status": "error", "code": "x", "message": "", "retry": False, f"field{number}": 1}
        data = msgspec.msgpack.encode(fields) if codec.binary else msgspec.json.encode(fields)
        assert type(codec.decode(data)) is Error
    assert len(codec._kinds) <= 1_000


def test_kinds_with_the_same_status_are_told_apart() -> None:
    error = {"status": "error", "code": "draining", "message": "", "retry": True}
    assert type(CLIENT_JSON.decode(msgspec.json.encode(error))) is Error
    assert type(CLIENT_JSON.decode(msgspec.json.encode({**error, "order": "unknown"}))) is OrderError
    assert issubclass(BookEvent, Event)
    assert HeldSubscription not in SENT
