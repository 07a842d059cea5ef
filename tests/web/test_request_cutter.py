"""Whatever the packets, at most one request ends in a piece, and no byte is lost."""

from __future__ import annotations

import httptools
from hypothesis import given
from hypothesis import strategies as st

from floorwire.web.request_cutter import RequestCutter

CHUNKED = b"POST /d HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
REQUESTS = [
    (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 0),
    (b"\r\n\r\nGET /a HTTP/1.1\r\n\r\n", 0),
    (b"POST /b HTTP/1.1\r\nContent-Length: 7\r\n\r\n\r\n\r\n\r\nx", 7),
    (b"POST /c HTTP/1.1\r\nContent-Length: 0\r\n\r\n", 0),
    (CHUNKED + b"0\r\n\r\n", 0),
    (CHUNKED + b"4\r\n\r\n\r\n\r\n1\r\n\n\r\n0\r\nX: y\r\n\r\n", 0),
]


class Reader:
    """Parses pieces, and notes how many requests end in each."""

    def __init__(self, lengths: list[int], most: int) -> None:
        self._most = most
        self.cutter = RequestCutter()
        self.pieces: list[bytes] = []
        self.ended: list[int] = []
        self._lengths = lengths
        self._parser = httptools.HttpRequestParser(self)

    def on_headers_complete(self) -> None:
        """The length that the head says is known from here on."""
        self.cutter.body_left = self._lengths[sum(self.ended)]

    def on_message_complete(self) -> None:
        """One request ended."""
        self.ended[-1] += 1

    def read(self, data: bytes) -> None:
        """Take one packet."""
        self.cutter.add(data)
        while self.cutter:
            self.pieces.append(self.cutter.next_piece(self._most))
            self.ended.append(0)
            self._parser.feed_data(self.pieces[-1])


@given(
    st.lists(st.sampled_from(REQUESTS), min_size=1, max_size=8),
    st.lists(st.integers(1, 60), min_size=1),
    st.integers(1, 60),
)
def test_at_most_one_request_ends_in_a_piece(
    requests: list[tuple[bytes, int]], sizes: list[int], most: int
) -> None:
    sent = b"".join(request for request, _ in requests)
    reader, at, turn = Reader([length for _, length in requests], most), 0, 0
    while at < len(sent):
        size = sizes[turn % len(sizes)]
        reader.read(sent[at : at + size])
        at, turn = at + size, turn + 1
    assert sum(reader.ended) == len(requests)
    assert max(reader.ended) == 1
    assert max(map(len, reader.pieces)) <= most
    assert b"".join(reader.pieces) == sent


def test_what_waits_is_counted_and_can_be_taken() -> None:
    cutter = RequestCutter()
    assert cutter.next_piece(99) == b""
    cutter.add(b"GET / HTTP/1.1\r\n\r\nrest")
    assert len(cutter) == 22
    assert cutter.next_piece(99) == b"GET / HTTP/1.1\r\n\r\n"
    cutter.add(b" and more")
    assert cutter.pop_rest() == b"rest and more"
    assert len(cutter) == 0
    assert cutter.pop_rest() == b""
