"""A frame that is scanned means what it means when it is decoded; all others are left to the decoder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorwire.core.instrument import Instrument
from floorwire.core.ports import VenueOutput
from floorwire.venues.common.exchange import SymbolMessages
from floorwire.venues.common.subscribed_symbol import SubscribedSymbol
from floorwire.venues.kraken.market_data import Kraken
from floorwire.venues.kraken.messages_v1 import decode_frame
from floorwire.venues.kraken.scanned_book import scan
from tests.venues.altered_frames import altered

NOW = 1_618_678_133_900_000
SNAPSHOT = (
    b'[1664,{"as":[["5.1","1.50000000","1618678132.214235"],["5.3","0.00000001","1618678118.245529"]],'
    b'"bs":[["5.0","2.00000000","1618678132.189283"]]},"book-10","XBT/USD"]'
)
CHANGE = b'[1664,{"a":[["5.1","0.00000000","1618678133.763790"]],"c":"3182303143"},"book-10","XBT/USD"]'
BOTH = (
    b'[1664,{"a":[["5.2","7.00000000","1618678133.763790","r"],["5.1","1.00000000","1618678133.763791"]]},'
    b'{"b":[["4.9","3.50000000","1618678133.763792"]],"c":"974947235"},"book-10","XBT/USD"]'
)
INSTRUMENTS = [
    Instrument("BTC-USD", "BTC", "USD", "kraken", tick, lot)
    for tick, lot in [("0.1", "0.00000001"), ("0.1", "1"), ("0.2", "0.001"), ("0.01", "0.00000001")]
]
texts = (
    st.decimals(4, 6, places=1).map(str)
    | st.text("0123456789.", min_size=1, max_size=19)
    | st.sampled_from(["0", "0.00000000", "1e3", "-1", "NaN", "", ".5", "5.", "9" * 17, "9" * 18, "\u0663"])
)
times = st.sampled_from(["1618678133.763790", "1618678133.7637", "1618678133", "161867813.763790", "x"])
rows = st.builds(
    lambda price, size, at, end: f'["{price}","{size}","{at}"{end}]',
    texts, texts, times, st.sampled_from(["", "", ',"r"', ",1"]),
)  # fmt: skip
levels = st.lists(rows, max_size=4).map(lambda found: "[" + ",".join(found) + "]")
checksums = st.sampled_from(["3182303143", "0", "007", "4294967295", "4294967296", "1.0", "-1", "", "x"])
snapshots = st.builds('{{"as":{},"bs":{}}}'.format, levels, levels)
changes = st.builds('{{"{}":{},"c":"{}"}}'.format, st.sampled_from("abc"), levels, checksums)
doubles = st.builds(
    '{{"{}":{}}},{{"{}":{},"c":"{}"}}'.format,
    st.sampled_from("ab"), levels, st.sampled_from("ab"), levels, checksums,
)  # fmt: skip
frames = st.builds(
    '[{},{},"{}","{}"]'.format,
    st.sampled_from(["1664", "0", "-1", "x"]),
    snapshots | changes | doubles,
    st.sampled_from(["book-10", "book-1000", "book", "trade"]),
    st.sampled_from(["XBT/USD", "BTC/USD", "XDG\\/USD"]),
).map(str.encode)
frames |= altered([SNAPSHOT, CHANGE, BOTH])


def outcome(data: list[bytes], of: Instrument, read: Callable[[bytes], object]) -> list[object]:
    """Return what comes of each frame: its symbol, events, an error's type, what is counted, and the book."""
    exchange = Kraken("")
    symbol = SubscribedSymbol(exchange.book(of), "link", NOW)
    found: list[object] = []
    for frame in data:
        out: list[VenueOutput] = []
        error: type[ValueError] | None = None
        try:
            reading = read(frame)
        except ValueError:
            found.append("unreadable")
            continue
        if not isinstance(reading, SymbolMessages):
            found.append(reading)
            continue
        try:
            for message in reading.messages:
                exchange.apply(message, symbol, NOW, out)
        except ValueError as raised:
            error = type(raised)
        skipped = Counter({reason: count for reason, count in exchange.skipped.items() if count})
        found.append((reading.native, out, error, skipped, symbol.levels.snapshot(NOW), symbol.is_synced))
    return found


def scanned_or_decoded(data: bytes) -> object:
    book = scan(data)
    return decode_frame(data) if book is None else SymbolMessages(book.symbol, (book,))


@given(st.lists(frames, max_size=3), st.sampled_from(INSTRUMENTS))
def test_a_scanned_frame_means_what_the_decoded_one_means(data: list[bytes], of: Instrument) -> None:
    data = [SNAPSHOT, *data]
    assert outcome(data, of, scanned_or_decoded) == outcome(data, of, decode_frame)


@pytest.mark.parametrize("data", [SNAPSHOT, CHANGE, BOTH])
def test_frames_as_kraken_writes_them_are_scanned(data: bytes) -> None:
    book = scan(data)
    assert book is not None
    assert book.symbol == "BTC/USD"
    for end in range(len(data)):
        assert scan(data[:end]) is None
    assert scan(data + b" ") is None


@pytest.mark.parametrize("data", [SNAPSHOT, CHANGE, BOTH])
def test_one_other_byte_changes_nothing_else(data: bytes) -> None:
    for at in range(len(data)):
        for byte in b'0."],[-\x00':
            other = [SNAPSHOT, data[:at] + bytes((byte,)) + data[at + 1 :]]
            assert outcome(other, INSTRUMENTS[0], scanned_or_decoded) == outcome(
                other, INSTRUMENTS[0], decode_frame
            )


def test_a_book_in_three_parts_is_decoded() -> None:
    data = BOTH.replace(b"]]},{", b']]},{"c":"1"},{', 1)
    assert isinstance(decode_frame(data), SymbolMessages)
