"""The resume ring: the latest frames of a topic, for clients that resume. Bounded by bytes and age.

``Topic.decide_resume`` decides between a resume and a gap.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

from floorwire.protocol.codec import JSON, Codec
from floorwire.protocol.frames import BINARY, frame, split

SLICE_BYTES: Final = 65_536
"""The most bytes of one slice. One frame may be larger."""
MADE_AT_ONCE: Final = 64
"""The most frames that are made in MessagePack for one slice."""
_DROPPED: Final = (0, 0, b"")


class RingSlice(NamedTuple):
    """Some of the frames that a client missed, without a hole."""

    frames: list[bytes]
    last: int
    """The seq of the last frame. The seq that was asked for, if there is none."""
    made: int
    """How many of them had to be made in MessagePack."""


class ResumeRing:
    """JSON frames of consecutive seqs, the oldest dropped first.

    ``max_bytes`` bounds the JSON frames. A frame is made in MessagePack when a client first resumes in that
    encoding. It is kept as long as the JSON, so that the next client costs nothing.
    """

    __slots__ = ("_entries", "_first", "_max_age_us", "_max_bytes", "_msgpack", "msgpack_size", "size")

    def __init__(self, max_bytes: int, max_age_us: int) -> None:
        self._entries: list[tuple[int, int, bytes]] = []  # (seq, at_us, frame): a slice of a deque is slow
        self._first = 0
        """The index of the oldest frame that is kept. Those before it are cut off from time to time."""
        self._max_bytes = max_bytes
        self._max_age_us = max_age_us
        self._msgpack: dict[int, bytes] = {}
        """Frames in MessagePack, by seq."""
        self.size = 0
        """Bytes of the JSON frames."""
        self.msgpack_size = 0
        """Bytes of the frames in MessagePack."""

    def append(self, seq: int, at_us: int, data: bytes) -> None:
        """Keep the JSON frame, and drop old ones beyond the bounds."""
        self._entries.append((seq, at_us, data))
        self.size += len(data)
        if self.size > self._max_bytes or self._entries[self._first][1] < at_us - self._max_age_us:
            self.trim(at_us)

    def trim(self, now_us: int) -> None:
        """Drop frames beyond the bounds, the oldest first."""
        entries, oldest_us = self._entries, now_us - self._max_age_us
        first, count = self._first, len(entries)
        while first < count and (self.size > self._max_bytes or entries[first][1] < oldest_us):
            self._drop(first)
            first += 1
        if first != self._first:
            self._cut_off(first)

    def shrink(self, most: int) -> None:
        """Drop the oldest frames until both encodings together have no more bytes than ``most``."""
        first = self._first
        while first < len(self._entries) and self.size + self.msgpack_size > most:
            self._drop(first)
            first += 1
        self._cut_off(first)

    def _drop(self, index: int) -> None:
        seq, _, data = self._entries[index]
        self._entries[index] = _DROPPED
        self.size -= len(data)
        if self._msgpack:
            self.msgpack_size -= len(self._msgpack.pop(seq, b""))

    def _cut_off(self, first: int) -> None:
        """Keep the frames from this index on. To cut the others off each time would move all of them."""
        if 2 * first > len(self._entries):
            del self._entries[:first]
            first = 0
        self._first = first

    def after(self, seq: int, codec: Codec = JSON) -> RingSlice | None:
        """Return the next frames after ``seq``, up to a slice. None if one of them was dropped already."""
        entries, at = self._entries, self._first
        if at == len(entries) or seq + 1 < entries[at][0]:
            return None
        at += seq + 1 - entries[at][0]
        frames, size, made, last = list[bytes](), 0, 0, seq
        while at < len(entries):
            next_seq, _, data = entries[at]
            if codec is not JSON:
                if next_seq not in self._msgpack:
                    if made == MADE_AT_ONCE:
                        break
                    made += 1
                data = self._in_msgpack(next_seq, data)
            size += len(data)
            if size > SLICE_BYTES and frames:
                break
            frames.append(data)
            last = next_seq
            at += 1
        return RingSlice(frames, last, made)

    def _in_msgpack(self, seq: int, data: bytes) -> bytes:
        packed = self._msgpack.get(seq)
        if packed is None:
            ((_, payload),) = split(data)
            packed = frame(BINARY, msgspec.msgpack.encode(msgspec.json.decode(payload)))
            self._msgpack[seq] = packed
            self.msgpack_size += len(packed)
        return packed
