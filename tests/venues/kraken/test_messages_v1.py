"""Frames of Kraken's WebSocket v1, in recordings."""

from __future__ import annotations

import json
from zlib import crc32

import pytest

from floorwire.core.market_events import BookChange, BookSnapshot, DayStats, Listing, Quote, Trade
from floorwire.venues.common.exchange import SymbolMessages
from floorwire.venues.kraken import market_data, messages_v1
from floorwire.venues.kraken.messages import Notice
from tests.venues.driver import Driver, every, statuses

T = 1_618_678_132_000_000
LISTED = {
    "XBTUSD": {"wsname": "XBT/USD", "pair_decimals": 1, "lot_decimals": 8, "altname": "XBTUSD"},
    "ADAXBT": {"wsname": "ADA/XBT", "pair_decimals": 8, "lot_decimals": 8, "altname": "ADAXBT"},
}
BID, ASK = ["56218.30000", "0.15000000"], ["56219.00000", "1.00000000"]


def checksum(asks: list[list[str]], bids: list[list[str]]) -> str:
    texts = (text.replace(".", "").lstrip("0") for level in (*asks, *bids) for text in level[:2])
    return str(crc32("".join(texts).encode()))


def driver(*names: str) -> Driver:
    made = Driver(market_data.venue(names, recorded=True), T)
    made.answer(market_data.LIST_URL, {"error": [], "result": LISTED})
    made.up()
    return made


def book(*data: object, pair: str = "XBT/USD") -> list[object]:
    return [560, *data, "book-1000", pair]


def test_a_list_of_2021_has_ticks_of_its_decimals() -> None:
    made = driver("BTC-USD", "ADA-BTC")
    instruments = {of.symbol: of for said in every(made.out, Listing) for of in said.instruments}
    assert instruments["BTC-USD"].tick_size == "0.1"
    assert instruments["ADA-BTC"].lot_size == "0.00000001"
    assert instruments["ADA-BTC"].state == "open"


def test_a_book_is_checked_by_the_texts_of_v1() -> None:
    made = driver("BTC-USD")
    [snapshot] = every(
        made.frame(book({"as": [[*ASK, "1618678132.1"]], "bs": [[*BID, "1618678132.2"]]})), BookSnapshot
    )
    assert snapshot.bids == ((562_183, 15_000_000),)
    new = ["56218.90000", "2.00000000"]
    right = {"b": [[*new, "1618678133.365913"]], "c": checksum([ASK], [new, BID])}
    [change] = every(made.frame(book(right)), BookChange)
    assert change == BookChange("BTC-USD", ((562_189, 200_000_000),), (), T + 1_365_913)
    gone = ["56218.90000", "0.00000000", "1618678133.4"]
    higher = ["56220.00000", "1.00000000", "1618678133.5", "r"]
    both = book({"a": [higher]}, {"b": [gone], "c": checksum([ASK, higher], [BID])})
    [change] = every(made.frame(both), BookChange)
    assert (change.bids, change.asks) == (((562_189, 0),), ((562_200, 100_000_000),))
    made.frame(book({"a": [["56221.00000", "1.00000000", "1618678134.0"]], "c": "1"}))
    assert statuses(made.out)[-1] == ("BTC-USD", "stale", "bad_message")


def test_the_depth_is_what_was_confirmed() -> None:
    made = driver("BTC-USD")
    confirmed = {"channelID": 1, "channelName": "book-10", "event": "subscriptionStatus", "pair": "XBT/USD"}
    made.frame(confirmed | {"status": "subscribed", "subscription": {"name": "book", "depth": 10}})
    bids = [[f"{56_000 + n}.00000", "1.00000000", "1618678132.0"] for n in range(10)]
    [snapshot] = every(made.frame(book({"as": [[*ASK, "1618678132.0"]], "bs": bids})), BookSnapshot)
    assert len(snapshot.bids) == 10
    better = ["56100.00000", "1.00000000"]
    shown = [better, *reversed(bids[1:])]
    change = {"b": [[*better, "1618678133.0"]], "c": checksum([ASK], shown)}
    [changed] = every(made.frame(book(change)), BookChange)
    assert (560_000, 0) in changed.bids, "the eleventh was pushed out"


def test_trades_are_counted_and_the_old_names_are_new_ones() -> None:
    made = driver("ADA-BTC")
    rows = [
        ["0.00002290", "5.5", "1618678133.1", "s", "l", ""],
        ["0.00002291", "1", "1618678133.1", "b", "m", ""],
    ]
    out = every(made.frame([1, rows, "trade", "ADA/XBT"]), Trade)
    assert out == [
        Trade("ADA-BTC", "1", 2_290, 550_000_000, "sell", T + 1_100_000),
        Trade("ADA-BTC", "2", 2_291, 100_000_000, "buy", T + 1_100_000),
    ]


def test_a_ticker() -> None:
    made = driver("BTC-USD")
    two = {name: ["1.0", "2.0"] for name in "vpt"}
    data = {"a": ["56219.0", 1, "1.5"], "b": ["56218.3", 0, "0.25"], "c": ["56218.5", "0.1"], **two}
    data |= {
        "v": ["1.0", "20.5"],
        "l": ["56000.0", "55000.0"],
        "h": ["57000.0", "58000.0"],
        "o": ["56100.0", "56200.0"],
    }
    out = made.frame([1, data, "ticker", "XBT/USD"])
    assert every(out, Quote) == [Quote("BTC-USD", 562_183, 25_000_000, 562_190, 150_000_000, T)]
    assert every(out, DayStats) == [DayStats("BTC-USD", 562_000, 580_000, 550_000, 2_050_000_000, None, T)]


@pytest.mark.parametrize(
    "frame",
    [
        '{"event":"heartbeat"}',
        '{"connectionID":18446744073709551615,"event":"systemStatus","status":"online","version":"1.8.3"}',
        '{"channelID":1,"channelName":"trade","event":"subscriptionStatus","pair":"XBT/USD","status":"subscribed",'
        '"subscription":{"name":"trade"}}',
    ],
)
def test_what_has_no_data_says_nothing(frame: str) -> None:
    made = driver("BTC-USD")
    made.frame(frame)
    assert not +made.venue.skipped  # type: ignore[attr-defined]


def test_a_refusal_is_counted() -> None:
    refused = {
        "event": "subscriptionStatus",
        "pair": "X/Y",
        "status": "error",
        "errorMessage": "Pair unknown",
    }
    assert messages_v1.read_event(json.dumps(refused)) == Notice(error="Pair unknown")


@pytest.mark.parametrize(
    "frame",
    [
        "[1]",
        "[]",
        '[1,{"as":[["1"]],"bs":[]},"book-10","XBT/USD"]',
        '[1,{"b":[["1","2","soon"]]},"book-10","XBT/USD"]',
        '[1,{"b":[["1","2","1618678133.0"]],"c":"99999999999"},"book-10","XBT/USD"]',
        '[1,[["1","2"]],"trade","XBT/USD"]',
        '[1,{"a":[]},"ticker","XBT/USD"]',
        '[1,{},3,"XBT/USD"]',
    ],
)
def test_frames_that_cannot_be_read(frame: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - each part of it says what is wrong
        messages_v1.read(frame)


def test_other_channels_are_of_another_kind() -> None:
    assert messages_v1.read('[1,["1","2","3","4","5"],"spread","XBT/USD"]') is None
    assert isinstance(messages_v1.read('[1,[],"trade","XBT/USD"]'), SymbolMessages)


def test_which_book_a_broken_frame_is_of() -> None:
    assert messages_v1.symbol_of_book('[1,{"b":0},"book-10","XBT/USD"]') == "BTC/USD"
    assert messages_v1.symbol_of_book('[1,{"b":0},"trade","XBT/USD"]') is None
    assert messages_v1.symbol_of_book("[1]") is None
    assert messages_v1.symbol_of_book("no") is None


def test_the_symbols_of_a_subscription() -> None:
    text = '{"event":"subscribe","pair":["XBT/USD","ADA/EUR"],"subscription":{"name":"trade"}}'
    assert market_data.requested_symbols(text) == ["BTC/USD", "ADA/EUR"]
    assert market_data.requested_symbols('{"event":"unsubscribe","pair":["XBT/USD"]}') == []
