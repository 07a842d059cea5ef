"""Single current messages of the exchanges, as other projects' tests have them."""

from __future__ import annotations

import json
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
from floorwire.core.ports import VenueOutput
from floorwire.venues.binance import market_data as binance
from floorwire.venues.coinbase import market_data as coinbase
from tests.venues.driver import Driver, events, every

MESSAGES = Path(__file__).parents[3] / "shared" / "recorded" / "messages"
SECOND = 1_000_000
MILLI = 1_000

pytestmark = pytest.mark.skipif(not MESSAGES.is_dir(), reason="../shared/recorded/messages is not here")


def text(name: str) -> str:
    return (MESSAGES / name).read_text()


def listed(symbol: str, base: str, quote: str) -> dict[str, object]:
    filters = [
        {"filterType": "PRICE_FILTER", "tickSize": "0.00010000"},
        {"filterType": "LOT_SIZE", "stepSize": "0.00100000"},
    ]
    names = {"symbol": symbol, "status": "TRADING", "baseAsset": base, "quoteAsset": quote}
    return {**names, "filters": filters}


def on_binance(name: str) -> list[MarketEvent]:
    """Return what follows from one frame."""
    driver = Driver(binance.venue(("BTC-USDT", "BNB-USDT")))
    symbols = [listed("BTCUSDT", "BTC", "USDT"), listed("BNBUSDT", "BNB", "USDT")]
    driver.answer(binance.LIST_URL, {"symbols": symbols})
    driver.up()
    return events(driver.frame(text(f"binance/{name}.json")))


def test_binance_list() -> None:
    driver = Driver(binance.venue(("ETH-BTC",)))
    out = driver.answer(
        binance.LIST_URL, json.loads(text("binance/spot_http_json_exchange_info_response.json"))
    )
    [instrument] = every(out, Listing)[0].instruments
    assert (instrument.symbol, instrument.tick_size, instrument.lot_size, instrument.state) == (
        "ETH-BTC",
        "0.00000001",
        "0.00000001",
        "open",
    )


def test_binance_depth() -> None:
    driver = Driver(binance.venue(("BTC-USDT",)))
    driver.answer(binance.LIST_URL, {"symbols": [listed("BTCUSDT", "BTC", "USDT") | {"filters": []}]})
    driver.up()
    driver.wait(5)
    out = driver.answer(driver.fetches()[-1], json.loads(text("binance/spot_http_json_depth_response.json")))
    [book] = every(out, BookSnapshot)
    assert book.bids == ((400_000_000, 43_100_000_000),)
    assert book.asks == ((400_000_200, 1_200_000_000),)


@pytest.mark.parametrize(
    ("name", "trade_id", "ts_ms"),
    [("agg_trade", "105", 123_456_785), ("trade", "5933014", 123_456_785)],
)
def test_binance_trades(name: str, trade_id: str, ts_ms: int) -> None:
    assert on_binance(f"futures_market_data_json_{name}_stream") == [
        Trade("BTC-USDT", trade_id, 10, 100_000, "sell", ts_ms * MILLI)
    ]


def test_binance_book_ticker() -> None:
    assert on_binance("futures_market_data_json_book_ticker_stream") == [
        Quote("BNB-USDT", 253_519, 31_210, 253_652, 40_660, 1_568_014_460_893 * MILLI)
    ]


def test_binance_day() -> None:
    [stats] = on_binance("futures_market_data_json_ticker_stream")
    assert stats == DayStats(
        symbol="BTC-USDT",
        open_ticks=167_160_000,
        high_ticks=167_648_900,
        low_ticks=164_565_100,
        volume_lots=122_474_816,
        turnover=20_361_020_856_974_640,
        ts_us=1_672_515_782_136 * MILLI,
    )


@pytest.mark.parametrize(("name", "low", "closed"), [("open", 15, False), ("closed", 10, True)])
def test_binance_klines(name: str, low: int, closed: bool) -> None:
    [candle] = on_binance(f"futures_market_data_json_kline_stream_{name}")
    assert isinstance(candle, Candle)
    assert (candle.interval_us, candle.start_us) == (60 * SECOND, 1_638_747_660_000 * MILLI)
    assert (candle.open_ticks, candle.high_ticks, candle.low_ticks, candle.close_ticks) == (10, 25, low, 20)
    assert (candle.volume_lots, candle.trades, candle.closed) == (1_000_000, 100, closed)


def test_binance_depth_update() -> None:
    driver = Driver(binance.venue(("BTC-USDT",)))
    driver.answer(binance.LIST_URL, {"symbols": [listed("BTCUSDT", "BTC", "USDT")]})
    driver.up()
    driver.wait(5)
    driver.answer(driver.fetches()[-1], {"lastUpdateId": 158, "bids": [], "asks": []})
    out = driver.frame(text("binance/futures_market_data_json_depth_update_stream.json"))
    assert out == [BookChange("BTC-USDT", ((24, 10_000),), ((26, 100_000),), 123_456_789 * MILLI)]


@pytest.mark.parametrize("name", ["liquidation", "mark_price"])
def test_binance_messages_of_futures_alone_are_other_kinds(name: str) -> None:
    assert on_binance(f"futures_market_data_json_{name}_stream") == []


def on_coinbase(*names: str) -> list[VenueOutput]:
    """Return what follows from the last of these frames, each on a link of its own time."""
    driver = Driver(coinbase.venue(("BTC-USD",)))
    driver.now_us = AT
    driver.answer(coinbase.LIST_URL, json.loads(text("coinbase/http_products.json")))
    driver.up()
    out: list[VenueOutput] = []
    for name in names:
        out = driver.frame(text(f"coinbase/{name}.json"))
    return out


AT = 1_775_572_200 * SECOND  # 2026-04-07T14:30:00Z


def test_coinbase_list() -> None:
    driver = Driver(coinbase.venue(("BTC-USD",)))
    out = driver.answer(coinbase.LIST_URL, json.loads(text("coinbase/http_products.json")))
    [instrument] = every(out, Listing)[0].instruments
    assert (instrument.symbol, instrument.tick_size, instrument.lot_size) == ("BTC-USD", "0.01", "0.00000001")
    futures = Driver(coinbase.venue(()))
    futures.answer(coinbase.LIST_URL, json.loads(text("coinbase/http_products_future.json")))
    assert futures.opened_links() == [], "no spot, so no list"


def test_coinbase_book() -> None:
    [book] = every(on_coinbase("ws_l2_data_snapshot"), BookSnapshot)
    assert book.bids == ((6_890_000, 150_000_000), (6_889_950, 75_000_000), (6_889_900, 230_000_000))
    assert book.asks == ((6_890_100, 50_000_000), (6_890_150, 120_000_000), (6_890_200, 80_000_000))
    assert book.ts_us == AT + 123_456
    [change] = every(on_coinbase("ws_l2_data_snapshot", "ws_l2_data_update"), BookChange)
    assert (change.bids, change.asks) == (((6_890_000, 200_000_000),), ((6_890_100, 0),))


def test_coinbase_trades() -> None:
    assert on_coinbase("ws_market_trades") == [
        Trade("BTC-USD", "995098700", 6_890_050, 150_000, "sell", AT + 2_789_012),
        Trade("BTC-USD", "995098701", 6_890_000, 5_000_000, "buy", AT + 2_800_000),
    ]


def test_coinbase_ticker() -> None:
    assert on_coinbase("ws_ticker") == [
        Quote("BTC-USD", 6_890_000, 150_000_000, 6_890_100, 50_000_000, AT + 3 * SECOND)
    ]


def test_coinbase_candles() -> None:
    [candle] = every(on_coinbase("ws_candles"), Candle)
    assert (candle.interval_us, candle.start_us) == (300 * SECOND, 1_775_521_800 * SECOND)
    assert (candle.open_ticks, candle.high_ticks, candle.low_ticks, candle.close_ticks) == (
        6_890_000,
        6_895_000,
        6_885_000,
        6_892_050,
    )
    assert (candle.volume_lots, candle.closed) == (4_215_000_000, True)


@pytest.mark.parametrize("name", ["ws_heartbeats", "ws_subscriptions", "ws_user"])
def test_coinbase_messages_without_prices_say_nothing(name: str) -> None:
    assert on_coinbase(name) == []
