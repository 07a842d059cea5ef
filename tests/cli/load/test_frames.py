"""The frame counter agrees with frames made by hand, however the bytes are cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorwire.cli.load.frames import (
    BINARY,
    CLOSE,
    MASK,
    PING,
    TEXT,
    FrameCounter,
    FrameError,
    mask,
    masked_frame,
)


def server_frame(payload: bytes, opcode: int = TEXT, fin: bool = True) -> bytes:
    size = len(payload)
    if size < 126:
        head = bytes((fin << 7 | opcode, size))
    elif size < 65_536:
        head = bytes((fin << 7 | opcode, 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((fin << 7 | opcode, 127)) + size.to_bytes(8, "big")
    return head + payload


class Reader:
    """Feeds a counter as a client does: the unfinished frame goes before the next bytes."""

    def __init__(self, reads: bool, buffer_bytes: int = 1 << 20) -> None:
        self.controls: list[tuple[int, bytes]] = []
        self.messages: list[bytes] = []
        self.counter = FrameCounter(
            lambda opcode, payload: self.controls.append((opcode, payload)),
            self.messages.append if reads else None,
        )
        self.buffer = bytearray(buffer_bytes)

    def feed(self, data: bytes) -> None:
        data = self.counter.rest + data
        self.buffer[: len(data)] = data
        self.counter.feed(self.buffer, len(data))


payloads = st.one_of(st.binary(max_size=200), st.integers(0, 70_000).map(lambda size: b"x" * size))
messages = st.lists(st.tuples(payloads, st.sampled_from((TEXT, BINARY))), max_size=6)


@given(messages, st.data())
def test_counts_and_reads_every_message_however_it_is_cut(
    sent: list[tuple[bytes, int]], data: st.DataObject
) -> None:
    stream = b"".join(server_frame(payload, opcode) for payload, opcode in sent)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=5)))
    reading, counting = Reader(reads=True), Reader(reads=False)
    for begin, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        reading.feed(stream[begin:end])
        counting.feed(stream[begin:end])
    assert reading.messages == [payload for payload, _ in sent]
    assert reading.counter.messages == counting.counter.messages == len(sent)
    assert counting.counter.rest == b""


def test_control_frames_between_the_parts_of_a_message_are_handled() -> None:
    reader = Reader(reads=True)
    reader.feed(server_frame(b"one ", TEXT, fin=False))
    reader.feed(server_frame(b"now", PING))
    reader.feed(server_frame(b"two", 0, fin=True) + server_frame(b"\x03\xe8", CLOSE))
    assert reader.messages == [b"one two"]
    assert reader.controls == [(PING, b"now"), (CLOSE, b"\x03\xe8")]


def test_counts_a_message_in_parts_once() -> None:
    reader = Reader(reads=False)
    reader.feed(server_frame(b"one ", TEXT, fin=False) + server_frame(b"two", 0))
    assert reader.counter.messages == 1


def test_refuses_masked_frames() -> None:
    with pytest.raises(FrameError, match="masked"):
        Reader(reads=False).feed(masked_frame(b"hello"))


def test_refuses_frames_that_never_fit() -> None:
    with pytest.raises(FrameError, match="1025 bytes"):
        Reader(reads=False, buffer_bytes=1024).feed(server_frame(b"x" * 1025)[:100])


@given(payloads)
def test_masks_what_a_server_unmasks(payload: bytes) -> None:
    frame = masked_frame(payload)
    at = frame.index(MASK, 2)
    assert frame[0] == 0x80 | TEXT
    assert frame[1] & 0x80
    assert mask(frame[at + 4 :]) == payload
    assert all(frame[at + 4 + i] == byte ^ MASK[i % 4] for i, byte in enumerate(payload[:9]))
