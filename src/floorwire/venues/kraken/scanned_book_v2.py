"""Books of Kraken's WebSocket v2, read byte by byte where this module is compiled.

Kraken writes all frames of books alike. Another frame is left to ``messages``, and so is one with what is
refused, or read in another way: a number with a sign or an exponent, or too many digits.
"""

from __future__ import annotations

from floorwire.venues.common.frame_scanner import FrameScanner, scanner_of
from floorwire.venues.kraken.scanned_book import ScannedBook

HEAD = b'{"channel":"book","type":"'


def scan(data: bytes) -> ScannedBook | None:
    """Return the book or the change in a frame; None if it has to be decoded."""
    frame = scanner_of(data)
    book = ScannedBook.__new__(ScannedBook)
    book.frame = frame
    book.most_levels = book.ts_us = 0
    frame.has_objects = True
    frame.expect(HEAD)
    book.is_snapshot = frame.has(b"snapshot")
    if not book.is_snapshot:
        frame.expect(b"update")
    frame.expect(b'","data":[{"symbol":"')
    book.symbol = frame.text()
    frame.expect(b'","bids":')
    book.bids_at = _levels(frame, book)
    frame.expect(b',"asks":')
    book.asks_at = _levels(frame, book)
    frame.expect(b',"checksum":')
    book.checksum = frame.number()
    if frame.has(b',"timestamp":"'):
        book.ts_us = frame.time_us()
        frame.expect(b'"')
    frame.expect(b"}]}")
    return book if frame.is_whole() else None


def _levels(frame: FrameScanner, book: ScannedBook) -> int:
    """Go past ``[{"price":..., "qty":...}, ...]``; return where it begins."""
    begin, count = frame.at, 0
    frame.expect(b"[")
    is_next = not frame.has(b"]")
    if not is_next:
        return begin
    while is_next:
        frame.expect(b'{"price":')
        frame.json_decimal()
        frame.expect(b',"qty":')
        frame.json_decimal()
        frame.expect(b"}")
        count += 1
        is_next = frame.has(b",")
    frame.expect(b"]")
    book.most_levels = max(book.most_levels, count)
    return begin
