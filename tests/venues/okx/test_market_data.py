"""The adapter for OKX: its links and requests, and what each fault costs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from floorwire.core.instrument import Instrument
from floorwire.core.market_events import (
    BookChange,
    BookSnapshot,
    Candle,
    Listing,
    MissingTrade,
    Quote,
    StreamsEnded,
    Trade,
)
from floorwire.core.ports import Close, Closed, CountsSkipped, Open, Opened, Send, VenueOutput
from floorwire.venues.common.subscribed_symbol import EVERYTHING
from floorwire.venues.okx import limits
from floorwire.venues.okx import market_data as okx
from floorwire.venues.okx.limits import CAPABILITIES
from tests.venues.driver import SECOND, START, Driver, every, statuses

PUBLIC, BUSINESS = "public-0", "business-0"
MS = START // 1_000


def row(native: str, tick: str = "0.1", state: str = "live") -> dict[str, str]:
    base, _, quote = native.partition("-")
    names = {"instType": "SPOT", "instId": native, "baseCcy": base, "quoteCcy": quote}
    return names | {"tickSz": tick, "lotSz": "0.001", "state": state}


LIST = {"code": "0", "msg": "", "data": [row("ABC-USDT"), row("XYZ-EUR"), row("QRS-USDT")]}


def up(*symbols: str) -> Driver:
    """Return a driver whose links are up."""
    named = symbols or ("ABC-USDT", "XYZ-EUR")
    driver = Driver(okx.venue(named))
    driver.answer(okx.LIST_URL, LIST)
    driver.want(*named)
    driver.up()
    return driver


def frame(channel: str, native: str, *rows: object, action: str | None = None) -> dict[str, object]:
    said: dict[str, object] = {"arg": {"channel": channel, "instId": native}, "data": rows}
    return said if action is None else said | {"action": action}


def book(native: str, seq: int, before: int, bids: dict[str, str], asks: dict[str, str]) -> dict[str, object]:
    levels = {
        side: [[price, size, "0", "1"] for price, size in of.items()]
        for side, of in (("bids", bids), ("asks", asks))
    }
    data = {**levels, "ts": str(MS), "checksum": 0, "seqId": seq, "prevSeqId": before}
    return frame("books", native, data, action="snapshot" if before == -1 else "update")


def synced(*symbols: str) -> Driver:
    """Return a driver whose books are synced."""
    driver = up(*symbols)
    for native in symbols or ("ABC-USDT", "XYZ-EUR"):
        driver.frame(book(native, 10, -1, {"10.4": "1"}, {"10.5": "2"}), PUBLIC)
    return driver


def skipped(driver: Driver) -> Mapping[str, int]:
    assert isinstance(driver.venue, CountsSkipped)
    return driver.venue.skipped


def requests(outputs: Iterable[VenueOutput]) -> list[tuple[str, str, list[str]]]:
    """Return the requests as (link, op, streams)."""
    sent = [(send.link, send.text) for send in every(outputs, Send) if send.text != "ping"]
    return [
        (link, json.loads(text)["op"], [" ".join(one.values()) for one in json.loads(text)["args"]])
        for link, text in sent
    ]


def test_both_links_are_opened_and_subscribed_in_one_request_each() -> None:
    driver = up("ABC-USDT")
    assert [(link.link, link.url) for link in every(driver.out, Open)] == [
        (PUBLIC, "wss://ws.okx.com:8443/ws/v5/public"),
        (BUSINESS, "wss://ws.okx.com:8443/ws/v5/business"),
    ]
    assert requests(driver.out) == [
        (PUBLIC, "subscribe", ["instruments SPOT"]),
        (
            PUBLIC,
            "subscribe",
            ["books ABC-USDT", "bbo-tbt ABC-USDT", "trades ABC-USDT", "tickers ABC-USDT"],
        ),
        (BUSINESS, "subscribe", [f"{channel} ABC-USDT" for channel in okx.CANDLE_CHANNELS]),
    ]


def test_all_is_listed_and_nothing_is_opened_before_it_is_wanted() -> None:
    driver = Driver(okx.venue(("ABC-USDT", "QRS-USDT")))
    driver.want("ABC-USDT", "NONE-USDT", kinds=["book"])
    driver.answer(okx.LIST_URL, LIST)
    [listing] = every(driver.out, Listing)
    assert [of.symbol for of in listing.instruments] == ["ABC-USDT", "QRS-USDT"]
    assert [link.link for link in every(driver.out, Open)] == [PUBLIC]
    driver.up()
    assert requests(driver.want("QRS-USDT", "ABC-USDT", kinds=["book"])) == [
        (PUBLIC, "subscribe", ["books QRS-USDT"])
    ]
    assert every(driver.frame(book("XYZ-EUR", 10, -1, {"10.4": "1"}, {}), PUBLIC), BookSnapshot) == []


def test_named_symbols_are_wanted_until_a_wish_says_which() -> None:
    driver = Driver(okx.venue(("ABC-USDT",)))
    driver.answer(okx.LIST_URL, LIST)
    assert [link.link for link in every(driver.out, Open)] == [PUBLIC, BUSINESS]
    assert [close.link for close in every(driver.want("ABC-USDT", kinds=["book"]), Close)] == [BUSINESS]


def test_a_book_stays_while_other_streams_come_and_go() -> None:
    driver = up("ABC-USDT")
    driver.want("ABC-USDT", kinds=["book"])
    driver.frame(book("ABC-USDT", 10, -1, {"10.4": "1"}, {"10.5": "2"}), PUBLIC)
    out = driver.want("ABC-USDT", kinds=["book", "trades"])
    assert requests(out) == [(PUBLIC, "subscribe", ["trades ABC-USDT"])]
    out = driver.want("ABC-USDT", kinds=["book"])
    assert requests(out) == [(PUBLIC, "unsubscribe", ["trades ABC-USDT"])]
    assert statuses(out) == []
    assert every(driver.frame(book("ABC-USDT", 11, 10, {"10.3": "1"}, {}), PUBLIC), BookChange) != []


def test_what_nobody_wants_ends_and_starts_with_a_new_snapshot() -> None:
    driver = synced()
    out = driver.want("XYZ-EUR")
    assert [op for _, op, _ in requests(out)] == ["unsubscribe", "unsubscribe"]
    assert statuses(out) == [("ABC-USDT", "connecting", "unwanted")]
    assert every(out, StreamsEnded) == [StreamsEnded("ABC-USDT", EVERYTHING, START)]
    assert driver.frame(book("ABC-USDT", 11, 10, {"10.3": "1"}, {}), PUBLIC) == []
    out = driver.want()
    assert [close.link for close in every(out, Close)] == [PUBLIC, BUSINESS]
    assert statuses(out) == [("XYZ-EUR", "connecting", "unwanted")], "the venue itself is as it was"
    assert every(driver.give(Closed(PUBLIC, "unwanted")), Open) == []
    driver.wait(60)
    out = driver.want("ABC-USDT", kinds=["book"])
    assert [link.link for link in every(out, Open)] == [PUBLIC]
    driver.give(Opened(PUBLIC))
    out = driver.frame(book("ABC-USDT", 50, -1, {"10.4": "1"}, {"10.5": "2"}), PUBLIC)
    assert statuses(out) == [("ABC-USDT", "live", "synced")]


def test_a_symbol_without_a_wanted_book_is_live_when_it_is_heard() -> None:
    driver = up("ABC-USDT")
    driver.want("ABC-USDT", kinds=["trades"])
    out = driver.frame(frame("trades", "ABC-USDT", trade(7)), PUBLIC)
    assert statuses(out) == [(None, "live", "synced"), ("ABC-USDT", "live", "synced")]
    assert requests(driver.wait(8)) == []
    assert statuses(driver.give(Closed(PUBLIC, "lost"))) == [(None, "stale", "link_lost")]


def test_candles_of_another_link_do_not_make_a_symbol_live_whose_trades_are_lost() -> None:
    driver = up("ABC-USDT")
    driver.want("ABC-USDT", kinds=["trades", "candles"])
    candle = frame("candle1m", "ABC-USDT", [str(MS), "1", "1", "1", "1", "0", "0", "0", "0"])
    assert statuses(driver.frame(candle, BUSINESS))[-1] == ("ABC-USDT", "live", "synced")
    assert statuses(driver.give(Closed(PUBLIC, "lost"))) == [(None, "stale", "link_lost")]
    assert statuses(driver.frame(candle, BUSINESS)) == []
    driver.wait(5)
    driver.give(Opened(PUBLIC))
    assert statuses(driver.frame(candle, BUSINESS))[-1] == ("ABC-USDT", "live", "synced")


def test_many_symbols_are_on_several_links_opened_one_after_another() -> None:
    natives = [f"A{number}-USDT" for number in range(30)]
    driver = Driver(okx.venue(natives))
    driver.answer(okx.LIST_URL, {"code": "0", "data": [row(native) for native in natives]})
    assert [link.link for link in every(driver.out, Open)] == ["public-0", "public-1"]
    assert [link.link for link in every(driver.wait(1), Open)] == ["business-0"]
    assert every(driver.wait(9), Open) == [], "candles are no books"


def test_a_refused_list_is_requested_again() -> None:
    driver = Driver(okx.venue(("ABC-USDT",)))
    driver.answer(okx.LIST_URL, {"code": "50011", "msg": "Too Many Requests", "data": []})
    assert skipped(driver)["too_many_requests"] == 1
    driver.wait(59)
    assert len(driver.fetches()) == 1, "nothing is sent for a minute"
    driver.wait(1)
    assert driver.fetches() == [okx.LIST_URL] * 2


def test_a_snapshot_makes_a_symbol_live() -> None:
    driver = up("ABC-USDT")
    out = driver.frame(book("ABC-USDT", 10, -1, {"10.4": "1"}, {"10.5": "2"}), PUBLIC)
    assert every(out, BookSnapshot) == [BookSnapshot("ABC-USDT", ((104, 1_000),), ((105, 2_000),), START)]
    assert every(out, Quote) == [Quote("ABC-USDT", 104, 1_000, 105, 2_000, START)]
    assert statuses(out) == [(None, "live", "synced"), ("ABC-USDT", "live", "synced")]
    out = driver.frame(book("ABC-USDT", 12, 10, {"10.3": "4"}, {}), PUBLIC)
    assert every(out, BookChange) == [BookChange("ABC-USDT", ((103, 4_000),), (), START)]


def test_a_gap_resyncs_one_book() -> None:
    driver = synced()
    out = driver.frame(book("ABC-USDT", 30, 20, {"10.3": "4"}, {}), PUBLIC)
    assert statuses(out) == [("ABC-USDT", "stale", "sequence_gap")]
    assert requests(out) == [
        (PUBLIC, "unsubscribe", ["books ABC-USDT"]),
        (PUBLIC, "subscribe", ["books ABC-USDT"]),
    ]
    assert every(driver.frame(book("ABC-USDT", 31, 30, {"10.3": "4"}, {}), PUBLIC), BookChange) == []
    assert every(driver.frame(book("XYZ-EUR", 11, 10, {"10.3": "4"}, {}), PUBLIC), BookChange) != []
    out = driver.frame(book("ABC-USDT", 40, -1, {"9": "1"}, {}), PUBLIC)
    assert statuses(out) == [("ABC-USDT", "live", "synced")]


def test_a_snapshot_that_does_not_come_is_requested_again_ever_later() -> None:
    driver = up("ABC-USDT")
    said = []
    for _ in range(75):
        driver.frame(frame("tickers", "NEW-USDT"), PUBLIC)
        said += [driver.now_us for _, op, _ in requests(driver.wait(1)) if op == "subscribe"]
    assert [(at_us - START) // SECOND for at_us in said] == [10, 30, 70]


def test_requests_for_single_books_are_limited() -> None:
    driver = synced("ABC-USDT")
    sent = 0
    for _ in range(400):
        sent += len(requests(driver.frame(book("ABC-USDT", 30, 20, {}, {}), PUBLIC)))
        driver.frame(book("ABC-USDT", 10, -1, {"10.4": "1"}, {"10.5": "2"}), PUBLIC)
    assert sent == limits.REQUESTS - 2, "two were sent when the link opened"


def test_a_crossed_book_and_an_unreadable_one_are_dropped() -> None:
    driver = synced()
    out = driver.frame(book("ABC-USDT", 11, 10, {"10.5": "1"}, {}), PUBLIC)
    assert statuses(out) == [("ABC-USDT", "stale", "bad_message")]
    out = driver.frame(frame("books", "XYZ-EUR", {"ts": "never"}, action="update"), PUBLIC)
    assert statuses(out) == [("XYZ-EUR", "stale", "bad_message")]
    assert skipped(driver)["crossed_book"] == skipped(driver)["bad_message"] == 1


def test_best_prices_come_from_their_channel_while_it_sends() -> None:
    driver = synced("ABC-USDT")
    best = {"bids": [["10.4", "1", "0", "1"]], "asks": [["10.5", "1", "0", "1"]], "ts": str(MS), "seqId": 11}
    assert every(driver.frame(frame("bbo-tbt", "ABC-USDT", best), PUBLIC), Quote) == [
        Quote("ABC-USDT", 104, 1_000, 105, 1_000, START)
    ]
    out = driver.frame(book("ABC-USDT", 11, 10, {}, {"10.5": "1"}), PUBLIC)
    assert every(out, Quote) == []
    driver.wait(3)
    out = driver.frame(book("ABC-USDT", 12, 11, {}, {"10.5": "0.5"}), PUBLIC)
    assert every(out, Quote) == [Quote("ABC-USDT", 104, 1_000, 105, 500, START)]


def test_a_book_that_stays_behind_the_best_prices_has_ended() -> None:
    driver = synced("ABC-USDT")
    best = {"bids": [["10.3", "1", "0", "1"]], "asks": [["10.5", "2", "0", "1"]], "ts": str(MS), "seqId": 11}
    assert statuses(driver.frame(frame("bbo-tbt", "ABC-USDT", best), PUBLIC)) == []
    driver.wait(5)
    out = driver.frame(frame("bbo-tbt", "ABC-USDT", best), PUBLIC)
    assert statuses(out) == [("ABC-USDT", "stale", "silent")]
    assert [op for _, op, _ in requests(out)] == ["unsubscribe", "subscribe"]


def trade(trade_id: int, price: str = "10.5") -> dict[str, str]:
    said = {"instId": "ABC-USDT", "tradeId": str(trade_id), "px": price, "sz": "2", "side": "buy"}
    return said | {"ts": str(MS), "count": "1"}


def test_trades_come_once_and_one_that_cannot_be_told_affects_no_other() -> None:
    driver = synced("ABC-USDT")
    rows = [trade(7), trade(8, "10.55"), trade(7), trade(9)]
    out = driver.frame(frame("trades", "ABC-USDT", *rows), PUBLIC)
    assert [told.trade_id for told in every(out, Trade)] == ["7", "9"]
    assert every(out, MissingTrade) == [MissingTrade("ABC-USDT", START)]
    assert (skipped(driver)["off_tick"], skipped(driver)["repeated"]) == (1, 1)


def test_candles_come_on_their_own_link_whose_loss_costs_no_book() -> None:
    driver = synced("ABC-USDT")
    start = START // SECOND // 60 * 60_000
    candle = [str(start), "10", "12", "9", "11", "5", "50", "50", "0"]
    out = driver.frame(frame("candle1m", "ABC-USDT", candle), BUSINESS)
    assert [told.start_us for told in every(out, Candle)] == [start * 1_000]
    assert statuses(driver.give(Closed(BUSINESS, "lost"))) == []
    assert statuses(driver.give(Closed(PUBLIC, "lost"))) == [(None, "stale", "link_lost")]


def test_a_quiet_link_is_pinged_and_a_dead_one_closed() -> None:
    driver = synced("ABC-USDT")
    driver.wait(4)
    assert [send.text for send in every(driver.wait(1), Send)] == ["ping", "ping"]
    driver.frame("pong", PUBLIC)
    out = driver.wait(24)
    assert [close.link for close in every(out, Close)] == [BUSINESS]
    assert [close.link for close in every(driver.wait(2), Close)] == [PUBLIC]


def test_a_lost_link_starts_all_its_books_again() -> None:
    driver = synced()
    assert statuses(driver.give(Closed(PUBLIC, "lost"))) == [(None, "stale", "link_lost")]
    driver.wait(2)
    out = driver.give(Opened(PUBLIC))
    assert [(link, op) for link, op, _ in requests(out)] == [(PUBLIC, "subscribe")] * 2
    out = driver.frame(book("ABC-USDT", 5, -1, {"10.4": "1"}, {}), PUBLIC)
    assert (None, "live", "synced") in statuses(out)


def test_states_and_ticks_change_with_the_channel_instruments() -> None:
    driver = synced()
    said = {"arg": {"channel": "instruments", "instType": "SPOT"}}
    out = driver.frame(said | {"data": [row("ABC-USDT", state="suspend"), row("NEW-USDT"), 3]}, PUBLIC)
    [listing] = every(out, Listing)
    assert [(of.symbol, of.state) for of in listing.instruments] == [("ABC-USDT", "halted")]
    assert skipped(driver)["bad_listing"] == 1
    out = driver.frame(said | {"data": [row("ABC-USDT", tick="0.01", state="live")]}, PUBLIC)
    assert every(out, BookSnapshot) == [BookSnapshot("ABC-USDT", ((1040, 1_000),), ((1050, 2_000),), START)]


def test_what_a_finer_tick_needs_is_requested_anew() -> None:
    driver = synced("ABC-USDT")
    driver.frame(book("ABC-USDT", 11, 10, {"10.37": "1"}, {}), PUBLIC)
    said = {"arg": {"channel": "instruments", "instType": "SPOT"}, "data": [row("ABC-USDT", tick="0.01")]}
    out = driver.frame(said, PUBLIC)
    assert statuses(out) == [("ABC-USDT", "stale", "steps_changed")]
    assert [op for _, op, _ in requests(out)] == ["unsubscribe", "subscribe"]


def test_a_refusal_is_counted() -> None:
    driver = up("ABC-USDT")
    driver.frame({"event": "error", "code": "60018", "msg": "no such channel", "connId": "a"}, PUBLIC)
    driver.frame({"event": "channel-conn-count-error", "channel": "books", "connCount": "31"}, PUBLIC)
    driver.frame({"event": "subscribe", "arg": {"channel": "books", "instId": "ABC-USDT"}}, PUBLIC)
    assert skipped(driver)["refused_60018"] == 1
    assert skipped(driver)["refused"] == 1


def test_a_recording_requests_nothing_and_follows_what_comes() -> None:
    driver = Driver(okx.venue((), recorded=True))
    driver.answer(okx.LIST_URL, LIST)
    driver.up()
    driver.frame(book("XYZ-EUR", 10, -1, {"10.4": "1"}, {"10.5": "2"}), PUBLIC)
    driver.frame(book("ODD-USDT", 10, -1, {"10.4": "1"}, {"10.5": "2"}), PUBLIC)
    driver.frame(book("XYZ-EUR", 20, 15, {}, {}), PUBLIC)
    driver.wait(20)
    listed = [of for listing in every(driver.out, Listing) for of in listing.instruments]
    assert listed[1] == Instrument("ODD-USDT", "ODD", "USDT", "okx", "0.00000001", "0.00000001")
    assert every(driver.out, Send) == []


def test_requested_symbols() -> None:
    args = [{"channel": "books", "instId": name} for name in ("ABC-USDT", "ABC-USD-SWAP", "ABC-USDT")]
    assert okx.requested_symbols(json.dumps({"op": "subscribe", "args": args})) == ["ABC-USDT"]
    assert okx.requested_symbols(json.dumps({"op": "unsubscribe", "args": args})) == []
    assert okx.requested_symbols("wss://ws.okx.com:8443/ws/v5/public") == []


def test_what_is_said_to_be_sent_is_what_is_subscribed_to() -> None:
    assert set(CAPABILITIES.streams) == set(okx.CHANNELS)
    intervals = [
        channel.removeprefix("candle").removesuffix("utc").lower() for channel in okx.CANDLE_CHANNELS
    ]
    assert list(CAPABILITIES.candle_intervals) == intervals
    assert CAPABILITIES.book_depth == 400
    assert okx.CHANNELS["book"] == ("books",)
