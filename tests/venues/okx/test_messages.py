"""Frames of OKX as types: each channel, what is no data, and what cannot be read."""

from __future__ import annotations

import json

import pytest

from floorwire.venues.okx import messages

ARG = {"channel": "books", "instId": "ABC-USDT"}


def frame(channel: str, *rows: object, **more: object) -> str:
    return json.dumps({"arg": {"channel": channel, "instId": "ABC-USDT"}, "data": rows, **more})


def test_a_book_has_its_numbers_and_levels_of_four_parts() -> None:
    row = {
        "asks": [["10.5", "2", "0", "3"]],
        "bids": [["10.4", "1.25", "0", "1"]],
        "ts": "1720000000123",
        "checksum": -855196043,
        "prevSeqId": -1,
        "seqId": 77,
    }
    read = messages.read(frame("books", row, action="snapshot"))
    assert isinstance(read, messages.BookFrame)
    assert (read.stream.channel, read.stream.inst_id, read.action) == ("books", "ABC-USDT", "snapshot")
    [book] = read.rows
    assert (book.ts, book.seq_id, book.prev_seq_id, book.checksum) == (1_720_000_000_123, 77, -1, -855196043)
    assert [(level.price, level.size) for level in book.bids + book.asks] == [("10.4", "1.25"), ("10.5", "2")]


def test_a_book_of_2022_has_no_numbers() -> None:
    read = messages.read(frame("books", {"asks": [], "bids": [], "ts": "1", "checksum": 5}, action="update"))
    assert isinstance(read, messages.BookFrame)
    assert (read.rows[0].seq_id, read.rows[0].prev_seq_id) == (None, None)


@pytest.mark.parametrize("channel", ["trades", "trades-all"])
def test_trades(channel: str) -> None:
    row = {
        "instId": "ABC-USDT",
        "tradeId": "906",
        "px": "10.5",
        "sz": "3",
        "side": "sell",
        "ts": "1720000000123",
    }
    read = messages.read(frame(channel, {**row, "count": "3"}, row))
    assert isinstance(read, messages.TradeFrame)
    assert [trade.trade_id for trade in read.rows] == [906, 906]


def test_a_ticker() -> None:
    row = {
        "instType": "SPOT",
        "open24h": "9",
        "high24h": "11",
        "low24h": "8.5",
        "vol24h": "100",
        "volCcy24h": "1000",
        "ts": "5",
    }
    read = messages.read(frame("tickers", row))
    assert isinstance(read, messages.TickerFrame)
    assert (read.rows[0].volume, read.rows[0].turnover) == ("100", "1000")


def test_a_candle() -> None:
    read = messages.read(frame("candle1m", ["60000", "1", "4", "1", "2", "10", "20", "20", "1"]))
    assert isinstance(read, messages.CandleFrame)
    assert (read.rows[0].start, read.rows[0].close, read.rows[0].confirm) == (60_000, "2", "1")


def test_instruments_stay_unread_until_one_by_one() -> None:
    read = messages.read(json.dumps({"arg": {"channel": "instruments", "instType": "SPOT"}, "data": [{}, 3]}))
    assert isinstance(read, messages.InstrumentFrame)
    assert [bytes(row) for row in read.rows] == [b"{}", b"3"]


@pytest.mark.parametrize("pong", ["pong", b"pong"])
def test_the_answer_to_a_ping_is_a_bare_word(pong: str | bytes) -> None:
    assert messages.read(pong) == messages.PONG


def test_an_acknowledgement_names_its_stream() -> None:
    read = messages.read(json.dumps({"id": "7", "event": "subscribe", "arg": ARG, "connId": "a4"}))
    assert read == messages.Notice("subscribe", "", "", "7", messages.Stream("books", "ABC-USDT"))


def test_an_error_has_a_code_and_no_stream() -> None:
    text = {"id": "7", "event": "error", "code": "60018", "msg": "Wrong URL or channel", "connId": "a4"}
    read = messages.read(json.dumps(text))
    assert read == messages.Notice("error", "60018", "Wrong URL or channel", "7", messages.Stream())


@pytest.mark.parametrize("channel", ["books5", "status", "price-limit", "funding-rate", ""])
def test_other_channels_are_of_no_kind(channel: str) -> None:
    assert messages.read(frame(channel, {})) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "ping",
        "{",
        frame("books", {"ts": "yesterday"}),
        frame("books", {"ts": "-1"}),
        frame("books", {"ts": "1", "bids": [["1"]]}),
        frame(
            "trades", {"instId": "ABC-USDT", "tradeId": "x", "px": "1", "sz": "1", "side": "buy", "ts": "1"}
        ),
        frame("candle1m", ["1597026383085"]),
        frame("instruments")[:-5],
        b"\xff",
        '{"arg":' * 2_000,
    ],
)
def test_what_cannot_be_read_raises_as_said(text: str | bytes) -> None:
    with pytest.raises((ValueError, RecursionError)):
        messages.read(text)


def test_the_stream_of_unreadable_data_is_known() -> None:
    assert messages.stream_of(frame("books", {"ts": []})) == messages.Stream("books", "ABC-USDT")
    assert messages.stream_of("{") is None
