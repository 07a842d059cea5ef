"""The adapter of all exchanges: shared rate limits, random waits, new starts, and links that end."""

from __future__ import annotations

import json

import pytest

from floorwire.core.market_events import BookSnapshot, Listing
from floorwire.core.ports import Close, Closed, Open, Opened, Send, VenueOutput
from floorwire.venues.binance import limits
from floorwire.venues.binance import market_data as binance_market
from floorwire.venues.coinbase import market_data as coinbase_market
from floorwire.venues.common import link_requests
from floorwire.venues.common.rate_limits import RateLimits
from floorwire.venues.okx import market_data as okx_market
from tests.venues.binance import test_market_data as binance
from tests.venues.coinbase import test_market_data as coinbase
from tests.venues.driver import Driver, every, statuses
from tests.venues.okx import test_market_data as okx

URL = binance.DEPTH_URL.format("ABCUSDT")


def test_two_instances_at_one_address_share_its_limits() -> None:
    shared = RateLimits(limits.ALLOWANCES)
    one, other = (Driver(binance_market.venue(("ABC-USDT",), limits=shared)) for _ in range(2))
    for driver in (one, other):
        driver.answer(binance_market.LIST_URL, binance.LIST)
        driver.up()
    one.frame(binance.diff(9, 10, [], []))
    one.reply(URL, 429, b"", (("retry-after", "30"),))
    other.frame(binance.diff(9, 10, [], []))
    binance.keep_link_active(other, 29)
    assert URL not in other.fetches(), "what one was told holds for the other"
    binance.keep_link_active(other, 1)
    assert other.fetches().count(URL) == 1


def test_the_name_of_an_adapter_is_the_id_of_its_instance() -> None:
    """Interest is counted by the id that a symbol begins with: nobody may have to set the name later."""
    assert okx_market.venue(("BTC-USDT",), "here:").name == "here"
    assert okx_market.venue(("BTC-USDT",)).name == "okx"


def test_too_many_requests_do_not_hold_up_links_but_a_ban_does() -> None:
    for status, opened in ((429, 1), (418, 0)):
        driver = binance.driver()
        driver.frame(binance.diff(9, 10, [], []))
        driver.reply(URL, status, b"", (("retry-after", "300"),))
        driver.lose()
        assert len(every(driver.wait(2), Open)) == opened
        if not opened:
            assert len(every(driver.wait(300), Open)) == 1


def test_a_link_that_is_refused_for_the_rate_waits_as_long_as_the_exchange_says() -> None:
    driver = binance.driver()
    link = driver.opened_links()[0].link
    driver.give(Closed(link, "refused: HTTP 429", 429, (("retry-after", "300"),)))
    assert every(driver.wait(299), Open) == []
    assert len(every(driver.wait(2), Open)) == 1


def test_waits_are_anywhere_up_to_the_longest() -> None:
    driver = Driver(binance_market.venue(("ABC-USDT",), jitter=lambda: 0.25))
    driver.answer(binance_market.LIST_URL, binance.LIST)
    for longest_s in (1, 2, 4, 8, 16):
        driver.up()
        driver.lose()
        waited = 0.0
        while not every(driver.wait(0.5), Open):
            waited += 0.5
        assert waited <= longest_s * 0.25 + 1, "a second, as that is how often it looks"


def test_started_again_after_a_fault_it_begins_anew() -> None:
    driver = binance.synced()
    out = list(driver.venue.start(driver.now_us))
    driver.out += out
    assert statuses(out) == [(None, "connecting", "start")]
    out = driver.answer(binance_market.LIST_URL, binance.LIST)
    assert every(out, Listing)
    assert [opened.link for opened in every(out, Open)] == ["streams-0"]
    driver.up()
    driver.frame(binance.diff(20, 20, [], []))
    assert every(driver.answer(URL, binance.depth(20, [["9.99", "1"]], [])), BookSnapshot)


def test_a_link_on_which_too_much_waits_is_opened_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_requests, "MAX_WAITING", 3)
    symbols = [f"A{number:03}-USDT" for number in range(102)]
    driver = Driver(binance_market.venue(symbols))
    rows = [binance.listed(symbol.replace("-", ""), symbol[:4], "USDT") for symbol in symbols]
    driver.answer(binance_market.LIST_URL, {"symbols": rows})
    assert len(every(driver.up(), Send)) == limits.REQUESTS
    assert [close.reason for close in every(driver.wait(1), Close)] == ["link_lost"]


def test_many_small_changes_of_what_is_wanted_are_few_requests() -> None:
    symbols = [f"A{number:03}-USDT" for number in range(100)]
    driver = Driver(binance_market.venue(symbols))
    rows = [binance.listed(symbol.replace("-", ""), symbol[:4], "USDT") for symbol in symbols]
    driver.answer(binance_market.LIST_URL, {"symbols": rows})
    driver.want()
    driver.want(symbols[0], kinds=["book"])
    driver.up()
    out: list[VenueOutput] = []
    for count in range(2, 101):
        out += driver.want(*symbols[:count], kinds=["book"])
    out += driver.wait(2)
    sent = [json.loads(send.text) for send in every(out, Send)]
    assert len(sent) == 2
    names = [name for request in sent for name in request["params"]]
    assert sorted(names) == [f"{symbol.replace('-', '').lower()}@depth@100ms" for symbol in symbols[1:]]


def test_a_lost_message_of_coinbase_costs_the_books_of_one_link() -> None:
    names = [f"A{number:02}-USD" for number in range(11)]
    driver = Driver(coinbase_market.venue(names))
    driver.answer(coinbase_market.LIST_URL, [coinbase.product(name) for name in names])
    driver.wait(1)
    driver.up()
    for name, link in (("A00-USD", "feed-0"), ("A10-USD", "feed-1")):
        event = coinbase.l2("snapshot", ("bid", "9", "2")) | {"product_id": name}
        driver.frame(coinbase.advanced("l2_data", 0, event), link)
    out = driver.frame(coinbase.advanced("heartbeats", 2), "feed-1")
    assert statuses(out) == [("A10-USD", "stale", "sequence_gap")]
    assert [close.link for close in every(out, Close)] == ["feed-1"]


def test_products_that_share_a_book_get_the_messages_of_the_one_that_is_named() -> None:
    driver = Driver(coinbase_market.venue(("ABC-USD", "ABC-USDC")))
    rows = [coinbase.product("ABC-USD"), coinbase.product("ABC-USDC", alias="ABC-USD")]
    driver.answer(coinbase_market.LIST_URL, rows)
    driver.up()
    event = coinbase.l2("snapshot", ("bid", "9", "2"))
    books = every(driver.frame(coinbase.advanced("l2_data", 0, event)), BookSnapshot)
    assert [book.symbol for book in books] == ["ABC-USD", "ABC-USDC"]
    driver.want("ABC-USDC", kinds=["book"])
    only = Driver(coinbase_market.venue(("ABC-USDC",)))
    only.answer(coinbase_market.LIST_URL, rows)
    only.up()
    books = every(only.frame(coinbase.advanced("l2_data", 0, event)), BookSnapshot)
    assert [book.symbol for book in books] == ["ABC-USDC"]


def test_a_symbol_that_is_not_traded_is_not_silent() -> None:
    driver = Driver(okx_market.venue(("ABC-USDT",)))
    driver.answer(okx_market.LIST_URL, {"code": "0", "data": [okx.row("ABC-USDT", state="suspend")]})
    driver.up()
    driver.frame(okx.book("ABC-USDT", 10, -1, {"10.4": "1"}, {"10.5": "2"}), okx.PUBLIC)
    out: list[VenueOutput] = []
    for _ in range(200):
        out += driver.wait(1)
        for link in (okx.PUBLIC, okx.BUSINESS):
            out += driver.frame("pong", link)
    assert statuses(out) == []


def test_a_symbol_that_left_the_list_is_not_subscribed_to_until_it_is_listed_again() -> None:
    driver = okx.synced()
    rows = [okx.row("ABC-USDT"), okx.row("XYZ-EUR")]
    speak(driver, 601)
    out = driver.answer(okx_market.LIST_URL, {"code": "0", "data": rows[1:]})
    assert [one.state for listing in every(out, Listing) for one in listing.instruments] == ["closed"]
    assert statuses(out) == [("ABC-USDT", "stale", "delisted")]
    assert told(out) == {(okx.PUBLIC, "unsubscribe"), (okx.BUSINESS, "unsubscribe")}
    on_its_way = okx.book("ABC-USDT", 11, -1, {"10.4": "1"}, {"10.5": "2"})
    assert statuses(driver.frame(on_its_way, okx.PUBLIC)) == []
    # Some exchanges refuse a whole request for one name that they do not have.
    driver.give(Closed(okx.PUBLIC, "lost"))
    driver.wait(2)
    out = driver.give(Opened(okx.PUBLIC))
    assert all("ABC-USDT" not in send.text for send in every(out, Send))
    driver.frame(okx.book("XYZ-EUR", 20, -1, {"11.4": "1"}, {"11.5": "2"}), okx.PUBLIC)
    speak(driver, 60)
    assert driver.fetches() == [okx_market.LIST_URL] * 3, "it may be a mistake of the list"
    out = driver.answer(okx_market.LIST_URL, {"code": "0", "data": rows})
    assert statuses(out) == [("ABC-USDT", "connecting", "start")]
    assert told(out) == {(okx.PUBLIC, "subscribe"), (okx.BUSINESS, "subscribe")}
    assert all("XYZ-EUR" not in send.text for send in every(out, Send))
    out = driver.frame(okx.book("ABC-USDT", 20, -1, {"11.4": "1"}, {"11.5": "2"}), okx.PUBLIC)
    assert every(out, BookSnapshot)
    assert statuses(out) == [("ABC-USDT", "live", "synced")]


def speak(driver: Driver, seconds: int) -> None:
    """Let time pass while all is heard."""
    for _ in range(seconds):
        driver.wait(1)
        for link in (okx.PUBLIC, okx.BUSINESS):
            driver.frame("pong", link)


def told(outputs: list[VenueOutput]) -> set[tuple[str, str]]:
    """Return the requests as (link, op)."""
    return {(link, op) for link, op, _ in okx.requests(outputs)}
