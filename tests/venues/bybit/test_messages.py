"""Frames of Bybit as types: each topic, what is no data, and what cannot be read."""

from __future__ import annotations

import json

import pytest

from floorwire.venues.bybit import messages

BOOK = {"s": "ABCUSDT", "b": [["10.4", "1.25"]], "a": [["10.5", "0"]], "u": 77, "seq": 900}
KLINE = {
    "start": 60_000,
    "end": 119_999,
    "interval": "1",
    "open": "1",
    "close": "2",
    "high": "4",
    "low": "1",
    "volume": "10",
    "turnover": "20",
    "confirm": True,
    "timestamp": 90_000,
}


def frame(topic: str, data: object, kind: str = "snapshot", **more: object) -> str:
    return json.dumps({"topic": topic, "ts": 1_720_000_000_123, "type": kind, "data": data, **more})


@pytest.mark.parametrize(("kind", "is_snapshot"), [("snapshot", True), ("delta", False)])
def test_a_book_has_the_time_of_the_engine(kind: str, is_snapshot: bool) -> None:
    read = messages.read(frame("orderbook.200.ABCUSDT", BOOK, kind, cts=1_720_000_000_100))
    book = messages.Book("ABCUSDT", 77, [("10.4", "1.25")], [("10.5", "0")], 900)
    assert read == messages.BookFrame("200", is_snapshot, 1_720_000_000_100, book)


def test_a_book_without_the_time_of_the_engine_has_that_of_the_frame() -> None:
    read = messages.read(frame("orderbook.1.ABCUSDT", BOOK))
    assert isinstance(read, messages.BookFrame)
    assert read.time == 1_720_000_000_123


def test_fields_may_come_in_any_order() -> None:
    text = json.dumps({"type": "delta", "data": BOOK, "ts": 5, "topic": "orderbook.50.ABCUSDT"})
    read = messages.read(text)
    assert isinstance(read, messages.BookFrame)
    assert (read.depth, read.is_snapshot, read.time) == ("50", False, 5)


@pytest.mark.parametrize("trade_id", ["20f43950-d8dd-5b31-9112-a178eb6023af", "2290000000012345"])
def test_trades(trade_id: str) -> None:
    row = {"T": 5, "s": "ABCUSDT", "S": "Buy", "v": "3", "p": "10.5", "i": trade_id, "BT": False, "seq": 9}
    read = messages.read(frame("publicTrade.ABCUSDT", [row, row]))
    trade = messages.Trade(5, "ABCUSDT", "Buy", "3", "10.5", trade_id)
    assert read == messages.TradeFrame("ABCUSDT", [trade, trade])


def test_a_ticker() -> None:
    row = {
        "symbol": "ABCUSDT",
        "lastPrice": "10",
        "highPrice24h": "11",
        "lowPrice24h": "8.5",
        "prevPrice24h": "9",
        "volume24h": "100",
        "turnover24h": "1000",
    }
    read = messages.read(frame("tickers.ABCUSDT", row, cs=2588407389))
    assert isinstance(read, messages.TickerFrame)
    assert (read.symbol, read.ticker.prev_price24h, read.time) == ("ABCUSDT", "9", 1_720_000_000_123)


def test_a_kline() -> None:
    read = messages.read(frame("kline.1.ABCUSDT", [KLINE]))
    assert isinstance(read, messages.KlineFrame)
    assert (read.symbol, read.interval, read.rows[0].start, read.rows[0].confirm) == (
        "ABCUSDT",
        "1",
        60_000,
        True,
    )


def test_answers_to_requests() -> None:
    text = {"success": True, "ret_msg": "pong", "conn_id": "465772b1", "op": "ping"}
    assert messages.read(json.dumps(text)) == messages.Notice("ping", True, "pong", "")
    text = {"success": False, "ret_msg": "Invalid symbol", "conn_id": "4", "req_id": "s1", "op": "subscribe"}
    assert messages.read(json.dumps(text)) == messages.Notice("subscribe", False, "Invalid symbol", "s1")


@pytest.mark.parametrize("topic", ["priceLimit.ABCUSDT", "system.status", "liquidation.ABCUSDT", "x"])
def test_other_topics_are_of_no_kind(topic: str) -> None:
    assert messages.read(frame(topic, {})) is None
    assert messages.read("{}") is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "pong",
        frame("orderbook.50.ABCUSDT", {"s": "ABCUSDT", "u": -1}),
        frame("orderbook.50.ABCUSDT", {**BOOK, "b": [["1"]]}),
        frame("publicTrade.ABCUSDT", [{"T": 5}]),
        frame("kline.1.ABCUSDT", [{**KLINE, "confirm": "no"}]),
        frame("tickers.ABCUSDT", []),
        frame("orderbook.50.ABCUSDT", BOOK)[:-3],
        b"\xff",
        '{"data":' * 2_000,
    ],
)
def test_what_cannot_be_read_raises_as_said(text: str | bytes) -> None:
    with pytest.raises((ValueError, RecursionError)):
        messages.read(text)


def test_the_topic_of_unreadable_data_is_known() -> None:
    assert messages.topic_of(frame("orderbook.50.ABCUSDT", 3)) == "orderbook.50.ABCUSDT"
    assert messages.topic_of("{") == ""
