"""Frames that the server makes, against RFC 6455, 5.2."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorwire.protocol.frames import BINARY, CLOSE, PING, TEXT, close_frame, frame, split

opcodes = st.sampled_from([TEXT, BINARY, PING])
# Lengths on both sides of where the header grows.
payloads = st.one_of(
    st.binary(max_size=200), st.sampled_from([125, 126, 127, 65_535, 65_536, 65_537]).map(lambda n: b"x" * n)
)


@pytest.mark.parametrize(
    ("size", "head"),
    [
        (0, b"\x81\x00"),
        (125, b"\x81\x7d"),
        (126, b"\x81\x7e\x00\x7e"),
        (65_535, b"\x81\x7e\xff\xff"),
        (65_536, b"\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00"),
    ],
)
def test_length_is_written_in_the_fewest_octets(size: int, head: bytes) -> None:
    assert frame(TEXT, b"x" * size) == head + b"x" * size


@given(st.lists(st.tuples(opcodes, payloads), max_size=6))
def test_a_joined_chunk_splits_into_what_it_was_made_of(messages: list[tuple[int, bytes]]) -> None:
    chunk = b"".join(frame(opcode, payload) for opcode, payload in messages)
    assert list(split(chunk)) == messages


def test_a_close_frame_has_its_code_first() -> None:
    ((opcode, payload),) = split(close_frame(4008, "slow consumer"))
    assert opcode == CLOSE
    assert payload == (4008).to_bytes(2, "big") + b"slow consumer"


@given(st.text(max_size=200))
def test_a_close_reason_is_cut_to_a_control_frame_and_stays_utf8(reason: str) -> None:
    ((_, payload),) = split(close_frame(1000, reason))
    assert len(payload) <= 125
    assert reason.startswith(payload[2:].decode())
    assert len(payload) > 121 or payload[2:].decode() == reason  # nothing is cut without need
