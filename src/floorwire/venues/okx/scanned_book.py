"""Books of OKX, read byte by byte where this module is compiled.

OKX writes all frames of books alike. Another frame is left to ``messages``, and so is one with what is
refused, or read in another way: a number with an exponent, or too many digits.
"""

from __future__ import annotations

from floorwire.venues.common.frame_scanner import FrameScanner

HEAD = b'{"arg":{"channel":"books","instId":"'
MAX_MS = 253_402_300_799_999


class ScannedBook:
    """``Book`` of the channel ``books``. Its levels are read where they stand in the frame."""

    __slots__ = (
        "asks_at",
        "bids_at",
        "checksum",
        "frame",
        "is_snapshot",
        "prev_seq_id",
        "seq_id",
        "symbol",
        "ts",
    )
    frame: FrameScanner
    symbol: str
    is_snapshot: bool
    ts: int
    bids_at: int
    asks_at: int
    seq_id: int | None
    prev_seq_id: int | None
    checksum: int


def scan(data: bytes) -> ScannedBook | None:
    """Return the book or the change in a frame; None if it has to be decoded."""
    frame = FrameScanner(data)
    frame.expect(HEAD)
    book = ScannedBook()
    book.frame = frame
    book.symbol = frame.text()
    frame.expect(b'"},"action":"')
    book.is_snapshot = frame.has(b"snapshot")
    if not book.is_snapshot:
        frame.expect(b"update")
    frame.expect(b'","data":[{"asks":')
    book.asks_at = _levels(frame)
    frame.expect(b',"bids":')
    book.bids_at = _levels(frame)
    frame.expect(b',"ts":"')
    book.ts = frame.number()
    frame.expect(b'","checksum":')
    book.checksum = -frame.number() if frame.has(b"-") else frame.number()
    book.seq_id = book.prev_seq_id = None
    if frame.has(b',"prevSeqId":'):
        book.prev_seq_id = _sequence_id(frame)
        frame.expect(b',"seqId":')
        book.seq_id = _sequence_id(frame)
    elif frame.has(b',"seqId":'):
        book.seq_id = _sequence_id(frame)
        frame.expect(b',"prevSeqId":')
        book.prev_seq_id = _sequence_id(frame)
    frame.expect(b"}]}")
    return book if frame.is_whole() and book.ts <= MAX_MS else None


def _sequence_id(frame: FrameScanner) -> int:
    return -1 if frame.has(b"-1") else frame.number()


def _levels(frame: FrameScanner) -> int:
    """Go past ``[[price, size, "0", number of orders], ...]``; return where it begins."""
    begin = frame.at
    frame.expect(b"[")
    is_next = not frame.has(b"]")
    if not is_next:
        return begin
    while is_next:
        frame.expect_row(4)
        is_next = frame.has(b",")
    frame.expect(b"]")
    return begin
