"""Times of each precision, and numbers that a venue begins anew."""

from __future__ import annotations

import json

import pytest

from floorwire.core.market_events import (
    BookChange,
    BookSnapshot,
    Candle,
    DayStats,
    FeedStatus,
    MissingTrade,
    Quote,
    Trade,
)
from floorwire.core.ports import Answer, Fetch
from floorwire.venues.common.market_data_adapter import MarketDataAdapter
from tests.venues.binance import test_market_data as on_binance
from tests.venues.coinbase import test_market_data as on_coinbase
from tests.venues.driver import SECOND, START, Driver, events, every, statuses

MILLIS = START // 1000 + 1_234
MICROS = START + 1_234_567


def skipped(driver: Driver) -> dict[str, int]:
    assert isinstance(driver.venue, MarketDataAdapter)
    return dict(+driver.venue.skipped)


def trade(trade_id: int, at: int) -> dict[str, object]:
    data = {"e": "trade", "s": "ABCUSDT", "t": trade_id, "p": "10.00", "q": "1", "T": at, "m": False}
    return {"stream": "abcusdt@trade", "data": data}


@pytest.mark.parametrize(("at", "us"), [(MILLIS, MILLIS * 1000), (MICROS, MICROS)])
def test_binance_may_tell_times_in_milliseconds_or_microseconds(at: int, us: int) -> None:
    driver = on_binance.synced()
    minute = at - at % (60_000 if at == MILLIS else 60_000_000)
    candle = {"t": minute, "i": "1m", "o": "1", "h": "2", "l": "1", "c": "2", "v": "3", "n": 4, "x": False}
    day = {"o": "1", "h": "2", "l": "1", "v": "3", "q": "5"}
    frames: list[dict[str, object]] = [
        trade(5, at),
        {"e": "depthUpdate", "E": at, "s": "ABCUSDT", "U": 11, "u": 11, "b": [["9.97", "1"]], "a": []},
        {"e": "bookTicker", "E": at, "u": 11, "s": "ABCUSDT", "b": "9.99", "B": "1", "a": "10.01", "A": "3"},
        {"e": "kline", "E": at, "s": "ABCUSDT", "k": candle},
        {"e": "24hrTicker", "E": at, "s": "ABCUSDT", **day},
    ]
    told = [event for frame in frames for event in driver.frame(frame)]
    assert [type(event) for event in told] == [Trade, BookChange, Quote, Candle, DayStats]
    assert {event.ts_us for event in events(told)} == {us}
    [bar] = every(told, Candle)
    assert bar.start_us == us - us % (60 * SECOND)
    assert skipped(driver) == {}


@pytest.mark.parametrize("fraction", [".999999999", ".9999999", ".999999"])
def test_coinbase_nanoseconds_do_not_reach_the_next_minute(fraction: str) -> None:
    driver = on_coinbase.synced()
    driver.now_us += 40 * SECOND
    time = f"2023-11-14T22:13:59{fraction}Z"
    said = events(
        [
            *driver.frame(on_coinbase.match(5) | {"time": time}),
            *driver.frame(on_coinbase.change(["buy", "9.97", "1"]) | {"time": time}),
            *driver.frame(on_coinbase.ticker(5) | {"time": time}),
        ]
    )
    minute = START - START % (60 * SECOND) + 60 * SECOND
    assert {event.ts_us for event in said} == {minute - 1}


@pytest.mark.parametrize("time", ["2023-13-14T22:13:59Z", "2023-11-14T22:13:61Z", "2023-11-14T22:13:59", "x"])
def test_what_is_no_time_is_a_bad_message(time: str) -> None:
    driver = on_coinbase.synced()
    left_out = driver.frame(on_coinbase.match(5) | {"time": time})
    assert left_out == [MissingTrade("ABC-USD", START)]
    assert skipped(driver) == {"bad_message": 1}


def test_binance_trades_go_on_after_the_venue_restarted_its_ids() -> None:
    driver = on_binance.synced()
    frames = [trade(900, MILLIS), trade(901, MILLIS + 5), trade(900, MILLIS), trade(3, MILLIS + 900)]
    frames += [trade(4, MILLIS + 901), trade(3, MILLIS + 900), trade(901, MILLIS + 5)]
    told = [event.trade_id for frame in frames for event in every(driver.frame(frame), Trade)]
    assert told == ["900", "901", "3", "4"]


def test_coinbase_trades_go_on_after_the_venue_restarted_its_ids() -> None:
    driver = on_coinbase.synced()
    driver.now_us += 45 * SECOND
    time = "2023-11-14T22:14:{:02d}Z"
    driver.frame(on_coinbase.beat(900))
    ids = [(900, 1), (901, 2), (900, 1), (3, 3), (4, 4), (901, 2)]
    frames = [on_coinbase.match(number) | {"time": time.format(at)} for number, at in ids]
    out = [event for frame in frames for event in driver.frame(frame)]
    assert [event.trade_id for event in every(out, Trade)] == ["900", "901", "3", "4"]
    assert driver.frame(on_coinbase.beat(4)) == []
    assert driver.frame(on_coinbase.beat(4)) == [], "what the old numbers told is not missed"
    driver.frame(on_coinbase.beat(6))
    assert every(driver.frame(on_coinbase.beat(6)), FeedStatus), "and what the new ones tell is"


def test_coinbase_tickers_go_on_after_the_venue_restarted_its_numbers() -> None:
    driver = on_coinbase.driver()
    assert every(driver.frame(on_coinbase.ticker(500)), DayStats)
    assert not every(driver.frame(on_coinbase.ticker(4)), DayStats), "late, not later"
    later = on_coinbase.ticker(5, time="2023-11-14T22:13:21Z", volume_24h="12.5")
    assert every(driver.frame(later), DayStats)


def diff(number: int, seconds: float, bid: str) -> on_binance.Json:
    frame = on_binance.diff(number, number, [[bid, "1"]], [])
    data = frame["data"]
    assert isinstance(data, dict)
    return frame | {"data": data | {"E": round(1_700_000_001_000 + seconds * 1000)}}


def test_a_book_whose_update_ids_begin_anew_is_no_longer_live_and_is_asked_for() -> None:
    driver = on_binance.synced()
    asked = len(driver.fetches())
    driver.frame(diff(11, 0, "9.97"))
    assert driver.frame(diff(11, 0, "9.97")) == [], "the same again"
    driver.wait(7)
    assert ("ABC-USDT", "stale", "sequence_gap") in statuses(driver.frame(diff(2, 6.5, "9.90")))
    assert len(driver.fetches()) == asked + 1
    depth = on_binance.depth(2, [["9.90", "1"]], [["10.01", "3"]])
    [book] = every(driver.answer(driver.fetches()[-1], depth), BookSnapshot)
    assert book.bids == ((990, 10),)
    [change] = every(driver.frame(diff(3, 7, "9.89")), BookChange)
    assert change.bids == ((989, 10),)


def test_differences_of_before_the_snapshot_are_old_and_no_new_beginning() -> None:
    driver = on_binance.synced()
    driver.frame(diff(11, 0, "9.97"))
    assert driver.frame(diff(10, 4.9, "9.97")) == []
    assert skipped(driver) == {"repeated": 1}


def quote(update: int) -> dict[str, object]:
    return {"u": update, "s": "ABCUSDT", "b": "9.99", "B": "1", "a": "10.01", "A": "3"}


def is_synced_with_new_ids(driver: Driver) -> bool:
    """Return whether a book of the new ids is taken from the first answer on."""
    depth = on_binance.depth(2, [["9.90", "1"]], [["10.01", "3"]])
    return bool(every(driver.answer(driver.fetches()[-1], depth), BookSnapshot))


def test_best_prices_with_new_ids_are_told_after_the_books_ids_began_anew() -> None:
    driver = on_binance.synced()
    driver.frame(diff(11, 0, "9.97"))
    assert every(driver.frame(quote(11)), Quote)
    driver.wait(7)
    assert not every(driver.frame(quote(2)), Quote), "nothing tells yet that it is no old one"
    driver.frame(diff(2, 6.5, "9.90"))
    assert every(driver.frame(quote(2)), Quote)
    assert is_synced_with_new_ids(driver)


def test_a_snapshot_that_was_asked_for_before_the_ids_began_anew_is_not_taken() -> None:
    driver = on_binance.synced()
    driver.frame(diff(20, 0, "9.97"))  # a gap
    driver.wait(7)
    under_way = every(driver.out, Fetch)[-1]
    asked = len(driver.fetches())
    driver.frame(diff(2, 6.5, "9.90"))
    assert len(driver.fetches()) == asked + 1, "the one under way is of no use"
    old = json.dumps(on_binance.depth(25, [["9.97", "1"]], [["10.01", "3"]])).encode()
    assert not every(driver.give(Answer(under_way.request, 200, old)), BookSnapshot)
    driver.frame(diff(3, 7, "9.89"))
    assert is_synced_with_new_ids(driver)
    assert skipped(driver) == {}


def test_ids_that_began_anew_while_the_link_was_lost_are_known_by_the_first_difference() -> None:
    driver = on_binance.synced()
    driver.frame(diff(1_000, 0, "9.97"))
    driver.lose()
    driver.wait(7)
    driver.up()
    driver.frame(diff(2, 8, "9.90"))
    assert is_synced_with_new_ids(driver)
    assert skipped(driver) == {}


def test_differences_that_are_in_the_snapshot_are_no_new_beginning_after_a_quiet_time() -> None:
    driver = on_binance.synced()
    driver.frame(diff(12, 0, "9.97"))
    driver.wait(8)
    asked = len(driver.fetches())
    depth = on_binance.depth(40, [["9.90", "1"]], [["10.01", "3"]])
    assert every(driver.answer(driver.fetches()[-1], depth), BookSnapshot)
    assert driver.frame(diff(40, 7.5, "9.90")) == [], "it was on its way"
    assert len(driver.fetches()) == asked


def test_a_wrong_time_does_not_hide_that_ids_began_anew() -> None:
    driver = on_binance.synced()
    driver.frame(diff(11, 3_600, "9.97"))
    driver.frame(trade(900, MILLIS + 3_600_000))
    driver.wait(7)
    assert ("ABC-USDT", "stale", "sequence_gap") in statuses(driver.frame(diff(2, 6.5, "9.90")))
    assert is_synced_with_new_ids(driver)
    assert every(driver.frame(trade(3, MILLIS + 6_000)), Trade)


def test_a_wrong_time_of_coinbase_does_not_hide_that_ids_began_anew() -> None:
    driver = on_coinbase.driver()
    wrong = {"time": "2023-11-14T23:13:20Z"}
    driver.frame(on_coinbase.match(900) | wrong)
    driver.frame(on_coinbase.ticker(500) | wrong)
    driver.now_us += 5 * SECOND
    later = "2023-11-14T22:13:24Z"
    assert every(driver.frame(on_coinbase.match(3) | {"time": later}), Trade)
    assert every(driver.frame(on_coinbase.ticker(5, time=later, volume_24h="12.5")), DayStats)
