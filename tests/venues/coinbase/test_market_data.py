from __future__ import annotations

import json

import pytest

from floorwire.core.instrument import Instrument
from floorwire.core.market_events import (
    BookChange,
    BookSnapshot,
    Candle,
    DayStats,
    FeedStatus,
    Listing,
    MissingTrade,
    Quote,
    Trade,
    VenueTime,
)
from floorwire.core.ports import Activity, Answer, Close, Closed, Frame, Open, Opened, Send, VenueOutput
from floorwire.venues.coinbase import market_data as coinbase
from floorwire.venues.coinbase.market_data import LIST_URL
from tests.venues.driver import SECOND, START, Driver, events, every, rebuilt, statuses

Json = dict[str, object]
TIME = "2023-11-14T22:13:20.500000Z"
AT_US = START + SECOND // 2


def product(name: str, **more: object) -> Json:
    base, _, quote = name.partition("-")
    return {
        "id": name,
        "base_currency": base,
        "quote_currency": quote,
        "quote_increment": "0.01000000",
        "base_increment": "0.10",
        "min_market_funds": "5.0",
        "status": "online",
    } | more


LIST = [product("ABC-USD"), product("XYZ-EUR")]


def snapshot(bids: list[list[str]], asks: list[list[str]], name: str = "ABC-USD") -> Json:
    return {"type": "snapshot", "product_id": name, "bids": bids, "asks": asks}


def change(*changes: list[str], name: str = "ABC-USD") -> Json:
    return {"type": "l2update", "product_id": name, "changes": changes, "time": TIME}


def match(trade_id: int, kind: str = "match", side: str = "sell") -> Json:
    return {
        "type": kind,
        "trade_id": trade_id,
        "side": side,
        "size": "0.35",
        "price": "10.01",
        "product_id": "ABC-USD",
        "sequence": trade_id * 10,
        "time": TIME,
    }


def beat(last_trade_id: int) -> Json:
    return {
        "type": "heartbeat",
        "product_id": "ABC-USD",
        "sequence": 1,
        "last_trade_id": last_trade_id,
        "time": TIME,
    }


def driver(*symbols: str, recorded: bool = False) -> Driver:
    """Return a driver whose links are up."""
    driver = Driver(coinbase.venue(symbols or ("ABC-USD",), recorded=recorded))
    driver.answer(LIST_URL, LIST)
    driver.up()
    return driver


def synced() -> Driver:
    """Return a driver whose ABC-USD is live: bids 9.99 and 9.98, asks 10.01 and 10.02."""
    driver_ = driver()
    driver_.frame(snapshot([["9.99", "1"], ["9.98", "2"]], [["10.01", "3"], ["10.02", "4"]]))
    return driver_


def asked_again(outputs: list[VenueOutput]) -> list[tuple[str, list[str]]]:
    """Return the requests for books that were sent."""
    sent = [json.loads(send.text) for send in every(outputs, Send)]
    return [(request["type"], request["product_ids"]) for request in sent if request["channel"] == "level2"]


def keep_link_active(driver: Driver, seconds: int) -> list[VenueOutput]:
    """Let time pass on a link that is never silent; return what followed."""
    followed: list[VenueOutput] = []
    for _ in range(seconds):
        followed += driver.wait(1)
        followed += driver.frame({"type": "subscriptions", "channels": []})
    return followed


# --- instruments --------------------------------------------------------------------------------------


def test_start_asks_for_the_list_and_then_ticks() -> None:
    driver = Driver(coinbase.venue(("ABC-USD",)))
    assert statuses(driver.out) == [(None, "connecting", "start")]
    assert driver.fetches() == ["https://api.coinbase.com/api/v3/brokerage/market/products"]
    assert every(driver.wait(2), VenueTime) == []  # nothing has told the venue's time


def test_the_list_gives_steps_and_the_link_a_subscription() -> None:
    driver = Driver(coinbase.venue(("ABC-USD",), "coinbase:"))
    out = driver.answer(LIST_URL, LIST)
    instrument = Instrument("coinbase:ABC-USD", "ABC", "USD", "coinbase", "0.01", "0.1", "5", "open")
    assert every(out, Listing) == [Listing((instrument,), START)]
    assert [opened.url for opened in every(out, Open)] == ["wss://advanced-trade-ws.coinbase.com"]
    sent = [json.loads(send.text) for send in every(driver.up(), Send)]
    assert sent == [
        {"type": "subscribe", "channel": "heartbeats"},
        {"type": "subscribe", "channel": "level2", "product_ids": ["ABC-USD"]},
        {"type": "subscribe", "channel": "market_trades", "product_ids": ["ABC-USD"]},
        {"type": "subscribe", "channel": "ticker", "product_ids": ["ABC-USD"]},
        {"type": "subscribe", "channel": "candles", "product_ids": ["ABC-USD"]},
    ]


@pytest.mark.parametrize(
    ("more", "state"),
    [
        ({}, "open"),
        ({"limit_only": True}, "open"),
        ({"trading_disabled": True}, "halted"),
        ({"cancel_only": True}, "halted"),
        ({"post_only": True}, "halted"),
        ({"auction_mode": True}, "halted"),
        ({"status": "offline"}, "halted"),
        ({"status": "delisted"}, "closed"),
    ],
)
def test_trading_status_becomes_state(more: Json, state: str) -> None:
    driver = Driver(coinbase.venue(("ABC-USD",)))
    out = driver.answer(LIST_URL, [product("ABC-USD", **more)])
    assert every(out, Listing)[0].instruments[0].state == state


def test_the_list_of_advanced_trade_does_too() -> None:
    driver = Driver(coinbase.venue(("ABC-USD",)))
    listed = {
        "product_id": "ABC-USD",
        "base_currency_id": "ABC",
        "quote_currency_id": "USD",
        "quote_increment": "0.01",
        "price_increment": "0.05",
        "base_increment": "0.1",
        "quote_min_size": "1",
        "status": "online",
    }
    out = driver.answer(LIST_URL, {"products": [listed | {"product_type": "FUTURE"}, listed]})
    instrument = Instrument("ABC-USD", "ABC", "USD", "coinbase", "0.05", "0.1", "1", "open")
    assert every(out, Listing) == [Listing((instrument,), START)]


@pytest.mark.parametrize(
    "broken", [{"base_increment": "0"}, {"quote_increment": "x"}, {"id": 7}, {"base_currency": ""}]
)
def test_one_broken_product_does_not_cost_the_others(broken: Json) -> None:
    venue = coinbase.venue(("ABC-USD", "XYZ-EUR"))
    driver = Driver(venue)
    out = driver.answer(LIST_URL, [product("ABC-USD") | broken, product("XYZ-EUR")])
    assert [listing.instruments[0].symbol for listing in every(out, Listing)] == ["XYZ-EUR"]
    assert venue.skipped["bad_listing"] == 1


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"[[[[", b"1"])
def test_a_list_that_does_not_come_is_asked_for_again(body: bytes) -> None:
    driver = Driver(coinbase.venue(("ABC-USD",)))
    driver.reply(LIST_URL, 200, body)
    assert driver.opened_links() == []
    driver.wait(10)
    assert driver.fetches() == [LIST_URL] * 2


def test_the_list_is_renewed_and_new_steps_begin_the_book_anew() -> None:
    driver = synced()
    keep_link_active(driver, 601)
    assert driver.fetches() == [LIST_URL] * 2
    out = driver.answer(LIST_URL, [product("ABC-USD", quote_increment="0.001")])
    assert statuses(out) == [], "it was silent before, and stays stale"
    assert asked_again(out) == [("unsubscribe", ["ABC-USD"]), ("subscribe", ["ABC-USD"])]
    assert events(driver.frame(change(["buy", "9.985", "1"]))) == []
    [book, *_] = events(driver.frame(snapshot([["9.985", "1"]], [])))
    assert book == BookSnapshot("ABC-USD", ((9985, 10),), (), driver.now_us)
    keep_link_active(driver, 600)
    out = driver.answer(LIST_URL, [product("XYZ-EUR")])
    assert [i.state for listing in every(out, Listing) for i in listing.instruments] == ["closed"]
    assert statuses(out) == [("ABC-USD", "stale", "delisted")]


@pytest.mark.parametrize("left_out", [False, True])
def test_new_steps_convert_a_book_of_which_all_is_known(left_out: bool) -> None:
    driver = synced()
    if left_out:
        driver.frame(change(["buy", "9.985", "1"]))
    driver.frame(match(1) | {"price": "10.015"})
    for _ in range(61):
        driver.wait(1)
        driver.frame(beat(1))
    out = driver.answer(LIST_URL, [product("ABC-USD", quote_increment="0.001")])
    if left_out:
        assert statuses(out) == [("ABC-USD", "stale", "steps_changed")]
        assert asked_again(out) == [("unsubscribe", ["ABC-USD"]), ("subscribe", ["ABC-USD"])]
        return
    assert (statuses(out), asked_again(out)) == ([], []), "it is as current as before"
    assert every(out, BookSnapshot)[0].bids == ((9990, 10), (9980, 20))
    assert every(driver.frame(change(["buy", "9.985", "1"])), BookChange)[0].bids == ((9985, 10),)


def test_products_are_spread_over_links() -> None:
    names = [f"A{number:02}-USD" for number in range(11)]
    driver = Driver(coinbase.venue(names))
    driver.answer(LIST_URL, [product(name) for name in names])
    driver.wait(1)
    assert [len(products) for _, products in asked_again(driver.up())] == [10, 1]


def test_without_names_whatever_comes_is_followed() -> None:
    driver = Driver(coinbase.venue(recorded=True))
    driver.answer(LIST_URL, LIST)
    assert every(driver.up(), Send) == []
    assert [type(event) for event in events(driver.frame(match(1)))] == [Listing, Trade]


def test_a_recording_without_its_list_is_played_at_eight_decimals() -> None:
    driver = Driver(coinbase.venue(("abc-usd", "nonsense"), recorded=True))
    out = driver.reply(LIST_URL, 0)
    instrument = Instrument("ABC-USD", "ABC", "USD", "coinbase", "0.00000001", "0.00000001", "0", "open")
    assert every(out, Listing) == [Listing((instrument,), START)]


# --- frames -------------------------------------------------------------------------------------------


def test_the_side_of_a_match_is_the_makers() -> None:
    driver_ = driver()
    assert driver_.frame(match(7)) == [Trade("ABC-USD", "7", 1001, 3, "buy", AT_US)]
    assert every(driver_.frame(match(8, side="buy")), Trade)[0].side == "sell"


def test_last_match_is_told_once() -> None:
    driver_ = driver()
    assert len(driver_.frame(match(7, "last_match"))) == 1
    assert driver_.frame(match(7)) == []
    assert len(driver_.frame(match(8))) == 1
    assert driver_.frame(match(8, "last_match")) == []


def ticker(sequence: int, **more: str) -> Json:
    return {
        "type": "ticker",
        "sequence": sequence,
        "product_id": "ABC-USD",
        "open_24h": "9.00",
        "high_24h": "11.005",
        "low_24h": "8",
        "volume_24h": "12.34",
        "best_bid": "9.99",
        "best_ask": "10.01",
        "time": TIME,
    } | more


def test_tickers_tell_the_day_and_never_go_back() -> None:
    driver_ = driver()
    assert driver_.frame(ticker(5)) == [DayStats("ABC-USD", 900, 1100, 800, 123, None, AT_US)]
    assert driver_.frame(ticker(4)) == []


def test_best_prices_of_a_ticker_are_told_with_their_sizes_where_there_is_no_book() -> None:
    driver_ = driver()
    sized = ticker(5, best_bid_size="1", best_ask_size="2")
    assert every(driver_.frame(sized), Quote) == [Quote("ABC-USD", 999, 10, 1001, 20, AT_US)]
    assert every(synced().frame(sized), Quote) == []


def test_books_are_told_best_first_and_change_to_absolute_sizes() -> None:
    driver_ = driver()
    out = driver_.frame(
        snapshot([["9.98", "2"], ["9.99", "1"], ["9.97", "0"]], [["10.02", "4"], ["10.01", "3"]])
    )
    now = driver_.now_us
    assert events(out) == [
        BookSnapshot("ABC-USD", ((999, 10), (998, 20)), ((1001, 30), (1002, 40)), now),
        Quote("ABC-USD", 999, 10, 1001, 30, now),
        FeedStatus(None, "live", "synced", now),
        FeedStatus("ABC-USD", "live", "synced", now),
    ]
    changes = change(["sell", "10.01", "0.00"], ["buy", "9.98", "5.55"], ["buy", "9.98", "6.55"])
    assert driver_.frame(changes) == [
        BookChange("ABC-USD", ((998, 65),), ((1001, 0),), AT_US),
        Quote("ABC-USD", 999, 10, 1002, 40, AT_US),
    ]
    assert every(driver_.frame(change(["buy", "9.97", "1"])), Quote) == []


def test_todays_snapshot_says_when() -> None:
    [book, *_] = events(driver().frame(snapshot([], []) | {"time": TIME}))
    assert book == BookSnapshot("ABC-USD", (), (), AT_US)


def test_levels_off_the_ticks_are_left_out() -> None:
    driver_ = driver()
    driver_.frame(snapshot([["9.99", "1"], ["9.985", "1"]], []))
    assert rebuilt(driver_.out, "ABC-USD").bids.top(9) == [(999, 10)]


def test_changes_before_the_snapshot_build_on_nothing() -> None:
    assert driver().frame(change(["buy", "9.97", "1"])) == []


def test_a_trade_off_the_ticks_hurries_the_list() -> None:
    driver = synced()
    keep_link_active(driver, 58)
    driver.frame(match(1) | {"price": "10.015"})
    driver.wait(1)
    assert driver.fetches() == [LIST_URL]
    driver.wait(1)
    assert driver.fetches() == [LIST_URL] * 2


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        ({"type": "subscriptions", "channels": []}, "other_kind"),
        ({"type": "error", "message": "no"}, "refused"),
        ({}, "other_kind"),
        ({"channel": "status", "sequence_num": 0, "events": []}, "other_kind"),
        (match(1) | {"product_id": "XYZ-EUR"}, "unknown_symbol"),
        (match(1) | {"size": "0.01"}, "off_tick"),
        (match(1) | {"price": "one"}, "bad_message"),
        (match(1) | {"time": "yesterday"}, "bad_message"),
        (match(1) | {"time": "1969-01-01T00:00:00Z"}, "bad_message"),
        (change(["buy", "x", "1"], name="XYZ-EUR"), "unknown_symbol"),
        ({"type": "l2update", "product_id": "XYZ-EUR"}, "bad_message"),
    ],
)
def test_what_is_left_out_is_counted(frame: Json, reason: str) -> None:
    venue = coinbase.venue(("ABC-USD",))
    driver = Driver(venue)
    driver.answer(LIST_URL, LIST)
    driver.up()
    driver.frame(snapshot([], []))
    assert not [left for left in driver.frame(frame) if not isinstance(left, MissingTrade)]
    assert venue.skipped[reason] == 1


# --- faults -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "bad",
    [
        change(["buy", "x", "1"]),
        change(["both", "1", "1"]),
        change(["buy", "10.01", "1"]),  # crosses
        {"type": "l2update", "product_id": "ABC-USD"},
        snapshot([["11", "1"]], [["10", "1"]]),
        snapshot([["11", "x"]], []),
    ],
)
def test_a_book_that_missed_something_is_asked_for_anew(bad: Json) -> None:
    driver = synced()
    out = driver.frame(bad)
    assert statuses(out) == [("ABC-USD", "stale", "bad_message")]
    assert asked_again(out) == [("unsubscribe", ["ABC-USD"]), ("subscribe", ["ABC-USD"])]
    assert driver.frame(bad) == [], "once is enough"
    assert events(driver.frame(change(["buy", "9.97", "1"]))) == []
    out = driver.frame(snapshot([["9.96", "1"]], []))
    assert [type(event) for event in events(out)] == [BookSnapshot, Quote, FeedStatus]


def test_a_snapshot_that_does_not_come_is_asked_for_with_longer_pauses() -> None:
    driver_ = driver()
    asked_s: list[int] = []
    for second in range(1, 160):
        if every(keep_link_active(driver_, 1), Send):
            asked_s.append(second)
    assert asked_s == [10, 30, 70, 150]


@pytest.mark.parametrize("garbage", ["not json", b"\xff", "[1]", '{"type": 7}', "[" * 100_000])
def test_what_is_no_message_at_all_makes_the_link_untrusted(garbage: str | bytes) -> None:
    driver = synced()
    out = driver.frame(garbage)
    assert statuses(out) == [(None, "stale", "bad_message")]
    assert every(out, Close) == [Close(driver.opened_links()[0].link, "bad_message")]
    assert driver.frame(garbage) == [], "not heard any more"
    assert driver.lose() == []
    driver.wait(2)
    assert len(driver.opened_links()) == 2


def test_a_trade_that_only_a_heartbeat_told_is_a_gap() -> None:
    driver = synced()
    driver.frame(match(7))
    assert driver.frame(beat(8)) == [], "it may still be on its way"
    out = driver.frame(beat(8))
    assert statuses(out) == [("ABC-USD", "stale", "sequence_gap")]
    assert [kind for kind, _ in asked_again(out)] == ["unsubscribe", "subscribe"]
    driver.frame(snapshot([], []))
    for _ in range(3):
        assert driver.frame(beat(8)) == [], "dealt with"
    assert len(driver.frame(match(8, "last_match"))) == 1


def test_a_trade_that_comes_after_its_heartbeat_is_no_gap() -> None:
    driver = synced()
    driver.frame(match(7))
    driver.frame(beat(8))
    driver.frame(match(8))
    assert driver.frame(beat(8)) == []


def test_a_later_trade_does_not_hide_one_that_was_lost() -> None:
    driver = synced()
    driver.frame(match(7))
    assert driver.frame(beat(8)) == []
    driver.frame(match(9))
    assert statuses(driver.frame(beat(9))) == [("ABC-USD", "stale", "sequence_gap")]


def test_a_trade_that_was_left_out_is_no_gap() -> None:
    driver = synced()
    driver.frame(match(7))
    driver.frame({**match(8), "price": "10.00001"})
    assert driver.frame(beat(8)) == []
    assert driver.frame(beat(8)) == [], "it came, and was off the tick"


def test_heartbeats_mean_nothing_where_no_matches_come() -> None:
    driver = synced()
    assert [driver.frame(beat(8)), driver.frame(beat(9)), driver.frame(beat(9))] == [[], [], []]


def test_a_lost_link_makes_all_stale_and_is_opened_again() -> None:
    driver = synced()
    assert statuses(driver.lose()) == [(None, "stale", "link_lost")]
    driver.wait(2)
    assert asked_again(driver.up()) == [("subscribe", ["ABC-USD"])]
    assert events(driver.frame(change(["buy", "9.97", "1"]))) == []
    out = driver.frame(snapshot([["9", "1"]], []))
    assert statuses(out) == [(None, "live", "synced"), ("ABC-USD", "live", "synced")]


def test_of_two_links_only_what_is_on_the_lost_one_is_stale() -> None:
    names = [f"A{number:02}-USD" for number in range(11)]
    driver = Driver(coinbase.venue(names))
    driver.answer(LIST_URL, [product(name) for name in names])
    driver.wait(1)
    driver.up()
    second = driver.opened_links()[1].link
    driver.frame(snapshot([], [], "A00-USD"))
    driver.frame(snapshot([], [], "A10-USD"), second)
    assert statuses(driver.give(Closed(second, "lost"))) == [("A10-USD", "stale", "link_lost")]


def test_a_silent_link_is_given_up_said_and_opened_anew() -> None:
    driver = synced()
    out = driver.wait(31)
    assert statuses(out) == [(None, "stale", "silent")]
    assert every(out, Close) == [Close(driver.opened_links()[0].link, "silent")]
    driver.lose()
    driver.wait(2)
    assert len(driver.opened_links()) == 2


def test_links_and_answers_that_nobody_asked_for_are_ignored() -> None:
    driver_ = driver()
    for stranger in (Opened("x"), Closed("x", ""), Frame("x", "{}"), Answer(99, 200, b"{}")):
        assert driver_.give(stranger) == []


# --- silence ------------------------------------------------------------------------------------------


def test_a_heartbeat_is_heard_and_our_clock_is_not() -> None:
    driver = synced()
    driver.frame(match(7))
    driver.wait(1)
    driver.frame(beat(7))
    assert every(driver.wait(1), Activity) == [Activity(("feed-0",), ("ABC-USD",))]
    quiet = driver.wait(3)
    assert every(quiet, Activity) == []
    assert {clock.is_reckoned for clock in every(quiet, VenueTime)} == {True}


def test_a_quiet_product_with_heartbeats_is_not_stale() -> None:
    driver = synced()
    for _ in range(60):
        assert statuses(driver.wait(1) + driver.frame(beat(0))) == []


def test_a_quiet_link_is_stale_and_current_again_with_its_next_message() -> None:
    driver = synced()
    assert statuses(driver.wait(11)) == [(None, "stale", "silent")]
    assert statuses(driver.frame(beat(0))) == [(None, "live", "heard"), ("ABC-USD", "live", "heard")]
    assert every(driver.frame(change(["buy", "9.97", "1"])), BookChange) != []


def test_a_dead_product_on_a_busy_link_is_stale_and_subscribed_anew() -> None:
    driver = synced()
    driver.frame(match(7))
    assert statuses(keep_link_active(driver, 599)) == [], "Advanced Trade repeats nothing in quiet times"
    out = keep_link_active(driver, 1)
    assert statuses(out) == [("ABC-USD", "stale", "silent")]
    assert asked_again(out) == [("unsubscribe", ["ABC-USD"]), ("subscribe", ["ABC-USD"])]
    assert statuses(driver.frame(snapshot([["9", "1"]], []))) == [("ABC-USD", "live", "synced")]


def test_a_recorded_product_that_is_dead_for_a_while_is_stale_for_that_while() -> None:
    driver_ = driver(recorded=True)
    driver_.frame(snapshot([["9.99", "1"]], [["10.01", "3"]]))
    assert statuses(keep_link_active(driver_, 60)) == [], "no heartbeats were recorded"
    driver_.frame(beat(0))
    assert statuses(keep_link_active(driver_, 11)) == [("ABC-USD", "stale", "silent")]
    assert statuses(driver_.frame(change(["buy", "9.97", "1"]))) == [("ABC-USD", "live", "heard")]


def test_a_snapshot_older_than_the_last_change_is_refused() -> None:
    driver = synced()
    driver.frame(change(["buy", "9.97", "1"]))
    driver.lose()
    driver.wait(2)
    driver.up()
    old = snapshot([["9.99", "1"]], []) | {"time": "2023-11-14T22:13:20.400000Z"}
    assert events(driver.frame(old)) == []
    new = snapshot([["9.99", "1"]], []) | {"time": "2023-11-14T22:13:21.400000Z"}
    assert statuses(driver.frame(new)) == [(None, "live", "synced"), ("ABC-USD", "live", "synced")]


# --- Advanced Trade -----------------------------------------------------------------------------------


def advanced(channel: str, number: int, *happened: Json) -> Json:
    return {
        "channel": channel,
        "client_id": "",
        "timestamp": TIME,
        "sequence_num": number,
        "events": happened,
    }


def l2(kind: str, *levels: tuple[str, str, str]) -> Json:
    updates = [{"side": s, "event_time": TIME, "price_level": p, "new_quantity": q} for s, p, q in levels]
    return {"type": kind, "product_id": "ABC-USD", "updates": updates}


def test_advanced_trades_book() -> None:
    driver_ = driver()
    out = driver_.frame(advanced("l2_data", 0, l2("snapshot", ("offer", "10", "1"), ("bid", "9", "2"))))
    assert every(out, BookSnapshot) == [BookSnapshot("ABC-USD", ((900, 20),), ((1000, 10),), AT_US)]
    out = driver_.frame(advanced("l2_data", 1, l2("update", ("bid", "9", "0.00"), ("bid", "8", "1"))))
    assert every(out, BookChange) == [BookChange("ABC-USD", ((900, 0), (800, 10)), (), AT_US)]


def trades(kind: str, *numbers: int) -> Json:
    common = {"product_id": "ABC-USD", "price": "10", "size": "1", "side": "BUY", "time": TIME}
    return {"type": kind, "trades": [common | {"trade_id": str(number)} for number in numbers]}


def test_advanced_trades_come_in_order_and_of_those_before_only_the_last() -> None:
    driver_ = driver()
    out = driver_.frame(advanced("market_trades", 0, trades("snapshot", 9, 8, 7)))
    assert out == [Trade("ABC-USD", "9", 1000, 10, "sell", AT_US)]
    out = driver_.frame(advanced("market_trades", 1, trades("update", 11, 10)))
    assert [trade.trade_id for trade in every(out, Trade)] == ["10", "11"]


def test_advanced_tickers_tell_best_prices_only() -> None:
    best = {"best_bid": "9", "best_bid_quantity": "1", "best_ask": "10", "best_ask_quantity": "2"}
    tickers = [{"product_id": "ABC-USD", "price": "10"} | best, {"product_id": "ABC-USD", "price": "10"}]
    out = driver().frame(advanced("ticker", 0, {"type": "snapshot", "tickers": tickers}))
    assert out == [Quote("ABC-USD", 900, 10, 1000, 20, AT_US)]


@pytest.mark.parametrize(("start", "closed"), [(1_699_999_800, False), (1_699_999_500, True)])
def test_advanced_candles_are_of_five_minutes(start: int, closed: bool) -> None:
    candle = {"start": str(start), "open": "1", "high": "3", "low": "0.5", "close": "2", "volume": "7"}
    out = driver().frame(
        advanced("candles", 0, {"type": "update", "candles": [candle | {"product_id": "ABC-USD"}]})
    )
    assert out == [
        Candle("ABC-USD", 300 * SECOND, start * SECOND, 100, 300, 50, 200, 70, 0, closed=closed, ts_us=AT_US)
    ]


def test_a_missing_number_makes_the_link_untrusted_and_a_late_one_is_left_out() -> None:
    driver_ = driver()
    driver_.frame(advanced("l2_data", 5, l2("snapshot", ("bid", "9", "2"))))
    driver_.frame(advanced("heartbeats", 6, {}))
    assert driver_.frame(advanced("l2_data", 6, l2("update", ("bid", "9", "1")))) == []
    out = driver_.frame(advanced("l2_data", 8, l2("update", ("bid", "9", "1"))))
    assert statuses(out) == [(None, "stale", "sequence_gap")]
    assert len(every(out, Close)) == 1
    driver_.lose()
    driver_.wait(2)
    driver_.up()
    assert driver_.frame(advanced("l2_data", 0, l2("snapshot", ("bid", "9", "2")))) != [], (
        "numbers begin anew"
    )


def test_a_bad_advanced_book_message_names_no_product_and_costs_the_link() -> None:
    driver_ = driver()
    driver_.frame(advanced("l2_data", 0, l2("snapshot", ("bid", "9", "2"))))
    out = driver_.frame(advanced("l2_data", 1, {"type": "update"}))
    assert statuses(out) == [(None, "stale", "bad_message")]
    assert len(every(out, Close)) == 1


# --- recordings ---------------------------------------------------------------------------------------


def test_symbols_are_found_in_subscriptions() -> None:
    old = {"type": "subscribe", "product_ids": ["A-B", "C-D"], "channels": ["level2"]}
    own = {"type": "subscribe", "channels": ["ticker", {"name": "matches", "product_ids": ["C-D", "E-F"]}]}
    assert coinbase.requested_symbols(json.dumps(old)) == ["A-B", "C-D"]
    assert coinbase.requested_symbols(json.dumps(own)) == ["C-D", "E-F"]
    assert coinbase.requested_symbols(
        json.dumps({"type": "subscribe", "product_ids": ["A-B"], "channel": "level2"})
    ) == ["A-B"]
    assert coinbase.requested_symbols(json.dumps(old | {"type": "unsubscribe"})) == []
    assert coinbase.requested_symbols("wss://ws-feed.exchange.coinbase.com") == []
