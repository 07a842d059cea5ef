# cython: nonecheck=False
"""Books of Kraken's WebSocket v1, read byte by byte where this module is compiled.

Kraken writes all frames of books alike. Another frame is left to ``messages_v1``, and so is one with what is
refused, or read in another way: a number with a sign or an exponent, or too many digits.
"""

from __future__ import annotations

from floorwire.venues.common.frame_scanner import FrameScanner, scanner_of
from floorwire.venues.common.scanned_message import ScannedMessage
from floorwire.venues.kraken.pair_names import current_pair

MAX_CHECKSUM = 2**32
NO_CHECKSUM = -1
MICROSECOND_DECIMALS = 6
LEAST_US, MOST_US = 10**15, 10**16 - 1
"""Times with ten digits of seconds and six decimals, as Kraken writes them."""
TIME_LENGTH = len('","1618678132.214235"')
"""In each row it follows the size, and is of this length."""
NOWHERE = -1
"""The place of a side that is not in the frame, less than any other."""


class ScannedBook(ScannedMessage):
    """``BookFrame``. Its levels are read where they stand in the frame."""

    __slots__ = ("asks_at", "bids_at", "checksum", "frame", "is_snapshot", "most_levels", "ts_us")
    frame: FrameScanner
    is_snapshot: bool
    bids_at: int
    asks_at: int
    most_levels: int
    """How many levels the longer side has."""
    checksum: int
    """``NO_CHECKSUM`` if there is none."""
    ts_us: int
    """The time of the latest change; 0: there is none, as in a snapshot."""


def scan(data: bytes) -> ScannedBook | None:
    """Return the book or the change in a frame; None if it has to be decoded."""
    frame = scanner_of(data)
    frame.least_rest = TIME_LENGTH
    book = ScannedBook.__new__(ScannedBook)
    book.frame = frame
    book.bids_at = book.asks_at = NOWHERE
    book.most_levels = book.ts_us = 0
    frame.expect(b"[")
    frame.number()
    frame.expect(b',{"')
    book.is_snapshot = frame.has(b'as":')
    if book.is_snapshot:
        book.asks_at = _levels(frame, book)
        frame.expect(b',"bs":')
        book.bids_at = _levels(frame, book)
        book.checksum = NO_CHECKSUM  # there is none with it
        book.ts_us = 0  # its levels are of any time
    else:
        _side(frame, book)
        if frame.has(b'},{"'):
            _side(frame, book)
        book.checksum = _checksum(frame)
    frame.expect(b'},"book-')
    frame.number()
    frame.expect(b'","')
    name = frame.text()
    frame.expect(b'"]')
    if not frame.is_whole():
        return None
    book.symbol = current_pair(name)
    return book


def _side(frame: FrameScanner, book: ScannedBook) -> None:
    """Go past the changes of one side."""
    if book.asks_at == NOWHERE and frame.has(b'a":'):
        book.asks_at = _levels(frame, book)
    elif book.bids_at == NOWHERE and frame.has(b'b":'):
        book.bids_at = _levels(frame, book)
    else:
        frame.fail()


def _levels(frame: FrameScanner, book: ScannedBook) -> int:
    """Go past ``[[price, size, time], ...]``; return where it begins."""
    begin, count = frame.at, 0
    frame.expect(b"[")
    if frame.has(b"]"):
        return begin
    is_next = True
    while is_next:
        frame.expect_decimals(2)
        frame.expect(b',"')
        at_us = time_of_v1(frame)
        book.ts_us = max(book.ts_us, at_us)
        if not frame.has(b'"]'):
            frame.expect(b'","r"]')  # sent again
        count += 1
        is_next = frame.has(b",")
    frame.expect(b"]")
    book.most_levels = max(book.most_levels, count)
    return begin


def time_of_v1(frame: FrameScanner) -> int:
    """Return the time in a text, in seconds since 1970, in microseconds, and go to its end."""
    at_us = frame.decimal()
    if at_us & 31 != MICROSECOND_DECIMALS or not LEAST_US <= at_us >> 5 <= MOST_US:
        frame.fail()
        return 0
    return at_us >> 5


def _checksum(frame: FrameScanner) -> int:
    frame.expect(b',"c":"')
    plain = frame.decimal()
    frame.expect(b'"')
    if plain & 31 or not plain >> 5 < MAX_CHECKSUM:
        frame.fail()
    return plain >> 5
