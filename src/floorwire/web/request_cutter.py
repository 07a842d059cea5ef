"""Cuts what a connection sends into pieces. At most one request ends in each piece, at the end of it.

The HTTP parser cannot stop between two requests. So it is never given the bytes of the next request before
the present one is answered (RFC 9112 9.3.2, pipelining).
"""

from __future__ import annotations

import re
from typing import Final

_EMPTY_LINE: Final = re.compile(rb"\n\r?\n")
_LONGEST_END: Final = 3
"""The most bytes of an empty line with the end of the line before it."""


class RequestCutter:
    """Holds what came and was not parsed yet.

    A head, and a chunked body with its trailers, end with an empty line. A body with a length ends with its
    last byte. To cut too often is harmless.
    """

    __slots__ = ("_at", "_data", "_tail", "body_left")

    def __init__(self) -> None:
        self._data = b""
        self._at = 0
        self._tail = b""
        """The last bytes of the piece before: an empty line may have begun there."""
        self.body_left = 0
        """The bytes of the body that are still to come, if the head said its length."""

    def __len__(self) -> int:
        """Return how many bytes wait."""
        return len(self._data) - self._at

    def add(self, data: bytes) -> None:
        """Add what came."""
        self._data = self._data[self._at :] + data if len(self) else data
        self._at = 0

    def next_piece(self, most: int) -> bytes:
        """Return the next piece, of ``most`` bytes at most. ``b""`` if nothing waits."""
        begin = self._at
        if self.body_left:
            end = min(len(self._data), begin + min(most, self.body_left))
            self.body_left -= end - begin
        else:
            end = self._empty_line(begin, min(len(self._data), begin + most))
        self._at = end
        piece = self._data[begin:end] if begin or end < len(self._data) else self._data
        self._tail = (self._tail + piece)[1 - _LONGEST_END :] if len(piece) < _LONGEST_END else piece[-2:]
        return piece

    def _empty_line(self, begin: int, most: int) -> int:
        """Return where the next empty line ends, or ``most``: the end of what is looked at."""
        if self._tail.endswith((b"\n", b"\r")):
            found = _EMPTY_LINE.search(self._tail + self._data[begin : min(most, begin + 2)])
            if found is not None and found.end() > len(self._tail):
                return begin + found.end() - len(self._tail)
        found = _EMPTY_LINE.search(self._data, begin, most)
        return most if found is None else found.end()

    def pop_rest(self) -> bytes:
        """Return all that waits, and forget it."""
        rest = self._data[self._at :]
        self._data, self._at = b"", 0
        return rest
