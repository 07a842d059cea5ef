"""A link is replaced before the exchange ends it: no book is stale by that, and nothing is told twice."""

from __future__ import annotations

import json

from floorwire.core.market_events import BookChange, BookSnapshot, Quote, Trade
from floorwire.core.ports import Close, Closed, Open, Opened, Send, VenueOutput
from floorwire.venues.binance import limits
from floorwire.venues.common.link_rotation import LIMIT_US, RETRY_US, SETTLE_US
from tests.venues.binance import test_market_data as binance
from tests.venues.driver import SECOND, Driver, every, rebuilt, statuses
from tests.venues.okx import test_market_data as okx

OLD, NEW = "public-0", "public-0-b"
ENDS_SOON = {"event": "notice", "code": "64008", "msg": "service upgrade", "connId": "a"}
URL = binance.DEPTH_URL.format("ABCUSDT")


def begun() -> Driver:
    """Return a driver with two synced books of OKX, whose link will end soon and whose new link is up."""
    driver = okx.synced()
    driver.wait(1)
    assert [opened.link for opened in every(driver.frame(ENDS_SOON, OLD), Open)] == [NEW]
    assert okx.requests(driver.give(Opened(NEW)))[1][:2] == (NEW, "subscribe")
    return driver


def active(driver: Driver, seconds: float, *links: str) -> list[VenueOutput]:
    """Let time pass on links that are never silent; return what followed."""
    out: list[VenueOutput] = []
    for _ in range(round(seconds)):
        out += driver.wait(1)
        for link in links:
            out += driver.frame("pong", link)
    return out


def test_each_book_moves_when_it_is_complete_and_the_old_link_is_closed_after_the_last() -> None:
    driver = begun()
    before = len(driver.out)
    for native in ("ABC-USDT", "XYZ-EUR"):
        driver.frame(okx.book(native, 11, 10, {"10.3": "1"}, {}), OLD)
        driver.frame(okx.book(native, 11, -1, {"10.4": "1", "10.3": "1"}, {"10.5": "2"}), NEW)
        assert driver.frame(okx.book(native, 12, 11, {"10.3": "9"}, {}), OLD) == [], "it has moved"
        assert every(driver.frame(okx.book(native, 12, 11, {"10.3": "2"}, {}), NEW), BookChange)
    out = active(driver, SETTLE_US // SECOND, OLD, NEW)
    assert [(close.link, close.reason) for close in every(out, Close)] == [(OLD, "replaced")]
    assert driver.give(Closed(OLD, "replaced")) == []
    assert not [said for said in statuses(driver.out[before:]) if said[1] == "stale"]
    assert rebuilt(driver.out, "XYZ-EUR").bids.top(9) == [(104, 1_000), (103, 2_000)]
    assert every(driver.frame(okx.book("ABC-USDT", 13, 12, {"10.3": "3"}, {}), NEW), BookChange)


def test_a_trade_on_both_links_is_told_once_and_best_prices_by_one() -> None:
    driver = begun()
    trade = {"instId": "ABC-USDT", "tradeId": "7", "px": "10.4", "sz": "1", "side": "buy", "ts": str(okx.MS)}
    best = {
        "bids": [["10.4", "1", "0", "1"]],
        "asks": [["10.5", "1", "0", "1"]],
        "ts": str(okx.MS),
        "seqId": 1,
    }
    for first, second in ((OLD, NEW), (NEW, OLD)):
        trade |= {"tradeId": str(int(trade["tradeId"]) + 1)}
        out = [*driver.frame(okx.frame("trades", "ABC-USDT", trade), first)]
        out += driver.frame(okx.frame("trades", "ABC-USDT", trade), second)
        assert len(every(out, Trade)) == 1
    assert every(driver.frame(okx.frame("bbo-tbt", "ABC-USDT", best), OLD), Quote)
    assert not every(driver.frame(okx.frame("bbo-tbt", "ABC-USDT", best), NEW), Quote)


def test_the_next_replacement_has_the_first_name_again() -> None:
    driver = begun()
    for native in ("ABC-USDT", "XYZ-EUR"):
        driver.frame(okx.book(native, 11, -1, {"10.4": "1"}, {"10.5": "2"}), NEW)
    active(driver, SETTLE_US // SECOND, OLD, NEW)
    driver.give(Closed(OLD, "replaced"))
    assert [opened.link for opened in every(driver.frame(ENDS_SOON, NEW), Open)] == [OLD]


def test_a_lost_change_on_the_new_link_costs_nothing_yet() -> None:
    driver = begun()
    driver.frame(okx.book("ABC-USDT", 99, 98, {"10.4": "1"}, {}), NEW)
    assert statuses(driver.frame(okx.book("ABC-USDT", 11, 10, {"10.3": "1"}, {}), OLD)) == []


def test_where_the_old_link_ends_first_only_books_that_had_not_moved_are_stale() -> None:
    driver = begun()
    driver.frame(okx.book("ABC-USDT", 11, -1, {"10.4": "1"}, {"10.5": "2"}), NEW)
    out = driver.give(Closed(OLD, "service upgrade"))
    assert statuses(out) == [("XYZ-EUR", "stale", "link_lost")]
    assert every(out, Open) == []
    out = driver.frame(okx.book("XYZ-EUR", 11, -1, {"10.4": "1"}, {"10.5": "2"}), NEW)
    assert statuses(out) == [("XYZ-EUR", "live", "synced")]
    assert every(driver.frame(okx.book("ABC-USDT", 12, 11, {"10.3": "1"}, {}), NEW), BookChange)


def test_where_the_new_link_is_lost_the_old_one_stays() -> None:
    driver = begun()
    driver.frame(okx.book("ABC-USDT", 11, -1, {"10.4": "1"}, {"10.5": "2"}), NEW)
    out = driver.give(Closed(NEW, "lost"))
    assert statuses(out) == [("ABC-USDT", "stale", "link_lost")]
    assert [link for link, _, streams in okx.requests(out) if streams == ["books ABC-USDT"]] == [OLD] * 2
    assert every(driver.frame(okx.book("XYZ-EUR", 11, 10, {"10.3": "1"}, {}), OLD), BookChange)
    out = driver.frame(okx.book("ABC-USDT", 12, -1, {"10.4": "1"}, {"10.5": "2"}), OLD)
    assert statuses(out) == [("ABC-USDT", "live", "synced")]


def test_another_wish_gives_the_replacement_up() -> None:
    driver = begun()
    driver.want("ABC-USDT")
    out = active(driver, 1, OLD, NEW)
    assert [(close.link, close.reason) for close in every(out, Close)] == [(NEW, "unwanted")]
    assert every(driver.frame(okx.book("ABC-USDT", 11, 10, {"10.3": "1"}, {}), OLD), BookChange)


def test_a_new_link_that_does_not_come_up_is_given_up() -> None:
    driver = okx.synced()
    driver.frame(ENDS_SOON, OLD)
    out = active(driver, RETRY_US // SECOND + 1, OLD)
    assert NEW in [close.link for close in every(out, Close)]
    assert not [said for said in statuses(out) if said[2] == "link_lost"]


def test_a_book_that_never_completes_starts_again_on_the_new_link() -> None:
    driver = begun()
    driver.frame(okx.book("ABC-USDT", 11, -1, {"10.4": "1"}, {"10.5": "2"}), NEW)
    out: list[VenueOutput] = []
    for step in range(LIMIT_US // SECOND):
        out += active(driver, 1, OLD, NEW, okx.BUSINESS)
        driver.frame(okx.book("ABC-USDT", 11, 11, {}, {}), NEW)
        driver.frame(okx.book("XYZ-EUR", 11, 10 + (step > 0), {}, {}), OLD)
    assert [said for said in statuses(out) if said[1] == "stale"] == [("XYZ-EUR", "stale", "link_lost")]
    assert [close.link for close in every(out, Close)] == [OLD]


def test_binance_is_replaced_before_it_ends_a_link_by_age() -> None:
    driver = binance.synced()
    driver.now_us += limits.LINK_AGE_US - 2 * SECOND
    driver.frame(binance.diff(11, 11, [], []))
    assert every(driver.wait(1), Open) == []
    driver.frame(binance.diff(12, 12, [], []))
    assert [opened.link for opened in every(driver.wait(3), Open)] == ["streams-0-b"]
    check_replacement(driver, "streams-0-b", 12)


def check_replacement(driver: Driver, new: str, update: int) -> None:
    before = len(driver.out)
    [request] = every(driver.give(Opened(new)), Send)
    assert json.loads(request.text)["method"] == "SUBSCRIBE"
    driver.frame(binance.diff(update + 1, update + 1, [["9.97", "1"]], []), new)
    driver.frame(binance.diff(update + 1, update + 1, [["9.97", "1"]], []), "streams-0")
    out = driver.answer(URL, binance.depth(update + 1, [["9.99", "1"]], [["10.01", "3"]]))
    assert every(out, BookSnapshot)
    assert every(driver.frame(binance.diff(update + 2, update + 2, [["9.97", "2"]], []), new), BookChange)
    assert driver.frame(binance.diff(update + 2, update + 2, [["9.97", "2"]], []), "streams-0") == []
    out = []
    for _ in range(12):
        out += driver.wait(1)
        for link in ("streams-0", new):
            out += driver.frame({"result": None, "id": 1}, link)
    assert [(close.link, close.reason) for close in every(out, Close)] == [("streams-0", "replaced")]
    assert not [said for said in statuses(driver.out[before:]) if said[1] == "stale"]


def test_a_shutdown_of_binance_is_answered_by_a_new_link() -> None:
    driver = binance.synced()
    driver.wait(2)
    out = driver.frame({"stream": "!serverShutdown", "data": {"e": "serverShutdown", "E": 1}})
    assert [opened.link for opened in every(out, Open)] == ["streams-0-b"]
    check_replacement(driver, "streams-0-b", 10)
