"""Trades and tickers that are scanned mean what they mean when they are decoded."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorwire.core.instrument import Instrument
from floorwire.venues.common.exchange import SymbolMessages
from floorwire.venues.common.scanned_message import ScannedMessage
from floorwire.venues.kraken import messages, messages_v1
from floorwire.venues.kraken.scanned_messages import scan_v1, scan_v2
from tests.venues.altered_frames import altered
from tests.venues.kraken.test_scanned_book import outcome

TICKER = (
    b'[1668,{"a":["5.3",35,"35.72892241"],"b":["5.1",185,"185.18432037"],"c":["5.2","3.71672000"],'
    b'"v":["26560.85364463","72035.05488104"],"p":["5.4","5.5"],"t":[640,1353],"l":["4.0","3.9"],'
    b'"h":["6.0","6.1"],"o":["5.4","5.6"]},"ticker","XBT/USD"]'
)
TRADE = b'[993,[["5.1","0.89594024","1618678142.557535","s","l",""]],"trade","XBT/USD"]'
TRADES = TRADE.replace(b"]],", b'],["5.2","1.00000000","1618678142.557536","b","m",""]],')
V1 = [TICKER, TRADE, TRADES]
TRADE_V2 = (
    b'{"channel":"trade","type":"update","data":[{"symbol":"BTC/USD","side":"sell","price":5.1,'
    b'"qty":0.89594024,"ord_type":"market","trade_id":4665906,"timestamp":"2023-09-25T07:49:37.708706Z"}]}'
)
TRADES_V2 = TRADE_V2.replace(
    b"}]}",
    b'},{"symbol":"BTC/USD","side":"buy","price":5.2,"qty":1.0,'
    b'"ord_type":"limit","trade_id":4665907,"timestamp":"2023-09-25T07:49:37.708707Z"}]}',
)
V2 = [TRADE_V2, TRADES_V2]
INSTRUMENTS = [
    Instrument("BTC-USD", "BTC", "USD", "kraken", tick, lot)
    for tick, lot in [("0.1", "0.00000001"), ("0.1", "1"), ("0.2", "0.001"), ("0.01", "0.00000001")]
]
texts = (
    st.decimals(0, 6, places=1).map(str)
    | st.text("0123456789.", min_size=1, max_size=19)
    | st.sampled_from(
        [
            "0",
            "0.0",
            "00.5",
            "1e3",
            "-1",
            "NaN",
            "abe",
            "",
            ".5",
            "5.",
            "9" * 17,
            "9" * 18,
            "9" * 41,
            "\u0663",
        ]
    )
)
tickers = st.builds(
    '[1,{{"a":["{}",{},"{}"],"b":["{}",0,"{}"],"c":["{}","{}"],"v":["{}","{}"],"p":["{}","5.5"],"t":[640,{}],'
    '"l":["4.0","{}"],"h":["{}","6.1"],"o":["5.4","{}"]}},"{}","XBT/USD"]'.format,
    texts, st.sampled_from(["0", "-1", "1.5", "x"]), texts, texts, texts, texts, texts, texts, texts, texts,
    st.sampled_from(["0", "-1", "1.5", "x"]), texts, texts, texts, st.sampled_from(["ticker", "trade"]),
)  # fmt: skip
some = st.sampled_from
rows = st.builds(
    '["{}","{}","{}","{}","{}"{}]'.format,
    texts, texts, some(["1618678133.763790", "1618678133.7637", "1618678133", "161867813.763790", "x"]),
    some(["b", "s", "x", ""]), some(["l", "m", "", "\\u0041"]), some(["", ',""', ',"x"', ",1", ',"","y"']),
)  # fmt: skip
trades = st.lists(rows, max_size=3).map(lambda found: f'[1,[{",".join(found)}],"trade","XBT/USD"]')
frames_v1 = (tickers | trades).map(str.encode) | altered(V1)
rows_v2 = st.builds(
    '{{"symbol":"{}","side":"{}","price":{},"qty":{},"ord_type":"{}","trade_id":{},"timestamp":"{}"}}'.format,
    some(["BTC/USD", "BTC/USD", "ETH/USD"]), some(["buy", "sell", "x"]),
    texts, texts, some(["limit", "\\n", ""]),
    some(["0", "7", "8", "01", "-1", "1.0", "9" * 17, "9" * 19]),
    some(["2023-09-25T07:49:37.708706Z", "2023-09-25T07:49:37Z", "2023-02-30T07:49:37.708706Z", "x"]),
)  # fmt: skip
frames_v2 = st.builds(
    '{{"channel":"{}","type":"{}","data":[{}]}}'.format,
    some(["trade", "ticker"]), some(["update", "snapshot", "other"]),
    st.lists(rows_v2, max_size=3).map(",".join),
).map(str.encode) | altered(V2)  # fmt: skip


def scanned_or(
    decode: Callable[[bytes], object], scan: Callable[[bytes], ScannedMessage | SymbolMessages | None]
) -> Callable[[bytes], object]:
    def read(data: bytes) -> object:
        found = scan(data)
        if found is None:
            return decode(data)
        return found if isinstance(found, SymbolMessages) else SymbolMessages(found.symbol, (found,))

    return read


read_v1 = scanned_or(messages_v1.decode_frame, scan_v1)
read_v2 = scanned_or(messages.decode_frame, scan_v2)


@given(st.lists(frames_v1, max_size=3), st.sampled_from(INSTRUMENTS))
def test_a_scanned_frame_of_v1_means_what_the_decoded_one_means(data: list[bytes], of: Instrument) -> None:
    assert outcome(data, of, read_v1) == outcome(data, of, messages_v1.decode_frame)


@given(st.lists(frames_v2, max_size=3), st.sampled_from(INSTRUMENTS))
def test_a_scanned_frame_of_v2_means_what_the_decoded_one_means(data: list[bytes], of: Instrument) -> None:
    assert outcome(data, of, read_v2) == outcome(data, of, messages.decode_frame)


@pytest.mark.parametrize("data", [*V1, *V2])
def test_frames_as_kraken_writes_them_are_scanned(data: bytes) -> None:
    scan = scan_v1 if data in V1 else scan_v2
    found = scan(data)
    assert isinstance(found, SymbolMessages if data in (TRADES, TRADES_V2) else ScannedMessage)
    for end in range(len(data)):
        assert scan(data[:end]) is None
    assert scan(data + b" ") is None


@pytest.mark.parametrize("data", [*V1, *V2])
def test_one_other_byte_changes_nothing_else(data: bytes) -> None:
    read, decode = (read_v1, messages_v1.decode_frame) if data in V1 else (read_v2, messages.decode_frame)
    for at in range(len(data)):
        for byte in b'0."],[-e\\\x00':
            other = [data[:at] + bytes((byte,)) + data[at + 1 :]]
            assert outcome(other, INSTRUMENTS[0], read) == outcome(other, INSTRUMENTS[0], decode)


def test_a_price_far_from_the_one_of_a_day_ago_is_decoded() -> None:
    assert scan_v1(TICKER.replace(b'"5.6"', b'"5.60"')) is None


def test_trades_of_two_symbols_are_decoded() -> None:
    assert scan_v2(TRADES_V2.replace(b"BTC", b"ETH", 1)) is None
