"""The adapter for Bybit: its link and requests, and what each fault costs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from floorwire.core.market_events import (
    BookChange,
    BookSnapshot,
    Candle,
    DayStats,
    MissingTrade,
    Quote,
    Trade,
)
from floorwire.core.ports import CountsSkipped, Open, Send, VenueOutput
from floorwire.venues.bybit import limits
from floorwire.venues.bybit import market_data as bybit
from floorwire.venues.bybit.limits import CAPABILITIES
from tests.venues.driver import START, Driver, every, statuses

MS = START // 1_000
ALL_TOPICS = [topic for topics in bybit.TOPICS.values() for topic in topics]


def row(native: str, status: str = "Trading") -> dict[str, object]:
    names = {"symbol": native, "baseCoin": native[:3], "quoteCoin": native[3:], "status": status}
    return names | {"lotSizeFilter": {"basePrecision": "0.001"}, "priceFilter": {"tickSize": "0.1"}}


LIST = {"retCode": 0, "retMsg": "OK", "result": {"category": "spot", "list": [row("ABCUSDT"), row("XYZEUR")]}}


def up(*symbols: str) -> Driver:
    """Return a driver whose link is up."""
    named = symbols or ("ABC-USDT", "XYZ-EUR")
    driver = Driver(bybit.venue(named))
    driver.answer(bybit.LIST_URL, LIST)
    driver.want(*named)
    driver.up()
    return driver


def frame(topic: str, data: object, kind: str = "snapshot") -> dict[str, object]:
    return {"topic": topic, "ts": MS, "type": kind, "data": data, "cts": MS}


def book(
    native: str,
    number: int,
    bids: dict[str, str],
    asks: dict[str, str],
    *,
    whole: bool = False,
    depth: str = "200",
) -> dict[str, object]:
    data = {"s": native, "b": list(bids.items()), "a": list(asks.items()), "u": number, "seq": number * 7}
    return frame(f"orderbook.{depth}.{native}", data, "snapshot" if whole else "delta")


def synced() -> Driver:
    """Return a driver whose books are synced."""
    driver = up()
    for native in ("ABCUSDT", "XYZEUR"):
        driver.frame(book(native, 10, {"10.4": "1"}, {"10.5": "2"}, whole=True))
    return driver


def skipped(driver: Driver) -> Mapping[str, int]:
    assert isinstance(driver.venue, CountsSkipped)
    return driver.venue.skipped


def requests(outputs: Iterable[VenueOutput]) -> list[tuple[str, list[str]]]:
    """Return the requests as (op, topics)."""
    sent = [json.loads(send.text) for send in every(outputs, Send)]
    return [(request["op"], request["args"]) for request in sent if request["op"] != "ping"]


def test_each_symbol_is_subscribed_in_a_request_of_its_own() -> None:
    driver = up()
    assert [(link.link, link.url) for link in every(driver.out, Open)] == [("spot-0", bybit.STREAM_URL)]
    assert requests(driver.out) == [
        ("subscribe", [f"{topic}.{native}" for topic in ALL_TOPICS]) for native in ("ABCUSDT", "XYZEUR")
    ]
    assert len(ALL_TOPICS) <= limits.TOPICS_PER_REQUEST
    ids = [json.loads(send.text)["req_id"] for send in every(driver.out, Send)]
    assert ids == ["1", "2"]


def test_the_topics_of_a_link_are_not_too_long() -> None:
    longest = sum(len(f"{topic}.{'X' * 12}") for topic in ALL_TOPICS)
    assert longest * limits.TOPICS_PER_LINK // len(ALL_TOPICS) <= 21_000


def test_a_snapshot_makes_a_symbol_live() -> None:
    driver = up("ABC-USDT")
    out = driver.frame(book("ABCUSDT", 10, {"10.4": "1"}, {"10.5": "2"}, whole=True))
    assert every(out, BookSnapshot) == [BookSnapshot("ABC-USDT", ((104, 1_000),), ((105, 2_000),), START)]
    assert statuses(out) == [(None, "live", "synced"), ("ABC-USDT", "live", "synced")]
    out = driver.frame(book("ABCUSDT", 11, {"10.3": "4"}, {}))
    assert every(out, BookChange) == [BookChange("ABC-USDT", ((103, 4_000),), (), START)]
    assert every(driver.frame(book("ABCUSDT", 11, {"10.3": "9"}, {})), BookChange) == []
    assert skipped(driver)["repeated"] == 1


def test_a_gap_resyncs_one_book() -> None:
    driver = synced()
    out = driver.frame(book("ABCUSDT", 13, {"10.3": "4"}, {}))
    assert statuses(out) == [("ABC-USDT", "stale", "sequence_gap")]
    assert requests(out) == [
        ("unsubscribe", ["orderbook.200.ABCUSDT"]),
        ("subscribe", ["orderbook.200.ABCUSDT"]),
    ]
    assert requests(driver.frame(book("ABCUSDT", 14, {}, {}))) == []
    assert every(driver.frame(book("XYZEUR", 11, {"10.3": "4"}, {})), BookChange) != []
    out = driver.frame(book("ABCUSDT", 20, {"9.0": "1"}, {}, whole=True))
    assert statuses(out) == [("ABC-USDT", "live", "synced")]


def test_a_restart_and_a_book_that_was_not_requested_replace_the_book() -> None:
    driver = synced()
    out = driver.frame(book("ABCUSDT", 1, {"9.0": "1"}, {"9.1": "1"}))
    assert every(out, BookSnapshot) == [BookSnapshot("ABC-USDT", ((90, 1_000),), ((91, 1_000),), START)]
    assert statuses(out) == []
    assert every(driver.frame(book("ABCUSDT", 2, {"8.9": "1"}, {})), BookChange) != []
    assert every(driver.frame(book("ABCUSDT", 2, {"8.0": "1"}, {}, whole=True)), BookSnapshot) != []


def test_a_crossed_book_and_an_unreadable_one_are_dropped() -> None:
    driver = synced()
    out = driver.frame(book("ABCUSDT", 11, {"10.5": "1"}, {}))
    assert statuses(out) == [("ABC-USDT", "stale", "bad_message")]
    out = driver.frame(frame("orderbook.200.XYZEUR", {"s": "XYZEUR", "u": "x"}, "delta"))
    assert statuses(out) == [("XYZ-EUR", "stale", "bad_message")]
    out = driver.frame(frame("orderbook.1.XYZEUR", {"s": "XYZEUR", "u": "x"}))
    assert statuses(out) == []
    assert (skipped(driver)["crossed_book"], skipped(driver)["bad_message"]) == (1, 2)


def best(native: str, number: int, bid: str, ask: str, *, whole: bool = True) -> dict[str, object]:
    return book(native, number, {bid: "1"}, {ask: "2"}, whole=whole, depth="1")


def test_best_prices_come_from_depth_1_when_they_change() -> None:
    driver = synced()
    assert every(driver.frame(best("ABCUSDT", 50, "10.4", "10.5")), Quote) == [
        Quote("ABC-USDT", 104, 1_000, 105, 2_000, START)
    ]
    assert every(driver.frame(best("ABCUSDT", 50, "10.4", "10.5")), Quote) == []
    changed = book("ABCUSDT", 51, {"10.4": "0", "10.3": "5"}, {}, depth="1")
    assert every(driver.frame(changed), Quote) == [Quote("ABC-USDT", 103, 5_000, 105, 2_000, START)]
    assert every(driver.frame(book("ABCUSDT", 53, {"10.2": "1"}, {}, depth="1")), Quote) == []
    assert every(driver.frame(best("ABCUSDT", 60, "10.25", "10.5")), Quote) == []
    assert skipped(driver)["off_tick"] == 1
    assert every(driver.frame(book("ABCUSDT", 11, {"10.4": "3"}, {})), Quote) == []
    driver.wait(3)
    assert every(driver.frame(book("ABCUSDT", 12, {"10.4": "6"}, {})), Quote) == [
        Quote("ABC-USDT", 104, 6_000, 105, 2_000, START)
    ]


def test_a_book_that_stays_behind_the_best_prices_has_ended() -> None:
    driver = synced()
    assert statuses(driver.frame(best("ABCUSDT", 50, "10.3", "10.5"))) == []
    driver.wait(3)
    assert statuses(driver.frame(best("ABCUSDT", 50, "10.3", "10.5"))) == []
    driver.wait(3)
    out = driver.frame(best("ABCUSDT", 50, "10.3", "10.5"))
    assert statuses(out) == [("ABC-USDT", "stale", "silent")]
    assert [op for op, _ in requests(out)] == ["unsubscribe", "subscribe"]


def test_a_symbol_of_which_nothing_comes_is_requested_anew() -> None:
    driver = synced()
    said = []
    for _ in range(16):
        driver.frame(best("XYZEUR", 50, "10.4", "10.5"))
        said += driver.wait(1)
    assert statuses(said) == [("ABC-USDT", "stale", "silent")]
    assert [topics for _, topics in requests(said)] == [["orderbook.200.ABCUSDT"]] * 2


def trade(trade_id: str, price: str = "10.5") -> dict[str, object]:
    return {"T": MS, "s": "ABCUSDT", "S": "Sell", "v": "2", "p": price, "i": trade_id, "BT": False}


def test_trades_come_once_and_one_that_cannot_be_told_affects_no_other() -> None:
    driver = synced()
    rows = [trade("b"), trade("a", "10.55"), trade("b"), trade("c")]
    out = driver.frame(frame("publicTrade.ABCUSDT", rows))
    assert [(told.trade_id, told.side) for told in every(out, Trade)] == [("b", "sell"), ("c", "sell")]
    assert every(out, MissingTrade) == [MissingTrade("ABC-USDT", START)]
    assert (skipped(driver)["off_tick"], skipped(driver)["repeated"]) == (1, 1)


def test_candles_and_the_last_24_hours() -> None:
    driver = synced()
    start = MS // 60_000 * 60_000
    bar = {"start": start, "open": "10", "high": "12", "low": "9", "close": "11", "volume": "5"}
    bars = [bar | {"confirm": closed, "timestamp": MS} for closed in (True, False)]
    out = driver.frame(frame("kline.1.ABCUSDT", bars))
    assert [told.closed for told in every(out, Candle)] == [True, False]
    assert every(driver.frame(frame("kline.W.ABCUSDT", bars[:1])), Candle) == []
    day = {"symbol": "ABCUSDT", "highPrice24h": "12", "lowPrice24h": "9", "prevPrice24h": "10"}
    day |= {"volume24h": "100", "turnover24h": "1000"}
    assert every(driver.frame(frame("tickers.ABCUSDT", day)), DayStats) == [
        DayStats("ABC-USDT", 100, 120, 90, 100_000, 10_000_000, START)
    ]


def test_a_quiet_link_is_pinged() -> None:
    driver = synced()
    assert [send.text for send in every(driver.wait(5), Send)] == ['{"op":"ping"}']
    pong = {"success": True, "ret_msg": "pong", "conn_id": "4", "op": "ping"}
    assert driver.frame(pong) == []


def test_the_topics_of_a_refused_request_are_requested_one_by_one() -> None:
    driver = up()
    said = {"success": False, "ret_msg": "Invalid symbol", "conn_id": "4", "req_id": "2", "op": "subscribe"}
    assert requests(driver.frame(said)) == [("subscribe", [f"{topic}.XYZEUR"]) for topic in ALL_TOPICS]
    assert driver.frame(said | {"req_id": "3"}) == []
    assert driver.frame(said | {"req_id": "4", "success": True}) == []
    assert driver.frame(said) == [], "it was answered"
    assert skipped(driver)["refused"] == 3


def test_a_refused_list_is_requested_again() -> None:
    driver = Driver(bybit.venue(("ABC-USDT",)))
    driver.answer(bybit.LIST_URL, {"retCode": 10006, "retMsg": "Too many visits", "result": {}})
    assert skipped(driver)["too_many_requests"] == 1
    driver.wait(59)
    assert len(driver.fetches()) == 1, "nothing is sent for a minute"
    driver.wait(1)
    assert driver.fetches() == [bybit.LIST_URL] * 2


def test_requested_symbols() -> None:
    args = ["orderbook.50.ABCUSDT", "publicTrade.ABCUSDT", "kline.1.XYZEUR", "system"]
    assert bybit.requested_symbols(json.dumps({"op": "subscribe", "args": args})) == ["ABCUSDT", "XYZEUR"]
    assert bybit.requested_symbols(json.dumps({"op": "ping"})) == []
    assert bybit.requested_symbols(bybit.STREAM_URL) == []


def test_what_is_said_to_be_sent_is_what_is_subscribed_to() -> None:
    assert set(CAPABILITIES.streams) == set(bybit.TOPICS)
    names = {"1": "1m", "5": "5m", "15": "15m", "60": "1h", "240": "4h", "D": "1d"}
    topics = [topic.removeprefix("kline.") for topic in bybit.TOPICS["candles"]]
    assert list(CAPABILITIES.candle_intervals) == [names[topic] for topic in topics]
    assert f"orderbook.{CAPABILITIES.book_depth}" == bybit.BOOK
