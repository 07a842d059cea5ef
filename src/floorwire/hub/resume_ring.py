"""The resume ring: the latest frames of a topic, for clients that resume. Bounded by bytes and age."""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import NamedTuple

import msgspec

from floorwire.protocol.codec import JSON, Codec
from floorwire.protocol.frames import BINARY, frame, split


class Transcoded(NamedTuple):
    """What ``ResumeRing.transcode`` did: how many frames it made, and the last seq that it looked at."""

    made: int
    last: int


class ResumeRing:
    """JSON frames of consecutive seqs, the oldest dropped first.

    ``max_bytes`` bounds the JSON frames. A frame is made in MessagePack when a client first resumes in that
    encoding. It is kept as long as the JSON, so that the next client costs nothing.
    """

    __slots__ = ("_entries", "_max_age_us", "_max_bytes", "_msgpack", "msgpack_size", "size")

    def __init__(self, max_bytes: int, max_age_us: int) -> None:
        self._entries: deque[tuple[int, int, bytes]] = deque()  # (seq, at_us, frame)
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
        self.trim(at_us)

    def trim(self, now_us: int) -> None:
        """Drop frames beyond the bounds, the oldest first."""
        entries, oldest_us = self._entries, now_us - self._max_age_us
        while entries and (self.size > self._max_bytes or entries[0][1] < oldest_us):
            seq, _, data = entries.popleft()
            self.size -= len(data)
            if self._msgpack:
                self.msgpack_size -= len(self._msgpack.pop(seq, b""))

    def after(self, seq: int, codec: Codec = JSON) -> list[bytes] | None:
        """Return the frames after ``seq``. None if one of them was dropped already."""
        if not self._entries or seq + 1 < self._entries[0][0]:
            return None
        if codec is JSON:
            return [data for _, _, data in self._since(seq)]
        self.transcode(seq, len(self._entries))
        kept = self._msgpack
        return [kept[at] for at, _, _ in self._since(seq)]

    def transcode(self, seq: int, most: int) -> Transcoded:
        """Make MessagePack of up to ``most`` frames after ``seq`` that have none yet."""
        kept, made = self._msgpack, 0
        for at, _, data in self._since(seq):
            if made == most:
                return Transcoded(made, seq)
            if at not in kept:
                kept[at] = packed = _transcoded(data)
                self.msgpack_size += len(packed)
                made += 1
            seq = at
        return Transcoded(made, seq)

    def _since(self, seq: int) -> islice[tuple[int, int, bytes]]:
        first = self._entries[0][0] if self._entries else seq + 1
        return islice(self._entries, max(0, seq + 1 - first), None)


def _transcoded(data: bytes) -> bytes:
    """Return a JSON frame as a MessagePack frame."""
    ((_, payload),) = split(data)
    return frame(BINARY, msgspec.msgpack.encode(msgspec.json.decode(payload)))
