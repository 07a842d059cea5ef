"""Bad input gets a typed error or the right close code, and the server goes on."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest

from floorwire.core.codes import CloseCode
from tests.clients import (
    BINARY,
    CLOSE,
    CONTINUATION,
    MSGPACK,
    PING,
    PONG,
    TEXT,
    RawClient,
    client,
    frame,
    raw,
)
from tests.servers import Server

MESSAGE_BYTES = 65_536
PING_REQUEST = b'{"action":"ping"}'


@pytest.fixture(autouse=True)
def and_the_server_goes_on(market: Server) -> Iterator[None]:
    """After each test, somebody else is served as ever."""
    yield
    with client(market, "/ws/ticker") as other:
        assert other.ask("subscribe", symbol="BTC-USDT")["status"] == "subscribed"
        assert other.event()["channel"] == "ticker"


@pytest.mark.parametrize(
    ("sent", "code", "field"),
    [
        (b"{", "bad_json", None),
        (b"", "bad_json", None),
        (b"\x00", "bad_json", None),
        (b'{"action":"ping"', "bad_json", None),
        (b'{"action":"\\ud800"}', "bad_json", None),
        (b"[" * 60_000, "bad_request", None),
        (b'{"a":' * 10_000, "bad_json", None),
        (b'{"action":"ping","x":' + b"[" * 30_000 + b"]" * 30_000 + b"}", "bad_request", "x"),
        (b'{"action":"ping","id":' + b"9" * 60_000 + b"}", "bad_request", "id"),
        (b'{"action":"ping","id":1e999}', "bad_request", "id"),
        (b'{"action":"ping","id":[]}', "bad_request", "id"),
        (b'{"action":"subscribe","symbol":7}', "bad_request", "symbol"),
        (b'{"action":"subscribe","symbol":"BTC-USDT","depht":5}', "bad_request", "depht"),
        (b'{"action":"subscribe","channel":"ticker"}', "bad_request", "symbol"),
        (
            b'{"action":"subscribe","channel":"ticker","symbol":"' + b"A" * 60_000 + b'"}',
            "unknown_symbol",
            None,
        ),
        (b'{"action":"subscribe","channel":"ticker","symbol":"\\u0000"}', "unknown_symbol", None),
        (b'{"action":"subscribe","channel":"news","symbol":"BTC-USDT"}', "unknown_channel", None),
        (b'{"action":"unsubscribe","channel":"ticker","symbol":"BTC-USDT"}', "not_subscribed", None),
        (b'{"action":"dance"}', "unknown_action", None),
        (b"null", "bad_request", None),
    ],
)
def test_what_is_malformed_is_answered(market: Server, sent: bytes, code: str, field: str | None) -> None:
    with raw(market) as peer:
        peer.send(TEXT, sent)
        reply = peer.message()
        assert (reply["status"], reply["code"]) == ("error", code)
        if field is not None:
            assert reply["details"] == {"field": field}
        peer.send(TEXT, PING_REQUEST)
        assert peer.message()["status"] == "pong", "a malformed message is not punished"


def test_binary_is_no_json_and_text_no_messagepack(market: Server) -> None:
    with raw(market) as peer:
        peer.send(BINARY, PING_REQUEST)
        assert peer.message()["code"] == "bad_json"
    with client(market, "/ws", MSGPACK) as packed:
        packed.connection.send('{"action":"ping"}')
        assert packed.reply()["code"] == "bad_json"
        packed.connection.send(b"\xc1")
        assert packed.reply()["code"] == "bad_json"
        assert packed.ask("ping")["status"] == "pong"


def test_invalid_text_closes(market: Server) -> None:
    for payload in (b'{"action":"\xff"}', b"\xed\xa0\x80", b"\xc3"):
        with raw(market) as peer:
            peer.send(TEXT, payload)
            assert peer.until_close() == ([], CloseCode.INVALID_TEXT)


# --- too big ----------------------------------------------------------------------------------------


def test_the_largest_message_is_read(market: Server) -> None:
    with raw(market) as peer:
        peer.send(TEXT, PING_REQUEST.ljust(MESSAGE_BYTES))
        assert peer.message()["status"] == "pong"


def test_a_larger_message_closes(market: Server) -> None:
    for payload in (PING_REQUEST.ljust(MESSAGE_BYTES + 1), b'"' + b"x" * 1_000_000 + b'"'):
        with raw(market) as peer:
            peer.send(TEXT, payload)
            assert peer.until_close() == ([], CloseCode.MESSAGE_TOO_BIG)


def test_a_larger_message_closes_from_its_head_on(market: Server) -> None:
    with raw(market) as peer:
        peer.socket.sendall(frame(BINARY, b"", size=1 << 60))
        assert peer.until_close() == ([], CloseCode.MESSAGE_TOO_BIG)


def test_the_limit_is_for_the_whole_message_in_fragments(market: Server) -> None:
    with raw(market) as peer:
        peer.send(TEXT, PING_REQUEST.ljust(MESSAGE_BYTES // 2), fin=False)
        peer.send(CONTINUATION, b" " * (MESSAGE_BYTES // 2))
        assert peer.message()["status"] == "pong"
        peer.send(TEXT, PING_REQUEST.ljust(MESSAGE_BYTES // 2), fin=False)
        peer.send(CONTINUATION, b" " * (MESSAGE_BYTES // 2), fin=False)
        peer.send(CONTINUATION, b" ", fin=False)
        assert peer.until_close() == ([], CloseCode.MESSAGE_TOO_BIG)


# --- broken frames ----------------------------------------------------------------------------------


BROKEN: dict[str, tuple[bytes, CloseCode]] = {
    "not masked": (b"\x81\x02{}", CloseCode.PROTOCOL_ERROR),
    "a control frame too long": (frame(PING, b"x" * 126), CloseCode.PROTOCOL_ERROR),
    "a control frame in fragments": (frame(PING, b"x", fin=False), CloseCode.PROTOCOL_ERROR),
    "an unknown opcode": (frame(3, b""), CloseCode.PROTOCOL_ERROR),
    "an unknown control opcode": (frame(0xB, b""), CloseCode.PROTOCOL_ERROR),
    "a reserved bit": (frame(0x40 | TEXT, b"{}"), CloseCode.PROTOCOL_ERROR),
    "a continuation of nothing": (frame(CONTINUATION, b"{}"), CloseCode.PROTOCOL_ERROR),
    "one in another": (frame(TEXT, b"{", fin=False) + frame(TEXT, b"}"), CloseCode.PROTOCOL_ERROR),
    "half a close code": (frame(CLOSE, b"\x03"), CloseCode.PROTOCOL_ERROR),
    "a close code never sent": (frame(CLOSE, (1006).to_bytes(2, "big")), CloseCode.PROTOCOL_ERROR),
    "no text in a close": (frame(CLOSE, b"\x03\xe8\xff"), CloseCode.INVALID_TEXT),
}


@pytest.mark.parametrize(("sent", "code"), BROKEN.values(), ids=BROKEN)
def test_broken_frames_close_with_the_right_code(market: Server, sent: bytes, code: CloseCode) -> None:
    with raw(market) as peer:
        peer.socket.sendall(sent)
        assert peer.until_close() == ([], code)
        assert peer.is_closed_by_server()


def test_good_frames_before_a_broken_one_are_answered(market: Server) -> None:
    with raw(market) as peer:
        peer.socket.sendall(frame(TEXT, PING_REQUEST) * 2 + frame(3, b""))
        frames, code = peer.until_close()
        assert [msgspec.json.decode(each.payload)["status"] for each in frames] == ["pong", "pong"]
        assert code == CloseCode.PROTOCOL_ERROR


def test_no_byte_need_come_with_another(market: Server) -> None:
    with raw(market) as peer:
        for byte in frame(TEXT, PING_REQUEST):
            peer.socket.sendall(bytes([byte]))
        assert peer.message()["status"] == "pong"


@pytest.mark.parametrize("code", [1000, 1001, 3000, 4999])
def test_a_close_is_answered_with_its_code(market: Server, code: int) -> None:
    with raw(market) as peer:
        peer.send(CLOSE, code.to_bytes(2, "big") + b"bye")
        assert peer.until_close() == ([], code)
        assert peer.is_closed_by_server()


def test_pings_are_answered_and_pongs_are_not(market: Server) -> None:
    with raw(market) as peer:
        peer.send(PONG, b"unasked")
        peer.send(PING, b"payload")
        received = peer.frame()
        assert (received.opcode, received.payload) == (PONG, b"payload")


def test_whoever_only_talks_nonsense_is_sent_away(market: Server) -> None:
    with raw(market) as peer:
        peer.socket.sendall(frame(TEXT, b"?") * 200)
        frames, code = peer.until_close()
        assert code == CloseCode.PROTOCOL_ABUSE
        assert {msgspec.json.decode(each.payload)["code"] for each in frames} == {"bad_json"}


def test_garbage_instead_of_http(market: Server) -> None:
    for garbage in (b"\x16\x03\x01\x02\x00" + bytes(200), b"GET\r\n\r\n", b"\r\n" * 10 + b"\xff\xfe\r\n\r\n"):
        with RawClient(market) as peer:
            peer.socket.sendall(garbage)
            assert peer.is_closed_by_server()
