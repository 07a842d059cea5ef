"""Assembly: strict where RFC 6455 is strict, and nothing but WireError for anything a peer may send."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorwire.core.codes import CloseCode
from floorwire.protocol.message_assembly import (
    BINARY,
    CONTINUATION,
    MAX_EMPTY_FRAGMENTS,
    TEXT,
    Message,
    MessageAssembler,
    WireError,
    close_reply,
)

LIMIT = 100


@pytest.fixture
def assembler() -> MessageAssembler:
    return MessageAssembler(LIMIT)


def refusal(
    assembler: MessageAssembler, opcode: int, fin: bool, payload: bytes, rsv: bool = False
) -> CloseCode:
    with pytest.raises(WireError) as caught:
        assembler.feed(opcode, fin, rsv, payload)
    assert caught.value.reason in str(caught.value)
    return caught.value.code


# --- messages of one frame --------------------------------------------------------------------------


@pytest.mark.parametrize("data", [b"", b"{}", "κόσμε".encode(), b"x" * LIMIT])
def test_one_text_frame_is_a_message(assembler: MessageAssembler, data: bytes) -> None:
    assert assembler.feed(TEXT, True, False, data) == Message(False, data)


def test_a_binary_message_need_not_be_text(assembler: MessageAssembler) -> None:
    assert assembler.feed(BINARY, True, False, b"\xff\xfe") == Message(True, b"\xff\xfe")


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_a_frame_over_the_limit_is_too_big(assembler: MessageAssembler, opcode: int) -> None:
    assert refusal(assembler, opcode, True, b"x" * (LIMIT + 1)) is CloseCode.MESSAGE_TOO_BIG


def test_text_that_is_not_utf8_is_refused(assembler: MessageAssembler) -> None:
    assert refusal(assembler, TEXT, True, b"ab\xff") is CloseCode.INVALID_TEXT


@pytest.mark.parametrize("opcode", [CONTINUATION, TEXT, BINARY])
def test_reserved_bits_are_refused(assembler: MessageAssembler, opcode: int) -> None:
    assert refusal(assembler, opcode, True, b"", rsv=True) is CloseCode.PROTOCOL_ERROR


@pytest.mark.parametrize("opcode", [3, 7, 8, 9, 10, 11, 15, -1, 16])
def test_only_data_frames_make_messages(assembler: MessageAssembler, opcode: int) -> None:
    assert refusal(assembler, opcode, True, b"") is CloseCode.PROTOCOL_ERROR


# --- fragmented messages ----------------------------------------------------------------------------


@pytest.mark.parametrize("fin", [False, True])
def test_a_continuation_needs_a_start(assembler: MessageAssembler, fin: bool) -> None:
    assert refusal(assembler, CONTINUATION, fin, b"x") is CloseCode.PROTOCOL_ERROR


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
@pytest.mark.parametrize("fin", [False, True])
def test_a_message_may_not_begin_inside_another(assembler: MessageAssembler, opcode: int, fin: bool) -> None:
    assert assembler.feed(TEXT, False, False, b"a") is None
    assert refusal(assembler, opcode, fin, b"b") is CloseCode.PROTOCOL_ERROR


def test_a_message_ends_with_its_last_fragment(assembler: MessageAssembler) -> None:
    assert assembler.feed(BINARY, False, False, b"a") is None
    assert assembler.feed(CONTINUATION, False, False, b"b") is None
    assert assembler.feed(CONTINUATION, True, False, b"c") == Message(True, b"abc")
    assert refusal(assembler, CONTINUATION, True, b"d") is CloseCode.PROTOCOL_ERROR


def test_the_limit_is_of_the_whole_message(assembler: MessageAssembler) -> None:
    assert assembler.feed(TEXT, False, False, b"x" * LIMIT) is None
    assert assembler.feed(CONTINUATION, False, False, b"") is None
    assert refusal(assembler, CONTINUATION, True, b"x") is CloseCode.MESSAGE_TOO_BIG


def test_a_first_fragment_over_the_limit_is_too_big(assembler: MessageAssembler) -> None:
    assert refusal(assembler, BINARY, False, b"x" * (LIMIT + 1)) is CloseCode.MESSAGE_TOO_BIG


def test_empty_fragments_come_to_an_end(assembler: MessageAssembler) -> None:
    for opcode in [TEXT] + [CONTINUATION] * (MAX_EMPTY_FRAGMENTS - 1):
        assert assembler.feed(opcode, False, False, b"") is None
    assert refusal(assembler, CONTINUATION, False, b"") is CloseCode.PROTOCOL_ABUSE


def test_a_character_may_be_cut_by_fragments_but_not_by_the_end(assembler: MessageAssembler) -> None:
    assert assembler.feed(TEXT, False, False, b"\xf0\x9f") is None
    assert assembler.feed(CONTINUATION, True, False, b"\x98\x80") == Message(False, "😀".encode())
    assert assembler.feed(TEXT, False, False, b"\xf0\x9f") is None
    assert refusal(assembler, CONTINUATION, True, b"\x98") is CloseCode.INVALID_TEXT


def _prefixes(first: int) -> set[bytes]:
    """Every proper prefix of a character that begins with the byte: Unicode 15, table 3-7."""
    low, high = {0xE0: (0xA0, 0xBF), 0xED: (0x80, 0x9F), 0xF0: (0x90, 0xBF), 0xF4: (0x80, 0x8F)}.get(
        first, (0x80, 0xBF)
    )
    found = {bytes([first])}
    if first >= 0xE0:
        found |= {bytes([first, second]) for second in range(low, high + 1)}
    return found


@pytest.mark.parametrize("first", range(0x80, 0x100))
def test_the_first_bad_byte_is_refused_at_once(first: int) -> None:
    begin_a_character = _prefixes(first) if 0xC2 <= first <= 0xF4 else set()
    for cut in [bytes([first])] + [bytes([first, second]) for second in range(256)]:
        assembler = MessageAssembler(LIMIT)
        if cut in begin_a_character or _is_utf8(cut):
            assert assembler.feed(TEXT, False, False, cut) is None
        else:
            assert refusal(assembler, TEXT, False, cut) is CloseCode.INVALID_TEXT


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


# --- any message, any cut; any frames ---------------------------------------------------------------


@st.composite
def cut_messages(draw: st.DrawFn) -> tuple[Message, list[bytes]]:
    binary = draw(st.booleans())
    data = draw(st.binary(max_size=LIMIT)) if binary else draw(st.text(max_size=LIMIT // 4)).encode()
    cuts = draw(st.lists(st.integers(0, len(data)), max_size=10))
    return Message(binary, data), [data[a:b] for a, b in pairwise([0, *sorted(cuts), len(data)])]


@given(st.lists(cut_messages(), max_size=4))
def test_cut_anywhere_it_is_the_same_message(sent: list[tuple[Message, list[bytes]]]) -> None:
    assembler = MessageAssembler(LIMIT)
    for message, (first, *rest) in sent:
        frames = [(BINARY if message.binary else TEXT, first), *((CONTINUATION, part) for part in rest)]
        *before, (opcode, last) = frames
        assert [assembler.feed(o, False, False, part) for o, part in before] == [None] * len(before)
        assert assembler.feed(opcode, True, False, last) == message


FRAMES = st.tuples(
    st.sampled_from([CONTINUATION, CONTINUATION, TEXT, BINARY, 9]),
    st.booleans(),
    st.sampled_from([False] * 9 + [True]),
    st.one_of(st.binary(max_size=LIMIT + 10), st.text(max_size=10).map(str.encode)),
)


@given(st.lists(FRAMES, max_size=20))
def test_any_frames_make_valid_messages_or_a_wire_error(frames: list[tuple[int, bool, bool, bytes]]) -> None:
    assembler = MessageAssembler(LIMIT)
    for frame in frames:
        try:
            message = assembler.feed(*frame)
        except WireError:
            return
        if message is not None:
            assert len(message.data) <= LIMIT
            assert message.binary or _is_utf8(message.data)


# --- close frames -----------------------------------------------------------------------------------

SENDABLE = {*range(1000, 1004), *range(1007, 1015), *range(3000, 5000)}


@pytest.mark.parametrize("reason", [b"", b"bye", "größer".encode()])
def test_a_valid_close_code_is_echoed_and_others_are_errors(reason: bytes) -> None:
    for code in range(65536):
        expected = code if code in SENDABLE else CloseCode.PROTOCOL_ERROR
        assert close_reply(code.to_bytes(2, "big") + reason) == expected


def test_an_empty_close_is_normal() -> None:
    assert close_reply(b"") == CloseCode.NORMAL


def test_half_a_close_code_is_an_error() -> None:
    assert close_reply(b"\x03") == CloseCode.PROTOCOL_ERROR


def test_a_close_reason_is_text() -> None:
    assert close_reply(b"\x03\xe8\xff") == CloseCode.INVALID_TEXT
