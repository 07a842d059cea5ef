"""A frame that is scanned means what it means when it is decoded; all others are left to the decoder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorwire.core.instrument import Instrument
from floorwire.core.ports import VenueOutput
from floorwire.venues.binance.market_data import Binance
from floorwire.venues.binance.messages import Refusal, decode_frame
from floorwire.venues.binance.scanned_messages import ScannedDepth, ScannedQuote, ScannedTrade, scan
from floorwire.venues.common.subscribed_symbol import SubscribedSymbol
from floorwire.venues.common.venue_book import LostChangeError
from tests.venues.altered_frames import altered

NOW = 1_723_161_421_900_000
DEPTH = (
    b'{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1723161421887,"s":"BTCUSDT","U":11,"u":12,'
    b'"b":[["61726.13000000","0.93289000"],["61725.05000000","0.00000000"]],"a":[["61800.00000000","1.00000000"]]}}'
)
QUOTE = (
    b'{"stream":"btcusdt@bookTicker","data":{"u":50093320625,"s":"BTCUSDT","b":"61717.84000000","B":"0.00404000",'
    b'"a":"61720.00000000","A":"0.31450000"}}'
)
TRADE = (
    b'{"stream":"btcusdt@trade","data":{"e":"trade","E":1723161538486,"s":"BTCUSDT","t":3735691664,'
    b'"p":"61717.63000000","q":"0.02832000","T":1723161538485,"m":true,"M":true}}'
)
INSTRUMENTS = [
    Instrument("BTC-USDT", "BTC", "USDT", "binance", tick, lot)
    for tick, lot in [
        ("0.01", "0.00001"),
        ("0.05", "1"),
        ("0.000000000000000001", "0.00000001"),
        ("9" * 30, "10"),
    ]
]
texts = (
    st.decimals(0, 70_000, places=2).map(str)
    | st.text("0123456789.", min_size=1, max_size=19)
    | st.sampled_from(
        ["0", "0.00", "1e3", "-1", "NaN", "Infinity", "", ".5", "5.", "9" * 17, "9" * 18, "0x1", "\u0663"]
    )
)
whole = st.integers(-1, 2**64).map(str) | st.sampled_from(["01", "1.0", "1e3", '"1"', "null", "true"])
levels = st.lists(st.tuples(texts, texts), max_size=4).map(
    lambda pairs: "[" + ",".join(f'["{price}","{size}"]' for price, size in pairs) + "]"
)
names = st.sampled_from(["BTCUSDT", "ETHBTC", "", "\u00c4", "a\\u0062"])
depths = st.builds(
    '{{"stream":"btcusdt@depth@100ms","data":{{"e":"depthUpdate","E":{},"s":"{}","U":{},"u":{},"b":{},"a":{}}}}}'.format,
    whole, names, whole, whole, levels, levels,
)  # fmt: skip
quotes = st.builds(
    '{{"stream":"btcusdt@bookTicker","data":{{"u":{},"s":"{}","b":"{}","B":"{}","a":"{}","A":"{}"}}}}'.format,
    whole, names, texts, texts, texts, texts,
)  # fmt: skip
trades = st.builds(
    '{{"stream":"btcusdt@trade","data":{{"e":"trade","E":{},"s":"{}","t":{},"p":"{}","q":"{}","T":{},"m":{},"M":true}}}}'.format,
    whole, names, whole, texts, texts, whole, st.sampled_from(["true", "false", "1"]),
)  # fmt: skip
frames = (depths | quotes | trades).map(str.encode)
frames |= altered([DEPTH, QUOTE, TRADE])


def outcome(data: bytes, of: Instrument, read: Callable[[bytes], object]) -> tuple[object, ...]:
    """Return what comes of a frame: its symbol, events, an error's type, and what is counted."""
    exchange = Binance("")
    book = exchange.book(of)
    symbol = SubscribedSymbol(book, "link", NOW)
    book.apply_snapshot(10, ((1, 1),), ((2**62, 1),), NOW, NOW)
    out: list[VenueOutput] = []
    error: type[ValueError] | None = None
    try:
        message = read(data)
    except ValueError:
        return ("unreadable",)
    if message is None or isinstance(message, Refusal):
        return ("other",)
    try:
        exchange.apply(message, symbol, NOW, out)
    except ValueError as raised:
        error = type(raised)
    skipped = Counter({reason: count for reason, count in exchange.skipped.items() if count})
    return (
        getattr(message, "symbol", None),
        out,
        error,
        skipped,
        symbol.levels.snapshot(NOW),
        book.quote_id,
    )


def scanned_or_decoded(data: bytes) -> object:
    return scan(data) or decode_frame(data)


@given(frames, st.sampled_from(INSTRUMENTS))
def test_a_scanned_frame_means_what_the_decoded_one_means(data: bytes, of: Instrument) -> None:
    assert outcome(data, of, scanned_or_decoded) == outcome(data, of, decode_frame)


@pytest.mark.parametrize(
    ("data", "kind"), [(DEPTH, ScannedDepth), (QUOTE, ScannedQuote), (TRADE, ScannedTrade)]
)
def test_frames_as_binance_writes_them_are_scanned(data: bytes, kind: type[object]) -> None:
    assert type(scan(data)) is kind
    for end in range(len(data)):
        assert scan(data[:end]) is None
    assert scan(data + b" ") is None


@pytest.mark.parametrize("at", range(len(DEPTH)))
def test_one_other_byte_changes_nothing_else(at: int) -> None:
    for byte in b'0.9"],[}-e \x00':
        data = DEPTH[:at] + bytes((byte,)) + DEPTH[at + 1 :]
        for of in INSTRUMENTS[:1]:
            assert outcome(data, of, scanned_or_decoded) == outcome(data, of, decode_frame)


def test_a_gap_of_a_scanned_difference_is_a_loss() -> None:
    assert (
        outcome(DEPTH.replace(b'"U":11', b'"U":12'), INSTRUMENTS[0], scanned_or_decoded)[2] is LostChangeError
    )
