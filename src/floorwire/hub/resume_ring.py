"""The resume ring: the latest frames of a topic, for clients that resume. Bounded by bytes and age."""

from __future__ import annotations

from collections import deque
from itertools import islice


class ResumeRing:
    """Frames of consecutive seqs, the oldest dropped first."""

    __slots__ = ("_entries", "_max_age_us", "_max_bytes", "size")

    def __init__(self, max_bytes: int, max_age_us: int) -> None:
        self._entries: deque[tuple[int, int, bytes]] = deque()  # (seq, at_us, frame)
        self._max_bytes = max_bytes
        self._max_age_us = max_age_us
        self.size = 0

    def append(self, seq: int, at_us: int, frame: bytes) -> None:
        """Keep the frame, and drop old ones beyond the bounds."""
        self._entries.append((seq, at_us, frame))
        self.size += len(frame)
        self.trim(at_us)

    def trim(self, now_us: int) -> None:
        """Drop frames beyond the bounds, the oldest first."""
        entries, oldest_us = self._entries, now_us - self._max_age_us
        while entries and (self.size > self._max_bytes or entries[0][1] < oldest_us):
            self.size -= len(entries.popleft()[2])

    def after(self, seq: int) -> list[bytes] | None:
        """Return the frames after ``seq``. None if one of them was dropped already."""
        if not self._entries:
            return None
        first = self._entries[0][0]
        if seq + 1 < first:
            return None
        return [frame for _, _, frame in islice(self._entries, seq + 1 - first, None)]
