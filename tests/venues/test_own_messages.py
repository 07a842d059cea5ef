"""Single messages of our own, in the exchanges' shapes: what ``test_recorded_messages`` asks of real ones."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from floorwire.core.market_events import (
    BookChange,
    BookSnapshot,
    Candle,
    DayStats,
    Listing,
    MarketEvent,
    Quote,
    Trade,
)
from floorwire.venues.binance import market_data as binance
from floorwire.venues.coinbase import market_data as coinbase
from tests.venues.driver import Driver, events, every

MESSAGES = Path(__file__).parent.parent / "recorded" / "messages"
MILLI = 1_000
SECOND = 1_000_000
AT = 1_720_000_000 * SECOND  # 2024-07-03T09:46:40Z
NOW = AT + 200 * SECOND  # no message is of later


def of(exchange: str) -> Mapping[str, object]:
    messages: dict[str, object] = json.loads((MESSAGES / f"{exchange}.json").read_text())
    return messages


def on_binance() -> Driver:
    """Return a driver whose ABC-USDT is listed (tick 0.0001, lot 0.001) and whose link is up."""
    driver = Driver(binance.venue(("ABC-USDT", "NEW-USDT")), NOW)
    driver.answer(binance.LIST_URL, of("binance")["list"])
    driver.up()
    return driver


def said_by_binance(name: str) -> list[MarketEvent]:
    return events(on_binance().frame(of("binance")[name]))


def test_binance_list() -> None:
    listed = {one.symbol: one for said in every(on_binance().out, Listing) for one in said.instruments}
    abc, new = listed["ABC-USDT"], listed["NEW-USDT"]
    assert (abc.tick_size, abc.lot_size, abc.min_notional, abc.state) == ("0.0001", "0.001", "5", "open")
    assert (new.tick_size, new.lot_size, new.state) == ("0.00000001", "0.00000001", "halted")


def test_binance_depth_and_its_update() -> None:
    driver = on_binance()
    driver.wait(5)
    [url] = [url for url in driver.fetches() if "symbol=ABCUSDT" in url]
    [book] = every(driver.answer(url, of("binance")["depth"]), BookSnapshot)
    assert book.bids == ((123_450, 3_250), (123_400, 1_000))
    assert book.asks == ((123_456, 500),)
    assert driver.frame(of("binance")["depth_update"]) == [
        BookChange("ABC-USDT", ((123_440, 7_000),), ((123_456, 0), (123_500, 2_000)), AT + 3_210 * MILLI)
    ]


def test_binance_trades() -> None:
    assert said_by_binance("agg_trade") == [Trade("ABC-USDT", "905", 123_456, 125, "buy", AT + 4 * SECOND)]
    assert said_by_binance("trade") == [Trade("ABC-USDT", "906", 123_450, 2_000, "sell", AT + 5 * SECOND)]


def test_binance_book_ticker() -> None:
    assert said_by_binance("book_ticker") == [Quote("ABC-USDT", 123_450, 3_250, 123_500, 2_000, NOW)]


def test_binance_day() -> None:
    assert said_by_binance("ticker") == [
        DayStats("ABC-USDT", 120_000, 125_000, 119_000, 4_321_500, 522_901_500_000, AT + 6 * SECOND)
    ]


@pytest.mark.parametrize(
    ("name", "figures", "closed", "ts_us"),
    [
        (
            "kline_open",
            (123_000, 123_500, 122_900, 123_450, 31_400, 7),
            False,
            AT + 7 * SECOND,
        ),
        (
            "kline_closed",
            (123_000, 123_500, 122_800, 123_100, 40_000, 11),
            True,
            AT + 20_005 * MILLI,
        ),
    ],
)
def test_binance_klines(
    name: str, figures: tuple[int, int, int, int, int, int], closed: bool, ts_us: int
) -> None:
    start_us = AT - 40 * SECOND
    assert said_by_binance(name) == [
        Candle("ABC-USDT", 60 * SECOND, start_us, *figures, closed=closed, ts_us=ts_us)
    ]


@pytest.mark.parametrize("name", ["liquidation", "mark_price", "subscribed"])
def test_binance_messages_of_other_kinds_say_nothing(name: str) -> None:
    assert said_by_binance(name) == []


def on_coinbase(*names: str) -> list[MarketEvent]:
    """Return what follows from the last of these messages; ABC-USD has tick 0.01 and lot 0.001."""
    driver = Driver(coinbase.venue(("ABC-USD",)), NOW)
    driver.answer(coinbase.LIST_URL, of("coinbase")["list"])
    driver.up()
    said: list[MarketEvent] = []
    for name in names:
        said = events(driver.frame(of("coinbase")[name]))
    return said


def test_coinbase_list_has_spot_only() -> None:
    driver = Driver(coinbase.venue(("ABC-USD", "ABC-PERP")))
    [listed] = every(driver.answer(coinbase.LIST_URL, of("coinbase")["list"]), Listing)
    [abc] = listed.instruments
    assert (abc.symbol, abc.tick_size, abc.lot_size, abc.min_notional) == ("ABC-USD", "0.01", "0.001", "1")
    futures = Driver(coinbase.venue(()))
    futures.answer(coinbase.LIST_URL, of("coinbase")["futures_only"])
    assert futures.opened_links() == []


@pytest.mark.parametrize(
    ("name", "us"),
    [("l2_snapshot", AT + 123_456), ("snapshot", AT + SECOND // 2)],
    ids=["advanced", "exchange"],
)
def test_coinbase_book(name: str, us: int) -> None:
    [book] = every(on_coinbase(name), BookSnapshot)
    assert (book.bids, book.asks) == (((1_234, 3_250), (1_230, 1_000)), ((1_236, 500),))
    assert book.ts_us == us


def test_coinbase_changes_of_a_book() -> None:
    [change] = every(on_coinbase("l2_snapshot", "l2_update"), BookChange)
    assert (change.bids, change.asks, change.ts_us) == (((1_234, 4_000),), ((1_236, 0),), AT + 1_999_999)
    [change] = every(on_coinbase("snapshot", "l2update"), BookChange)
    assert (change.bids, change.asks, change.ts_us) == (((1_235, 1_500),), (), AT + 19_999_999)


def test_coinbase_trades() -> None:
    assert on_coinbase("market_trades") == [
        Trade("ABC-USD", "770", 1_236, 1_000, "sell", AT + 2_789_012),
        Trade("ABC-USD", "771", 1_234, 250, "buy", AT + 2_800_000),
    ]
    assert on_coinbase("match") == [Trade("ABC-USD", "772", 1_236, 125, "buy", AT + 5 * SECOND + 1)]


def test_coinbase_tickers() -> None:
    assert on_coinbase("ticker") == [Quote("ABC-USD", 1_234, 3_250, 1_236, 500, AT + 3 * SECOND)]
    at_us = AT + 5 * SECOND + 1
    assert on_coinbase("exchange_ticker") == [
        DayStats("ABC-USD", 1_200, 1_250, 1_190, 4_321_500, None, at_us),
        Quote("ABC-USD", 1_234, 3_250, 1_236, 500, at_us),
    ]


def test_coinbase_candles() -> None:
    assert on_coinbase("candles") == [
        Candle(
            "ABC-USD",
            300 * SECOND,
            AT - 100 * SECOND,
            1_230,
            1_240,
            1_228,
            1_231,
            40_125,
            0,
            closed=True,
            ts_us=AT + 200 * SECOND,
        )
    ]


@pytest.mark.parametrize("name", ["heartbeats", "subscriptions", "user", "heartbeat"])
def test_coinbase_messages_without_prices_say_nothing(name: str) -> None:
    assert on_coinbase(name) == []
