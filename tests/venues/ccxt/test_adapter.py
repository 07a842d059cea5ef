"""The adapter of ccxt's exchanges, given what its connector says."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorwire.core.capabilities import StreamKind
from floorwire.core.market_events import (
    BookChange,
    BookSnapshot,
    DayStats,
    Listing,
    MissingTrade,
    Quote,
    StreamsEnded,
    Trade,
)
from floorwire.core.ports import Close, Closed, Frame, Open, VenueOutput
from floorwire.venues.ccxt.adapter import ALL_SILENT_US, SILENT_US, CcxtVenue
from floorwire.venues.ccxt.messages import MARKETS_URL, Watch
from tests.venues.driver import SECOND, START, Driver, every, rebuilt, statuses

BTC, ETH = "x:BTC-USD", "x:ETH-USD"
MS = START // 1_000
MARKETS: list[dict[str, object]] = [
    {
        "native": f"{base}/USD", "base": base, "quote": "USD", "price_step": "0.5", "size_step": "0.01",
        "min_cost": "5.0", "is_active": True,
    }
    for base in ("BTC", "ETH", "DOGE")
]  # fmt: skip
ALL: frozenset[Watch] = frozenset(("book", "trades", "day"))


def venue(watches: frozenset[Watch] = ALL) -> Driver:
    driver = Driver(CcxtVenue("ccxt:here", ("BTC-USD", "ETH-USD"), watches, "x:"))
    driver.want()
    driver.answer(MARKETS_URL, MARKETS)
    return driver


def book(bids: list[tuple[str, str]], asks: list[tuple[str, str]]) -> str:
    return json.dumps({"type": "book", "bids": bids, "asks": asks, "ts_ms": MS})


def live(*kinds: StreamKind) -> Driver:
    """Return a venue of which these kinds of BTC-USD are wanted, with a book if one of them needs it."""
    driver = venue()
    driver.want(BTC, kinds=kinds)
    if {"book", "quote"} & set(kinds):
        driver.frame(book([("99.5", "1")], [("100", "2")]), "book BTC/USD")
    return driver


def opened(outputs: list[VenueOutput]) -> list[str]:
    return [output.link for output in every(outputs, Open)]


def trades(driver: Driver, *rows: dict[str, object]) -> list[VenueOutput]:
    return driver.frame({"type": "trades", "trades": rows}, "trades BTC/USD")


def row(trade_id: str | None = "7", price: str = "100.5", size: str = "0.015") -> dict[str, object]:
    return {"id": trade_id, "price": price, "size": size, "side": "sell", "ts_ms": MS}


def test_requested_markets_are_listed_and_nothing_is_watched() -> None:
    driver = venue()
    [listing] = every(driver.out, Listing)
    assert [(one.symbol, one.tick_size, one.min_notional) for one in listing.instruments] == [
        (BTC, "0.5", "5"), (ETH, "0.5", "5")
    ]  # fmt: skip
    assert not every(driver.out, Open)
    assert statuses(driver.out)[-1] == (None, "live", "unwanted")


def test_without_a_wish_all_requested_symbols_are_watched() -> None:
    driver = Driver(CcxtVenue("ccxt:here", ("BTC-USD",), ALL, "x:"))
    assert opened(driver.answer(MARKETS_URL, MARKETS)) == ["book BTC/USD", "day BTC/USD", "trades BTC/USD"]


def test_only_what_is_wanted_and_possible_is_watched() -> None:
    driver = venue(frozenset(("book", "trades")))
    assert opened(driver.want(BTC, kinds=("day", "quote"))) == ["book BTC/USD"]
    assert opened(driver.want(BTC, kinds=("candles", "quote"))) == ["trades BTC/USD"]
    ended = driver.want(BTC, kinds=("quote",))
    assert every(ended, Close) == [Close("trades BTC/USD", "unwanted")]
    assert [one.kinds for one in every(ended, StreamsEnded)] == [frozenset(("candles",))]
    assert every(driver.want(), Close) == [Close("book BTC/USD", "unwanted")]
    assert statuses(driver.out)[-1] == (BTC, "connecting", "unwanted") or statuses(driver.out)[-1][0] is None


def test_first_book_is_a_snapshot_and_later_ones_are_changes() -> None:
    driver = live("book", "quote")
    assert every(driver.out, BookSnapshot) == [BookSnapshot(BTC, ((199, 100),), ((200, 200),), START)]
    assert every(driver.out, Quote) == [Quote(BTC, 199, 100, 200, 200, START)]
    assert statuses(driver.out)[-1] == (BTC, "live", "synced")
    out = driver.frame(book([("99.5", "1"), ("99", "3")], [("101", "2")]), "book BTC/USD")
    assert every(out, BookChange) == [BookChange(BTC, ((198, 300),), ((200, 0), (202, 200)), START)]
    assert every(out, Quote) == [Quote(BTC, 199, 100, 202, 200, START)]
    assert not every(
        driver.frame(book([("99.5", "1"), ("99", "3")], [("101", "2")]), "book BTC/USD"), BookChange
    )


def test_what_is_finer_than_the_steps_is_left_out_and_counted() -> None:
    driver = venue()
    driver.want(BTC, kinds=("book",))
    out = driver.frame(book([("99.7", "1"), ("99.5", "0.019"), ("99", "0.009")], []), "book BTC/USD")
    assert every(out, BookSnapshot) == [BookSnapshot(BTC, ((199, 1),), (), START)]
    assert driver.venue.skipped["off_tick"] == 1  # type: ignore[attr-defined] # of this venue
    assert driver.venue.skipped["below_lot"] == 1  # type: ignore[attr-defined] # of this venue


def test_a_book_that_becomes_wanted_is_told_at_once() -> None:
    driver = live("quote")
    assert not every(driver.out, BookSnapshot)
    out = driver.want(BTC, kinds=("book", "quote"))
    assert len(every(out, BookSnapshot)) == 1
    assert not opened(out)


def test_a_loss_makes_a_symbol_stale_until_its_next_snapshot() -> None:
    driver = live("book")
    driver.want(BTC, ETH, kinds=("book",))
    driver.frame(book([("9", "1")], []), "book ETH/USD")
    out = driver.give(Closed("book BTC/USD", "NetworkError"))
    assert statuses(out) == [(BTC, "stale", "link_lost")]
    assert opened(driver.wait(2)) == ["book BTC/USD"]
    out = driver.frame(book([("99", "1")], [("100", "2")]), "book BTC/USD")
    assert every(out, BookSnapshot) == [BookSnapshot(BTC, ((198, 100),), ((200, 200),), START)]
    assert statuses(out) == [(BTC, "live", "synced")]


def test_the_loss_of_all_books_is_told_of_the_venue() -> None:
    assert statuses(live("book").give(Closed("book BTC/USD", "NetworkError"))) == [
        (None, "stale", "link_lost")
    ]


def test_waits_grow_with_each_failure() -> None:
    driver = live("book")
    times: list[int] = []
    for _ in range(5):
        driver.give(Closed("book BTC/USD", "NetworkError"))
        while not opened(driver.wait(1)):
            pass
        times.append(driver.now_us)
    assert [round((after - before) / SECOND) for before, after in pairwise(times)] == [2, 4, 8, 16]


def test_lost_trades_are_told_and_the_book_stays() -> None:
    driver = live("book", "trades")
    out = driver.give(Closed("trades BTC/USD", "NetworkError"))
    assert [one.symbol for one in every(out, MissingTrade)] == [BTC]
    assert not statuses(out)


def test_trades_come_once_and_exactly() -> None:
    driver = live("trades")
    out = trades(driver, row())
    assert every(out, Trade) == [Trade(BTC, "7", 201, 1, "sell", START)]
    assert statuses(out)[-1] == (BTC, "live", "synced")
    assert not every(trades(driver, row()), Trade)
    assert [one.trade_id for one in every(trades(driver, row(None), row(None)), Trade)] == ["1", "2"]
    out = trades(driver, row("8", price="100.7"), row("9", size="0.001"), row("10") | {"side": None})
    assert len(every(out, MissingTrade)) == 3
    assert not every(out, Trade)


def test_the_day_is_told_where_it_is_whole() -> None:
    driver = live("day")
    whole = {"type": "day", "open": "99", "high": "101", "low": "98.7", "volume": "12.5", "ts_ms": MS}
    assert every(driver.frame(whole, "day BTC/USD"), DayStats) == [
        DayStats(BTC, 198, 202, 197, 1_250, None, START)
    ]
    assert not every(driver.frame({**whole, "open": None}, "day BTC/USD"), DayStats)


def test_a_crossed_book_and_a_bad_message_begin_anew() -> None:
    for bad in (book([("101", "1")], [("100", "2")]), "null", "{", book([("x", "1")], [])):
        driver = live("book")
        out = driver.frame(bad, "book BTC/USD")
        assert every(out, Close) == [Close("book BTC/USD", "bad_message")]
        assert statuses(out) == [(None, "stale", "bad_message")]
        assert opened(driver.wait(2)) == ["book BTC/USD"]


def test_silence_begins_anew() -> None:
    driver = live("book")
    out = driver.wait(ALL_SILENT_US / SECOND + 1)
    assert every(out, Close) == [Close("book BTC/USD", "silent")]
    assert (None, "stale", "silent") in statuses(out)


def test_silence_of_one_symbol_leaves_the_others() -> None:
    driver = live("book")
    driver.want(BTC, ETH, kinds=("book",))
    out: list[VenueOutput] = []
    for _ in range(SILENT_US // (30 * SECOND) + 1):
        driver.frame(book([("9", "1")], []), "book ETH/USD")
        out += driver.wait(30)
    assert {one.link for one in every(out, Close)} == {"book BTC/USD"}
    assert (BTC, "stale", "silent") in statuses(out)


def test_new_steps_begin_the_book_anew() -> None:
    driver = live("book")
    out = driver.wait(601)
    out = driver.answer(MARKETS_URL, [{**MARKETS[0], "price_step": "0.1"}, MARKETS[1]])
    assert [one.tick_size for one in every(out, Listing)[0].instruments] == ["0.1"]
    assert every(driver.answer(MARKETS_URL, MARKETS, 0), Listing) == []


@pytest.mark.parametrize("broken", [{"base": "B:C"}, {"quote": ""}, {"price_step": "x"}, {"min_cost": "-1"}])
def test_a_market_that_cannot_be_listed_is_counted(broken: dict[str, object]) -> None:
    driver = Driver(CcxtVenue("ccxt:here", (), ALL, "x:"))
    driver.answer(MARKETS_URL, [{**MARKETS[0], **broken}, MARKETS[1]])
    assert [one.symbol for one in every(driver.out, Listing)[0].instruments] == [ETH]
    assert driver.venue.skipped["bad_listing"] == 1  # type: ignore[attr-defined] # of this venue


@given(
    st.lists(st.tuples(*(st.dictionaries(st.integers(1, 9), st.integers(0, 3), max_size=6),) * 2), max_size=8)
)
def test_events_give_each_book_that_ccxt_showed(shown: list[tuple[dict[int, int], dict[int, int]]]) -> None:
    driver = live("book")
    for below, above in shown:
        bids = [(f"{50 - ticks / 2}", f"{lots / 100}") for ticks, lots in sorted(below.items())]
        asks = [(f"{50 + ticks / 2}", f"{lots / 100}") for ticks, lots in sorted(above.items())]
        driver.frame(book(bids, asks), "book BTC/USD")
        found = rebuilt(driver.out, BTC)
        assert found.bids.sizes == {100 - ticks: lots for ticks, lots in below.items() if lots}
        assert found.asks.sizes == {-100 - ticks: lots for ticks, lots in above.items() if lots}


@given(st.binary(max_size=40) | st.sampled_from((b'{"type":"trades","trades":[{}]}', b'{"type":"day"}')))
def test_no_message_raises(data: bytes) -> None:
    driver = live("book", "trades", "day")
    for link in ("book BTC/USD", "trades BTC/USD", "nothing"):
        driver.give(Frame(link, data))
