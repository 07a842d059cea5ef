"""A frame that is scanned means what it means when it is decoded; all others are left to the decoder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorwire.core.instrument import Instrument
from floorwire.core.ports import VenueOutput
from floorwire.venues.common.scanned_message import ScannedMessage
from floorwire.venues.common.subscribed_symbol import SubscribedSymbol
from floorwire.venues.common.venue_book import LostChangeError
from floorwire.venues.okx.market_data import Okx
from floorwire.venues.okx.messages import BookFrame, TickerFrame, TradeFrame, decode_frame
from floorwire.venues.okx.scanned_messages import scan
from tests.venues.altered_frames import altered

NOW = 1_652_459_225_900_000


def signed_crc(text: str) -> int:
    found = crc32(text.encode())
    return found - 2**32 if found >= 2**31 else found


HEAD = '{"arg":{"channel":"books","instId":"BTC-USDT"},"action":'
FIRST = signed_crc("5:2.0:5.1:1.5:5.3:0.00000001")
SECOND = signed_crc("5:2.0:5.1:0.25:4.9:3:5.3:0.00000001")
SNAPSHOT = (
    f'{HEAD}"snapshot","data":[{{"asks":[["5.1","1.5","0","4"],["5.3","0.00000001","0","1"]],'
    f'"bids":[["5","2.0","0","1"]],"ts":"1652459225381","checksum":{FIRST},"prevSeqId":-1,"seqId":7}}]}}'
).encode()
CHANGE = (
    f'{HEAD}"update","data":[{{"asks":[["5.1","0.25","0","4"]],"bids":[["4.9","3","0","1"],["4.8","0","0","0"]],'
    f'"ts":"1652459225381","checksum":{SECOND},"seqId":9,"prevSeqId":7}}]}}'
).encode()
OF_2022 = CHANGE.replace(b',"seqId":9,"prevSeqId":7', b"")
WITHOUT_SUM = CHANGE.replace(f"{SECOND}".encode(), b"0")
QUOTE = (
    b'{"arg":{"channel":"bbo-tbt","instId":"BTC-USDT"},"data":[{"asks":[["5.1","0.25","0","4"]],'
    b'"bids":[["5","2.0","0","12"]],"ts":"1652459225382","seqId":123456}]}'
)
TRADE = (
    b'{"arg":{"channel":"trades","instId":"BTC-USDT"},"data":[{"instId":"BTC-USDT","tradeId":"130639474",'
    b'"px":"5.1","sz":"0.12060306","side":"buy","ts":"1652459225383","count":"3"}]}'
)
OLD_TRADE = TRADE.replace(b',"count":"3"', b"").replace(b"buy", b"sell").replace(b"0639474", b"0639475")
OLD_TICKER = (
    b'{"arg":{"channel":"tickers","instId":"BTC-USDT"},"data":[{"instType":"SPOT","instId":"BTC-USDT",'
    b'"last":"5.2","lastSz":"0.0002","askPx":"5.3","askSz":"1.55896972","bidPx":"5.1","bidSz":"0.23393",'
    b'"open24h":"5.4","high24h":"6.1","low24h":"3.95","sodUtc0":"5","sodUtc8":"5.1",'
    b'"volCcy24h":"5258020900.62716611","vol24h":"17602.13085371","ts":"1652459224956"}]}'
)
TICKER = OLD_TICKER.replace(b'"sodUtc0":"5","sodUtc8":"5.1",', b"").replace(
    b'"ts":', b'"sodUtc0":"5","sodUtc8":"5.1","ts":'
)
SINGLES = [QUOTE, TRADE, OLD_TRADE, TICKER, OLD_TICKER]
INSTRUMENTS = [
    Instrument("BTC-USDT", "BTC", "USDT", "okx", tick, lot)
    for tick, lot in [("0.1", "0.00000001"), ("0.1", "1"), ("0.2", "0.001"), ("0.01", "0.00000001")]
]
texts = (
    st.decimals(4, 6, places=1).map(str)
    | st.text("0123456789.", min_size=1, max_size=19)
    | st.sampled_from(["0", "0.0", "1e3", "-1", "NaN", "", ".5", "5.", "9" * 17, "9" * 18, "\u0663"])
)
rows = st.builds(
    '["{}","{}",{}]'.format, texts, texts, st.sampled_from(['"0","1"', '"0","1"', '"0"', '"x","1"', "0,1"])
)
levels = st.lists(rows, max_size=4).map(lambda found: "[" + ",".join(found) + "]")
numbers = st.sampled_from(["0", "7", "-1", "-2", "01", "1.0", "null", "9" * 17, "9" * 19, '"7"'])
frames = st.builds(
    HEAD.replace("{", "{{")
    .replace("}", "}}")
    .__add__('"{}","data":[{{"asks":{},"bids":{},"ts":"{}","checksum":{},"prevSeqId":{},"seqId":{}}}]}}')
    .format,
    st.sampled_from(["snapshot", "update", "other"]),
    levels,
    levels,
    st.sampled_from(["1652459225381", "0", "99999999999999999", "-1", "x", "01"]),
    numbers | st.sampled_from([str(FIRST), str(SECOND)]),
    numbers,
    numbers,
).map(str.encode)
frames |= altered([SNAPSHOT, CHANGE, OF_2022, WITHOUT_SUM, *SINGLES])
frames |= st.builds(
    lambda ask, size, bid, end: QUOTE.replace(b'"5.1","0.25"', f'"{ask}","{size}"'.encode())
    .replace(b'"5","2.0"', f'"{bid}","{size}"'.encode())
    .replace(b',"seqId":123456', end),
    texts, texts, texts,
    st.sampled_from([b"", b',"seqId":-1', b',"seqId":-2', b',"seqId":"7"', b',"action":"x"']),
)  # fmt: skip
frames |= st.builds(
    lambda trade_id, price, size, side: TRADE.replace(b"130639474", trade_id)
    .replace(b'"5.1"', f'"{price}"'.encode())
    .replace(b'"0.12060306"', f'"{size}"'.encode())
    .replace(b"buy", side),
    st.sampled_from([b"1", b"01", b"-1", b"9" * 17, b"9" * 20, b"x"]), texts, texts,
    st.sampled_from([b"buy", b"sell", b"", b"other"]),
)  # fmt: skip
frames |= st.builds(
    lambda ticker, opened, high, low, turnover, volume, ts: ticker.replace(b'"5.4"', f'"{opened}"'.encode())
    .replace(b'"6.1"', f'"{high}"'.encode())
    .replace(b'"3.95"', f'"{low}"'.encode())
    .replace(b'"5258020900.62716611"', f'"{turnover}"'.encode())
    .replace(b'"17602.13085371"', f'"{volume}"'.encode())
    .replace(b"1652459224956", ts),
    st.sampled_from([TICKER, OLD_TICKER]), texts, texts, texts, texts, texts,
    st.sampled_from([b"1652459224956", b"0", b"99999999999999999", b"-1", b"x"]),
)  # fmt: skip


def outcome(data: list[bytes], of: Instrument, read: Callable[[bytes], object]) -> list[tuple[object, ...]]:
    """Return what comes of each frame: its symbol, events, an error's type, what is counted, and the book."""
    exchange = Okx("")
    book = exchange.book(of)
    symbol = SubscribedSymbol(book, "link", NOW)
    found: list[tuple[object, ...]] = []
    for frame in data:
        out: list[VenueOutput] = []
        error: type[ValueError] | None = None
        try:
            message = read(frame)
        except ValueError:
            found.append(("unreadable",))
            continue
        try:
            for one in message.rows if isinstance(message, TradeFrame) else [message]:
                exchange.apply(one, symbol, NOW, out)
        except ValueError as raised:
            error = type(raised)
        skipped = Counter({reason: count for reason, count in exchange.skipped.items() if count})
        state = book.levels.snapshot(NOW), book.is_synced, book.has_left_out, symbol.is_regular
        found.append((symbol_of(message), out, error, skipped, state))
    return found


def symbol_of(message: object) -> str:
    if isinstance(message, BookFrame | TradeFrame | TickerFrame):
        return message.stream.inst_id
    return message.symbol if isinstance(message, ScannedMessage) else ""


def scanned_or_decoded(data: bytes) -> object:
    return scan(data) or decode_frame(data)


@given(st.lists(frames, max_size=3), st.sampled_from(INSTRUMENTS))
def test_a_scanned_frame_means_what_the_decoded_one_means(data: list[bytes], of: Instrument) -> None:
    data = [SNAPSHOT, *data]
    assert outcome(data, of, scanned_or_decoded) == outcome(data, of, decode_frame)


@pytest.mark.parametrize("data", [SNAPSHOT, CHANGE, OF_2022, WITHOUT_SUM, *SINGLES])
def test_frames_as_okx_writes_them_are_scanned(data: bytes) -> None:
    book = scan(data)
    assert book is not None
    assert book.symbol == "BTC-USDT"
    for end in range(len(data)):
        assert scan(data[:end]) is None
    assert scan(data + b" ") is None


def test_the_checksum_is_of_what_is_written_in_the_frames() -> None:
    other = CHANGE.replace(b'"0.25"', b'"0.250"')
    assert [result[2] for result in outcome([SNAPSHOT, CHANGE], INSTRUMENTS[0], scan)] == [None, None]
    assert [result[2] for result in outcome([SNAPSHOT, other], INSTRUMENTS[0], scan)] == [
        None,
        LostChangeError,
    ]


@pytest.mark.parametrize("data", [SNAPSHOT, CHANGE, *SINGLES])
def test_one_other_byte_changes_nothing_else(data: bytes) -> None:
    for at in range(len(data)):
        for byte in b'0."],[-\x00':
            other = [SNAPSHOT, data[:at] + bytes((byte,)) + data[at + 1 :]]
            assert outcome(other, INSTRUMENTS[0], scanned_or_decoded) == outcome(
                other, INSTRUMENTS[0], decode_frame
            )
