"""The adapter for Kraken: its link and requests, and what each fault costs."""

from __future__ import annotations

import json
from collections.abc import Mapping

from floorwire.core.market_events import (
    BookChange,
    BookSnapshot,
    Candle,
    DayStats,
    Listing,
    MissingTrade,
    Quote,
    Trade,
)
from floorwire.core.ports import CountsSkipped, Open, Send, VenueOutput
from floorwire.venues.kraken import market_data as kraken
from floorwire.venues.kraken.limits import CAPABILITIES
from tests.recorded.make import iso
from tests.venues.driver import START, Driver, every, statuses

STEPS: dict[str, object] = {"tick_size": "0.1", "lot_decimals": 3, "costmin": "0.5"}
MINUTE = 60_000_000
BAR = START - START % MINUTE - MINUTE


def listing(*wsnames: str, status: str = "online") -> dict[str, object]:
    rows = {name: {"wsname": name, "status": status} | STEPS for name in wsnames}
    return {"error": [], "result": rows}


LIST = listing("ABC/USDT", "XYZ/EUR")


def up() -> Driver:
    """Return a driver whose link is up."""
    driver = Driver(kraken.venue(("ABC-USDT", "XYZ-EUR")))
    driver.answer(kraken.LIST_URL, LIST)
    driver.want("ABC-USDT", "XYZ-EUR")
    driver.up()
    return driver


def frame(channel: str, row: Mapping[str, object], kind: str = "update") -> dict[str, object]:
    return {"channel": channel, "type": kind, "data": [row]}


def book(
    native: str, bids: dict[float, float], asks: dict[float, float], kind: str = "update", **more: object
) -> dict[str, object]:
    sides = {
        side: [{"price": price, "qty": qty} for price, qty in levels.items()]
        for side, levels in (("bids", bids), ("asks", asks))
    }
    return frame("book", {"symbol": native, "timestamp": iso(START)} | sides | more, kind)


def synced() -> Driver:
    """Return a driver whose books are synced."""
    driver = up()
    for native in ("ABC/USDT", "XYZ/EUR"):
        driver.frame(book(native, {10.4: 1.0}, {10.5: 2.0}, "snapshot"))
    return driver


def sent(outputs: list[VenueOutput]) -> list[dict[str, object]]:
    return [json.loads(send.text) for send in every(outputs, Send)]


def channels(outputs: list[VenueOutput]) -> list[tuple[str, str]]:
    return [(str(said["method"]), said["params"]["channel"]) for said in sent(outputs)]  # type: ignore[index]


def skipped(driver: Driver) -> Mapping[str, int]:
    assert isinstance(driver.venue, CountsSkipped)
    return {reason: count for reason, count in driver.venue.skipped.items() if count}


def test_one_link_has_all_and_one_request_a_channel() -> None:
    driver = up()
    assert [opened.url for opened in every(driver.out, Open)] == [kraken.STREAM_URL]
    requests = sent(driver.out)
    by_channel = {said["params"]["channel"]: said["params"] for said in requests}  # type: ignore[index]
    assert set(by_channel) == {"instrument", "book", "ticker", "trade", "ohlc"}
    assert len(requests) == 5
    assert by_channel["book"] == {"channel": "book", "symbol": ["ABC/USDT", "XYZ/EUR"], "depth": 100}
    assert set(CAPABILITIES.streams) == set(kraken.CHANNELS)


def test_the_ticker_is_left_only_with_the_last_of_its_kinds() -> None:
    driver = synced()
    assert channels(driver.want("ABC-USDT", "XYZ-EUR", kinds=("book", "quote"))) == [
        ("unsubscribe", "trade"),
        ("unsubscribe", "ohlc"),
    ]
    assert channels(driver.want("ABC-USDT", "XYZ-EUR", kinds=("book",))) == [("unsubscribe", "ticker")]


def test_names_of_rest_are_those_of_the_stream() -> None:
    driver = Driver(kraken.venue(("BTC-USD", "DOGE-BTC")))
    driver.answer(kraken.LIST_URL, listing("XBT/USD", "XDG/XBT"))
    [listed] = every(driver.out, Listing)
    assert [of.symbol for of in listed.instruments] == ["BTC-USD", "DOGE-BTC"]


def test_a_refused_list_is_none() -> None:
    driver = Driver(kraken.venue(("ABC-USDT",)))
    driver.answer(kraken.LIST_URL, {"error": ["EGeneral:Internal error"]})
    assert not every(driver.out, Listing)
    assert skipped(driver) == {"bad_list": 1}


def test_states_and_steps_come_on_the_link() -> None:
    driver = synced()
    pair: dict[str, object] = {"symbol": "ABC/USDT", "base": "ABC", "quote": "USDT", "status": "cancel_only"}
    pair |= {"price_increment": 0.1, "qty_increment": 1e-3, "cost_min": 0.5}
    out = driver.frame({"channel": "instrument", "type": "update", "data": {"assets": [], "pairs": [pair]}})
    [listed] = every(out, Listing)
    assert [(of.symbol, of.state) for of in listed.instruments] == [("ABC-USDT", "halted")]
    out = driver.frame({"channel": "instrument", "data": {"pairs": [pair | {"price_increment": 0.01}]}})
    assert [of.tick_size for listed in every(out, Listing) for of in listed.instruments] == ["0.01"]
    assert every(out, BookSnapshot)[0].bids == ((1040, 1000),)
    out = driver.frame(book("ABC/USDT", {10.41: 1.0}, {}))
    assert every(out, BookChange)[0].bids == ((1041, 1000),)


def test_a_wrong_checksum_costs_one_subscription() -> None:
    driver = synced()
    out = driver.frame(book("ABC/USDT", {10.3: 1.0}, {}, checksum=1))
    assert statuses(out) == [("ABC-USDT", "stale", "bad_message")]
    assert [(said["method"], said["params"]["symbol"]) for said in sent(out)] == [  # type: ignore[index]
        ("unsubscribe", ["ABC/USDT"]),
        ("subscribe", ["ABC/USDT"]),
    ]
    assert not every(driver.frame(book("ABC/USDT", {10.2: 1.0}, {})), BookChange)
    assert every(driver.frame(book("XYZ/EUR", {10.3: 1.0}, {})), BookChange)
    out = driver.frame(book("ABC/USDT", {10.4: 1.0}, {10.5: 2.0}, "snapshot"))
    assert statuses(out) == [("ABC-USDT", "live", "synced")]


def test_a_book_that_cannot_be_read_costs_one_subscription() -> None:
    driver = synced()
    out = driver.frame(frame("book", {"symbol": "ABC/USDT", "bids": 7}))
    assert statuses(out) == [("ABC-USDT", "stale", "bad_message")]


def test_a_snapshot_replaces_at_any_time() -> None:
    driver = synced()
    out = driver.frame(book("ABC/USDT", {9.0: 1.0}, {9.5: 1.0}, "snapshot"))
    assert every(out, BookSnapshot)[0].bids == ((90, 1000),)
    assert not statuses(out)


def test_quotes_and_the_day_come_of_the_ticker() -> None:
    driver = synced()
    row: dict[str, object] = {"symbol": "ABC/USDT", "bid": 10.4, "bid_qty": 1.0, "ask": 0.0, "ask_qty": 0.0}
    row |= {"last": 10.4, "volume": 5.5, "low": 10.0, "high": 11.0, "change": -0.2}
    row |= {"timestamp": iso(START)}
    out = driver.frame(frame("ticker", row))
    assert every(out, Quote) == [Quote("ABC-USDT", 104, 1000, 0, 0, START)]
    assert every(out, DayStats) == [DayStats("ABC-USDT", 106, 110, 100, 5500, None, START)]
    assert not every(driver.frame(frame("ticker", row)), DayStats)


def test_a_trade_counts_once_and_one_that_cannot_be_told_is_missing() -> None:
    driver = synced()
    row: dict[str, object] = {"symbol": "ABC/USDT", "side": "buy", "price": 10.5, "qty": 0.5}
    row |= {"trade_id": 7, "timestamp": iso(START)}
    assert every(driver.frame(frame("trade", row)), Trade) == [Trade("ABC-USDT", "7", 105, 500, "buy", START)]
    assert not every(driver.frame(frame("trade", row)), Trade)
    out = driver.frame(frame("trade", row | {"trade_id": 8, "price": 10.55}))
    assert every(out, MissingTrade) == [MissingTrade("ABC-USDT", START)]
    assert skipped(driver) == {"repeated": 1, "off_tick": 1}


def test_the_first_of_a_later_time_closes_a_candle() -> None:
    driver = synced()
    row: dict[str, object] = {"symbol": "ABC/USDT", "open": 10.0, "high": 11.0, "low": 9.9, "close": 10.5}
    row |= {"volume": 2.0, "trades": 3, "interval": 1}
    first = row | {"interval_begin": iso(BAR).replace("Z", "000Z")}
    later = row | {"interval_begin": iso(BAR + MINUTE).replace("Z", "000Z")}
    told = [(c.start_us - BAR, c.closed) for c in every(driver.frame(frame("ohlc", first)), Candle)]
    assert told == [(0, False)]
    told = [(c.start_us - BAR, c.closed) for c in every(driver.frame(frame("ohlc", later)), Candle)]
    assert told == [(0, True), (MINUTE, False)]


def test_no_candle_is_closed_of_which_trades_may_be_missing() -> None:
    driver = synced()
    row: dict[str, object] = {"symbol": "ABC/USDT", "open": 10.0, "high": 11.0, "low": 9.9, "close": 10.5}
    row |= {"volume": 2.0, "trades": 3, "interval": 1}
    driver.frame(frame("ohlc", row | {"interval_begin": iso(BAR)}))
    driver.lose()
    driver.wait(5)
    driver.up()
    told = every(driver.frame(frame("ohlc", row | {"interval_begin": iso(BAR + MINUTE)})), Candle)
    assert [candle.closed for candle in told] == [False]


def test_what_is_subscribed_to_already_is_no_fault() -> None:
    driver = synced()
    driver.frame({"method": "subscribe", "success": False, "error": "Already subscribed to ticker"})
    assert not skipped(driver)
    driver.frame({"method": "subscribe", "success": False, "error": "Currency pair not supported"})
    assert skipped(driver) == {"refused": 1}


def test_subscriptions_are_found_in_recordings() -> None:
    asked = '{"method":"subscribe","params":{"channel":"book","symbol":["ABC/USD"],"depth":10}}'
    assert kraken.requested_symbols(asked) == ["ABC/USD"]
    assert kraken.requested_symbols("wss://ws.kraken.com/v2") == []
