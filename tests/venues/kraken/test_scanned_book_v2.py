"""A frame that is scanned means what it means when it is decoded; all others are left to the decoder."""

from __future__ import annotations

from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorwire.core.instrument import Instrument
from floorwire.venues.common.exchange import SymbolMessages
from floorwire.venues.kraken.messages import decode_frame
from floorwire.venues.kraken.scanned_book_v2 import scan
from tests.venues.altered_frames import altered
from tests.venues.kraken.test_scanned_book import outcome


def checksum(digits: str) -> int:
    return crc32(digits.encode())


def frame(
    kind: str, bids: str, asks: str, checksum: object, end: str = '"timestamp":"2026-07-19T17:54:39.784623Z"'
) -> bytes:
    """Return a frame as Kraken writes it."""
    return (
        f'{{"channel":"book","type":"{kind}","data":[{{"symbol":"BTC/USD","bids":[{bids}],"asks":[{asks}],'
        f'"checksum":{checksum}{end and ","}{end}}}]}}'
    ).encode()


def level(price: object, size: object) -> str:
    return f'{{"price":{price},"qty":{size}}}'


SNAPSHOT = frame(
    "snapshot",
    level("5.0", "2.00000000"),
    f"{level('5.1', '1.50000000')},{level('5.3', '0.00000001')}",
    checksum("5115000000053150200000000"),
)
CHANGE = frame("update", "", level("5.1", "0.00000000"), checksum("53150200000000"))
BOTH = frame(
    "update",
    level("4.9", "3.50000000"),
    f"{level('5.2', '7.00000000')},{level('5.1', '1.00000000')}",
    checksum("51100000000527000000005315020000000049350000000"),
)
WITHOUT_TIME = frame("update", "", level("5.1", "0.00000000"), checksum("53150200000000"), "")
FRAMES = [SNAPSHOT, CHANGE, BOTH, WITHOUT_TIME]
INSTRUMENTS = [
    Instrument("BTC-USD", "BTC", "USD", "kraken", tick, lot)
    for tick, lot in [("0.1", "0.00000001"), ("0.1", "1"), ("0.2", "0.001"), ("0.01", "0.00000001")]
]
numbers = (
    st.decimals(4, 6, places=1).map(str)
    | st.text("0123456789.", min_size=1, max_size=19)
    | st.sampled_from(
        ["0", "0.0", "00.5", "5e0", "1e-8", "-1", "null", '"5.1"', "", ".5", "5.", "9" * 17, "9" * 18]
    )
)
levels = st.lists(st.builds(level, numbers, numbers), max_size=3).map(",".join)
frames = st.builds(
    frame,
    st.sampled_from(["snapshot", "update", "other"]),
    levels,
    levels,
    st.sampled_from(["0", "007", "null", "1.0", "-1", "", checksum("53150200000000"), 2**32]),
    st.sampled_from(
        ["", '"timestamp":"2026-07-19T17:54:39Z"', '"timestamp":"2026-02-30T17:54:39.784623Z"', '"x":1']
    ),
) | altered(FRAMES)


def scanned_or_decoded(data: bytes) -> object:
    book = scan(data)
    return decode_frame(data) if book is None else SymbolMessages(book.symbol, (book,))


@given(st.lists(frames, max_size=3), st.sampled_from(INSTRUMENTS))
def test_a_scanned_frame_means_what_the_decoded_one_means(data: list[bytes], of: Instrument) -> None:
    data = [SNAPSHOT, *data]
    assert outcome(data, of, scanned_or_decoded) == outcome(data, of, decode_frame)


@pytest.mark.parametrize("data", FRAMES)
def test_frames_as_kraken_writes_them_are_scanned(data: bytes) -> None:
    book = scan(data)
    assert book is not None
    assert book.symbol == "BTC/USD"
    for end in range(len(data)):
        assert scan(data[:end]) is None
    assert scan(data + b" ") is None


def test_the_checksum_is_of_the_digits_in_the_frames() -> None:
    found = outcome([SNAPSHOT, CHANGE, BOTH], INSTRUMENTS[0], scanned_or_decoded)
    assert [isinstance(one, tuple) and one[2] for one in found] == [None, None, None]
    other = BOTH.replace(b"3.50000000", b"3.50000001")
    assert outcome([SNAPSHOT, CHANGE, other], INSTRUMENTS[0], scanned_or_decoded)[2] != found[2]


@pytest.mark.parametrize("data", FRAMES)
def test_one_other_byte_changes_nothing_else(data: bytes) -> None:
    for at in range(len(data)):
        for byte in b'0."],[-e\x00':
            other = [SNAPSHOT, data[:at] + bytes((byte,)) + data[at + 1 :]]
            assert outcome(other, INSTRUMENTS[0], scanned_or_decoded) == outcome(
                other, INSTRUMENTS[0], decode_frame
            )
