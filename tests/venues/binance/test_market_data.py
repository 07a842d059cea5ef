from __future__ import annotations

import json
from collections.abc import Iterable
from urllib.parse import unquote

import pytest

from floorwire.core.execution_reports import Filled
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
from floorwire.core.order_commands import Place
from floorwire.core.ports import (
    Activity,
    Answer,
    Close,
    Closed,
    Fetch,
    Frame,
    Open,
    Opened,
    Send,
    VenueOutput,
)
from floorwire.venues.binance import market_data as binance
from floorwire.venues.binance.market_data import LIST_URL
from floorwire.venues.paper import PaperVenue
from tests.venues.driver import SECOND, START, Driver, events, every, rebuilt, statuses

DEPTH_URL = "https://api.binance.com/api/v3/depth?symbol={}&limit=1000"
Json = dict[str, object]


def listed(symbol: str, base: str, quote: str, tick: str = "0.01", status: str = "TRADING") -> Json:
    return {
        "symbol": symbol,
        "status": status,
        "baseAsset": base,
        "quoteAsset": quote,
        "filters": [
            {"filterType": "PRICE_FILTER", "tickSize": tick + "000000"},
            {"filterType": "LOT_SIZE", "stepSize": "0.10000000"},
            {"filterType": "NOTIONAL", "minNotional": "5.00000000"},
            {"filterType": "MAX_POSITION", "maxPosition": "10"},
        ],
    }


LIST: Json = {"symbols": [listed("ABCUSDT", "ABC", "USDT"), listed("XYZEUR", "XYZ", "EUR")]}


def depth(last: int, bids: list[list[str]], asks: list[list[str]]) -> Json:
    return {"lastUpdateId": last, "bids": bids, "asks": asks}


def diff(
    first: int, last: int, bids: list[list[str]], asks: list[list[str]], symbol: str = "ABCUSDT"
) -> Json:
    data = {
        "e": "depthUpdate",
        "E": 1_700_000_001_000,
        "s": symbol,
        "U": first,
        "u": last,
        "b": bids,
        "a": asks,
    }
    return {"stream": f"{symbol.lower()}@depth@100ms", "data": data}


def subscriptions(outputs: Iterable[VenueOutput]) -> list[Json]:
    """Return the requests that were sent."""
    return [json.loads(send.text) for send in every(outputs, Send)]


def keep_link_active(driver: Driver, seconds: int) -> list[VenueOutput]:
    """Let time pass on a link that is never silent; return what followed."""
    followed: list[VenueOutput] = []
    for _ in range(seconds):
        followed += driver.wait(1)
        followed += driver.frame({"result": None, "id": 1})
    return followed


def driver(*symbols: str, recorded: bool = False, prefix: str = "") -> Driver:
    """Return a driver whose links are up."""
    driver = Driver(binance.venue(symbols or ("ABC-USDT",), prefix, recorded=recorded))
    driver.answer(LIST_URL, LIST)
    driver.up()
    return driver


def synced() -> Driver:
    """Return a driver whose ABC-USDT is live at update 10: bids 9.99 and 9.98, asks 10.01 and 10.02."""
    driver_ = driver()
    driver_.frame(diff(9, 10, [["9.99", "1"]], []))
    url = DEPTH_URL.format("ABCUSDT")
    driver_.answer(url, depth(10, [["9.99", "1"], ["9.98", "2"]], [["10.01", "3"], ["10.02", "4"]]))
    return driver_


# --- instruments --------------------------------------------------------------------------------------


def test_start_asks_for_the_list_and_to_be_woken_at_the_next_second() -> None:
    driver = Driver(binance.venue(("ABC-USDT",)))
    assert statuses(driver.out) == [(None, "connecting", "start")]
    assert driver.fetches() == ["https://api.binance.com/api/v3/exchangeInfo"]
    assert every(driver.wait(3), VenueTime) == []  # nothing has told the venue's time


def test_the_list_gives_the_instrument_its_steps_and_the_link_its_streams() -> None:
    driver = Driver(binance.venue(("ABC-USDT",), "binance:"))
    out = driver.answer(LIST_URL, LIST)
    instrument = Instrument("binance:ABC-USDT", "ABC", "USDT", "binance", "0.01", "0.1", "5", "open")
    assert every(out, Listing) == [Listing((instrument,), START)]
    assert [opened.url for opened in every(out, Open)] == ["wss://stream.binance.com:9443/stream"]
    [request] = subscriptions(driver.up())
    streams = request["params"]
    assert request["method"] == "SUBSCRIBE"
    assert isinstance(streams, list)
    assert {
        "abcusdt@depth@100ms",
        "abcusdt@trade",
        "abcusdt@bookTicker",
        "abcusdt@ticker",
        "abcusdt@kline_1d",
    } <= {*streams}
    assert not [stream for stream in streams if not stream.startswith("abcusdt@")]


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("TRADING", "open"),
        ("HALT", "halted"),
        ("BREAK", "halted"),
        ("CANCEL_ONLY", "halted"),
        ("END_OF_DAY", "closed"),
    ],
)
def test_trading_status_becomes_state(status: str, state: str) -> None:
    driver = Driver(binance.venue(("ABC-USDT",)))
    out = driver.answer(LIST_URL, {"symbols": [listed("ABCUSDT", "ABC", "USDT", status=status)]})
    assert every(out, Listing)[0].instruments[0].state == state


def test_without_filters_steps_come_of_the_precisions() -> None:
    driver = Driver(binance.venue(("ABC-USDT",)))
    symbol = listed("ABCUSDT", "ABC", "USDT") | {"filters": [], "quotePrecision": 4, "baseAssetPrecision": 0}
    instrument = every(driver.answer(LIST_URL, {"symbols": [symbol]}), Listing)[0].instruments[0]
    assert (instrument.tick_size, instrument.lot_size, instrument.min_notional) == ("0.0001", "1", "0")


def test_a_rule_that_is_off_is_no_step() -> None:
    driver = Driver(binance.venue(("ABC-USDT",)))
    symbol = listed("ABCUSDT", "ABC", "USDT", tick="0.00")
    instrument = every(driver.answer(LIST_URL, {"symbols": [symbol]}), Listing)[0].instruments[0]
    assert instrument.tick_size == "0.00000001"


def test_one_broken_listing_does_not_cost_the_others() -> None:
    venue = binance.venue(("ABC-USDT",))
    driver = Driver(venue)
    out = driver.answer(LIST_URL, {"symbols": [{"symbol": 1}, *LIST["symbols"]]})  # type: ignore[misc]
    assert len(every(out, Listing)) == 1
    assert venue.skipped["bad_listing"] == 1


@pytest.mark.parametrize(("status", "body"), [(0, ""), (503, "busy"), (200, "[]"), (200, '{"symbols": []}')])
def test_a_list_that_does_not_come_is_asked_for_again(status: int, body: str) -> None:
    driver = Driver(binance.venue(("ABC-USDT",)))
    driver.reply(LIST_URL, status, body.encode())
    assert driver.opened_links() == []
    driver.wait(9)
    assert driver.fetches() == [LIST_URL]
    driver.wait(1)
    assert driver.fetches() == [LIST_URL] * 2
    assert every(driver.answer(LIST_URL, LIST), Open)


def test_the_list_is_renewed_for_what_is_followed_only() -> None:
    driver = synced()
    keep_link_active(driver, 601)
    url = driver.fetches()[-1]
    assert unquote(url) == LIST_URL + '?symbols=["ABCUSDT"]'
    halted = {"symbols": [listed("ABCUSDT", "ABC", "USDT", status="HALT")]}
    out = driver.answer(url, halted)
    assert [i.state for listing in every(out, Listing) for i in listing.instruments] == ["halted"]
    assert statuses(out) == []
    keep_link_active(driver, 601)
    out = driver.answer(url, {"code": -1121, "msg": "Invalid symbol."}, 400)
    assert events(out) == []
    driver.wait(10)
    assert driver.fetches()[-1] == LIST_URL, "one unknown symbol refuses the request: ask for all"
    out = driver.answer(LIST_URL, {"symbols": [listed("XYZEUR", "XYZ", "EUR")]})
    assert [i.state for listing in every(out, Listing) for i in listing.instruments] == ["closed"]


def hurry_list(driver: Driver) -> str:
    """Send a trade off the ticks, and wait until the list is requested again; return the request."""
    keep_link_active(driver, 58)
    driver.frame({"e": "trade", "s": "ABCUSDT", "t": 1, "p": "9.995", "q": "1", "T": 1, "m": True})
    driver.wait(2)
    return driver.fetches()[-1]


def test_new_steps_convert_a_book_of_which_all_is_known() -> None:
    driver = synced()
    finer = {"symbols": [listed("ABCUSDT", "ABC", "USDT", tick="0.001")]}
    out = driver.answer(hurry_list(driver), finer)
    assert statuses(out) == [], "it is as current as before"
    assert every(out, BookSnapshot)[0].asks == ((10_010, 30), (10_020, 40))
    changed = every(driver.frame(diff(11, 11, [["9.985", "1"]], [])), BookChange)
    assert changed[0].bids == ((9985, 10),)
    assert DEPTH_URL.format("ABCUSDT") not in driver.fetches()[-1:]


def test_new_steps_begin_a_book_of_which_levels_were_left_out_anew() -> None:
    driver = synced()
    driver.frame(diff(11, 11, [["9.985", "1"]], []))
    out = driver.answer(hurry_list(driver), {"symbols": [listed("ABCUSDT", "ABC", "USDT", tick="0.001")]})
    assert [i.tick_size for listing in every(out, Listing) for i in listing.instruments] == ["0.001"]
    assert statuses(out) == [("ABC-USDT", "stale", "steps_changed")]
    assert events(driver.frame(diff(12, 12, [["9.985", "1"]], []))) == []
    assert driver.fetches()[-1] == DEPTH_URL.format("ABCUSDT")
    out = driver.answer(driver.fetches()[-1], depth(12, [["9.985", "1"]], []))
    assert every(out, BookSnapshot)[0].bids == ((9985, 10),)


def test_the_book_of_a_symbol_that_was_silent_because_it_is_halted_is_fetched() -> None:
    driver = synced()
    out = keep_link_active(driver, 601)
    assert statuses(out)[0][1:] == ("stale", "silent")
    assert DEPTH_URL.format("ABCUSDT") not in driver.fetches()[-1:], "a change has to come first"
    list_url = driver.fetches()[-1]
    driver.answer(list_url, {"symbols": [listed("ABCUSDT", "ABC", "USDT", status="BREAK")]})
    keep_link_active(driver, 31)
    assert driver.fetches()[-1] == DEPTH_URL.format("ABCUSDT")
    out = driver.answer(driver.fetches()[-1], depth(10, [["9.99", "1"]], [["10.01", "3"]]))
    assert statuses(out)[-1][1:] == ("live", "synced")


def test_a_trade_off_the_ticks_hurries_the_list() -> None:
    driver = synced()
    keep_link_active(driver, 58)
    driver.frame({"e": "trade", "s": "ABCUSDT", "t": 1, "p": "9.995", "q": "1", "T": 1, "m": True})
    driver.wait(1)
    assert [url for url in driver.fetches() if "exchangeInfo" in url] == [LIST_URL]
    driver.wait(1)
    assert "exchangeInfo" in driver.fetches()[-1]


def test_many_symbols_are_spread_over_links() -> None:
    symbols = [f"A{number:02}-USDT" for number in range(130)]
    driver = Driver(binance.venue(symbols))
    driver.answer(LIST_URL, {"symbols": [listed(s.replace("-", ""), s[:-5], "USDT") for s in symbols]})
    names: dict[str, int] = {}
    for send in every([*driver.up(), *driver.wait(2)], Send):
        names[send.link] = names.get(send.link, 0) + len(json.loads(send.text)["params"])
    assert names == {"streams-0": 1_020, "streams-1": 280}
    recorded = Driver(binance.venue(symbols, recorded=True))
    recorded.answer(LIST_URL, {"symbols": [listed(s.replace("-", ""), s[:3], "USDT") for s in symbols]})
    assert len(recorded.opened_links()) == 1


# --- frames -------------------------------------------------------------------------------------------


def test_trades_tell_the_takers_side() -> None:
    driver_ = driver()
    said = {
        "e": "trade",
        "E": 5,
        "s": "ABCUSDT",
        "t": 7,
        "p": "10.010",
        "q": "0.35",
        "T": 4,
        "m": True,
        "M": True,
    }
    assert driver_.frame({"stream": "abcusdt@trade", "data": said}) == [
        Trade("ABC-USDT", "7", 1001, 3, "sell", 4000)
    ]
    assert every(driver_.frame(said | {"t": 8, "m": False}), Trade)[0].side == "buy"


def test_a_trade_is_told_once_whichever_stream_it_comes_on() -> None:
    venue = binance.venue(("ABC-USDT",))
    driver = Driver(venue)
    driver.answer(LIST_URL, LIST)
    driver.up()
    aggregate = {
        "e": "aggTrade",
        "s": "ABCUSDT",
        "a": 1,
        "p": "1",
        "q": "3",
        "f": 5,
        "l": 7,
        "T": 1,
        "m": True,
    }
    single = {"e": "trade", "s": "ABCUSDT", "t": 7, "p": "1", "q": "1", "T": 1, "m": True}
    assert [trade.trade_id for trade in every(driver.frame(aggregate), Trade)] == ["7"]
    assert driver.frame(single) == []
    assert driver.frame(aggregate) == []
    assert len(driver.frame(single | {"t": 8})) == 1
    assert venue.skipped["repeated"] == 2


def test_quotes_of_spot_are_of_now_and_never_go_back() -> None:
    driver_ = driver()
    said = {"u": 12, "s": "ABCUSDT", "b": "9.99", "B": "1.25", "a": "10.01", "A": "2"}
    frame = {"stream": "abcusdt@bookTicker", "data": said}
    assert driver_.frame(frame) == [Quote("ABC-USDT", 999, 12, 1001, 20, driver_.now_us)]
    assert driver_.frame(said | {"u": 11}) == []
    empty = said | {"u": 13, "b": "0.00000000", "B": "0.00000000", "E": 7}
    assert driver_.frame(empty) == [Quote("ABC-USDT", 0, 0, 1001, 20, 7000)]


def test_day_stats_have_the_venues_turnover() -> None:
    said = {
        "e": "24hrTicker",
        "E": 9,
        "s": "ABCUSDT",
        "o": "9.00",
        "h": "11.005",
        "l": "8",
        "v": "12.34",
        "q": "0.5",
    }
    [stats] = driver().frame({"stream": "abcusdt@ticker", "data": said})
    assert stats == DayStats("ABC-USDT", 900, 1100, 800, 123, 500, 9000)


def kline(interval: str, start_ms: int = 1_699_999_980_000) -> Json:
    bar = {
        "t": start_ms,
        "i": interval,
        "o": "1",
        "c": "2",
        "h": "3",
        "l": "0.5",
        "v": "7",
        "n": 4,
        "x": True,
    }
    return {"stream": f"abcusdt@kline_{interval}", "data": {"e": "kline", "E": 9, "s": "ABCUSDT", "k": bar}}


def test_klines_become_candles() -> None:
    assert driver().frame(kline("1m")) == [
        Candle(
            "ABC-USDT", 60 * SECOND, 1_699_999_980 * SECOND, 100, 300, 50, 200, 70, 4, closed=True, ts_us=9000
        )
    ]


@pytest.mark.parametrize("frame", [kline("1M"), kline("1d", 1_700_000_040_000)])
def test_candles_without_a_fixed_place_in_utc_are_left_out(frame: Json) -> None:
    venue = binance.venue(("ABC-USDT",))
    driver = Driver(venue)
    driver.answer(LIST_URL, LIST)
    driver.up()
    assert driver.frame(frame) == []
    assert venue.skipped["other_kind"] == 1


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        ({"result": None, "id": 1}, "other_kind"),
        ({"stream": "!serverShutdown", "data": {"e": "serverShutdown", "E": 1}}, "link_ends_soon"),
        ({"e": "serverShutdown", "E": 1}, "link_ends_soon"),
        ({"code": 2, "msg": "Invalid request", "id": 1}, "refused"),
        ({"stream": "abcusdt@ticker_1h", "data": {"e": "1hTicker"}}, "other_kind"),
        ({"stream": "abcusdt@depth20", "data": {"lastUpdateId": 1, "bids": [], "asks": []}}, "other_kind"),
        ({"e": "trade", "s": "DEFUSDT", "t": 1, "p": "1", "q": "1", "T": 1, "m": True}, "unknown_symbol"),
        ({"e": "trade", "s": "XYZEUR", "t": 1, "p": "1", "q": "1", "T": 1, "m": True}, "unknown_symbol"),
        ({"e": "trade", "s": "ABCUSDT", "t": 1, "p": "1.005", "q": "1", "T": 1, "m": True}, "off_tick"),
        ({"e": "trade", "s": "ABCUSDT", "t": 1, "p": "1", "q": "0.01", "T": 1, "m": True}, "off_tick"),
        ({"e": "trade", "s": "ABCUSDT", "t": "1", "p": "1", "q": "1", "T": 1, "m": True}, "bad_message"),
        ({"e": "trade", "s": "ABCUSDT", "t": 1, "p": "one", "q": "1", "T": 1, "m": True}, "bad_message"),
        ("not json", "bad_message"),
        (b"\xff\xfe", "bad_message"),
        ("[" * 100_000, "bad_message"),
        ('{"stream": "\ud800"}', "bad_message"),
    ],
)
def test_what_is_left_out_is_counted(frame: Json | str | bytes, reason: str) -> None:
    venue = binance.venue(("ABC-USDT",))
    driver = Driver(venue)
    driver.answer(LIST_URL, LIST)
    driver.up()
    assert not [left for left in driver.frame(frame) if not isinstance(left, MissingTrade | Open)]
    assert venue.skipped[reason] == 1


def test_without_names_whatever_comes_is_followed() -> None:
    driver = Driver(binance.venue(recorded=True))
    driver.answer(LIST_URL, LIST)
    driver.up()
    out = driver.frame({"e": "trade", "s": "XYZEUR", "t": 1, "p": "1", "q": "1", "T": 1, "m": True})
    assert [type(event) for event in events(out)] == [Listing, Trade]
    assert every(out, Trade)[0].symbol == "XYZ-EUR"


def test_a_recording_without_its_list_is_played_at_eight_decimals() -> None:
    driver = Driver(binance.venue(("NKNUSDT", "???"), recorded=True))
    out = driver.reply(LIST_URL, 0)
    [listing] = every(out, Listing)
    assert listing.instruments[0] == Instrument(
        "NKN-USDT", "NKN", "USDT", "binance", "0.00000001", "0.00000001", "0", "open"
    )
    driver.up()
    [trade] = driver.frame({"e": "trade", "s": "NKNUSDT", "t": 1, "p": "0.35", "q": "2", "T": 1, "m": True})
    assert isinstance(trade, Trade)
    assert (trade.price_ticks, trade.size_lots) == (35_000_000, 200_000_000)


# --- books --------------------------------------------------------------------------------------------


def test_the_snapshot_is_asked_for_once_differences_come() -> None:
    driver_ = driver()
    assert driver_.fetches() == [LIST_URL]
    assert driver_.frame(diff(9, 10, [], [])) == [Fetch(2, DEPTH_URL.format("ABCUSDT"))]
    assert driver_.frame(diff(11, 11, [], [])) == []


def test_a_quiet_symbol_is_asked_for_all_the_same() -> None:
    driver_ = driver()
    driver_.wait(4)
    assert driver_.fetches() == [LIST_URL]
    driver_.wait(1)
    assert driver_.fetches() == [LIST_URL, DEPTH_URL.format("ABCUSDT")]


def test_a_book_is_told_best_first_with_what_was_held() -> None:
    driver_ = driver()
    driver_.frame(diff(8, 9, [["9.90", "5"]], []))
    driver_.frame(diff(10, 11, [["9.98", "0"], ["9.97", "7"]], [["10.01", "8"]]))
    bids, asks = [["9.99", "1"], ["9.98", "2"]], [["10.01", "3"], ["10.02", "4"]]
    out = driver_.answer(DEPTH_URL.format("ABCUSDT"), depth(9, bids, asks))
    assert events(out) == [
        BookSnapshot("ABC-USDT", ((999, 10), (997, 70)), ((1001, 80), (1002, 40)), driver_.now_us),
        FeedStatus(None, "live", "synced", driver_.now_us),
        FeedStatus("ABC-USDT", "live", "synced", driver_.now_us),
    ]


def test_a_live_book_changes_to_absolute_sizes() -> None:
    driver = synced()
    assert driver.frame(diff(11, 12, [["9.99", "0.00"], ["9.98", "5.55"]], [])) == [
        BookChange("ABC-USDT", ((999, 0), (998, 55)), (), 1_700_000_001 * SECOND)
    ]


def test_a_snapshot_older_than_what_is_held_is_asked_for_again_after_a_second() -> None:
    driver_ = driver()
    url = DEPTH_URL.format("ABCUSDT")
    driver_.frame(diff(20, 21, [["9.99", "1"]], []))
    assert events(driver_.answer(url, depth(18, [], []))) == []
    driver_.frame(diff(22, 22, [], []))
    assert driver_.fetches().count(url) == 1
    driver_.wait(1)
    assert driver_.fetches().count(url) == 2
    out = driver_.answer(url, depth(19, [["9.98", "1"]], []))
    assert every(out, BookSnapshot)[0].bids == ((999, 10), (998, 10))


@pytest.mark.parametrize(
    "answer",
    [(0, b""), (500, b"oops"), (200, b"{}"), (200, b'{"lastUpdateId": 1, "bids": [["x", "1"]], "asks": []}')],
)
def test_a_snapshot_that_does_not_come_is_asked_for_with_longer_pauses(answer: tuple[int, bytes]) -> None:
    driver_ = driver()
    url = DEPTH_URL.format("ABCUSDT")
    driver_.frame(diff(20, 21, [], []))
    asked_s: list[int] = []
    for second in range(70):
        if driver_.fetches().count(url) > len(asked_s):
            asked_s.append(second)
            assert events(driver_.reply(url, *answer)) == []
        driver_.wait(1)
        driver_.frame(diff(22 + second, 22 + second, [], []))
    assert asked_s == [0, 1, 3, 7, 15, 31, 61]


def test_a_gap_is_said_and_a_new_snapshot_asked_for() -> None:
    driver = synced()
    driver.wait(2)
    url = DEPTH_URL.format("ABCUSDT")
    out = driver.frame(diff(12, 13, [["9.97", "1"]], []))
    assert statuses(out) == [("ABC-USDT", "stale", "sequence_gap")]
    assert [fetch.url for fetch in every(out, Fetch)] == [url]
    assert events(driver.frame(diff(14, 14, [["9.96", "1"]], []))) == [], "nothing of before the gap is told"
    out = driver.answer(url, depth(13, [["9.95", "1"]], []))
    assert [type(event) for event in events(out)] == [BookSnapshot, FeedStatus]
    assert every(out, BookSnapshot)[0].bids == ((996, 10), (995, 10))
    assert statuses(out) == [("ABC-USDT", "live", "synced")]


def test_what_was_applied_before_is_ignored() -> None:
    driver = synced()
    assert driver.frame(diff(9, 10, [["9.99", "7"]], [])) == []
    assert rebuilt(driver.out, "ABC-USDT").bids.size(999) == 10


def test_a_crossed_book_is_corrupted() -> None:
    driver = synced()
    driver.wait(2)
    out = driver.frame(diff(11, 11, [["10.01", "1"]], []))
    assert statuses(out) == [("ABC-USDT", "stale", "bad_message")]
    assert every(out, BookChange) == []
    driver.wait(1)
    url = driver.fetches()[-1]
    assert url == DEPTH_URL.format("ABCUSDT")
    assert events(driver.answer(url, depth(9, [], []))) == [], "older than the difference that crossed"
    keep_link_active(driver, 5)
    crossed = driver.answer(url, depth(12, [["10.01", "1"]], [["10.01", "1"]]))
    assert events(crossed) == [], "still crossed: stale for the same reason"
    keep_link_active(driver, 10)
    assert statuses(driver.answer(url, depth(13, [["9", "1"]], []))) == [("ABC-USDT", "live", "synced")]


def test_while_nothing_trades_a_book_may_cross() -> None:
    venue = binance.venue(("ABC-USDT",))
    driver = Driver(venue)
    driver.answer(LIST_URL, {"symbols": [listed("ABCUSDT", "ABC", "USDT", status="BREAK")]})
    driver.up()
    driver.frame(diff(9, 10, [], []))
    out = driver.answer(DEPTH_URL.format("ABCUSDT"), depth(10, [["2", "1"]], [["1", "1"]]))
    assert len(every(out, BookSnapshot)) == 1


def test_levels_off_the_ticks_are_left_out_and_counted() -> None:
    venue = binance.venue(("ABC-USDT",))
    driver = Driver(venue)
    driver.answer(LIST_URL, LIST)
    driver.up()
    driver.frame(diff(9, 10, [], []))
    bids = [["9.99", "1"], ["9.985", "2"]]
    out = driver.answer(DEPTH_URL.format("ABCUSDT"), depth(10, bids, []))
    assert every(out, BookSnapshot)[0].bids == ((999, 10),)
    assert every(driver.frame(diff(11, 11, [["9.985", "0"]], [])), BookChange)[0].bids == ()
    assert venue.skipped["off_tick"] == 2


def test_too_many_requests_stop_all_for_a_minute() -> None:
    driver_ = driver("ABC-USDT", "XYZ-EUR")
    driver_.frame(diff(1, 1, [], []))
    driver_.answer(DEPTH_URL.format("ABCUSDT"), {}, 429)
    driver_.frame(diff(1, 1, [], [], "XYZEUR"))
    keep_link_active(driver_, 59)
    assert len(driver_.fetches()) == 2
    keep_link_active(driver_, 1)
    assert driver_.fetches()[2:] == [DEPTH_URL.format("ABCUSDT"), DEPTH_URL.format("XYZEUR")]


# --- links --------------------------------------------------------------------------------------------


def test_a_lost_link_makes_all_stale_and_is_opened_again() -> None:
    driver = synced()
    assert statuses(driver.lose()) == [(None, "stale", "link_lost")]
    driver.wait(0.9)
    assert len(driver.opened_links()) == 1
    driver.wait(0.2)
    assert len(driver.opened_links()) == 2
    driver.up()
    assert events(driver.frame(diff(11, 11, [["9.97", "1"]], []))) == [], (
        "the book of before is not built upon"
    )
    out = driver.answer(driver.fetches()[-1], depth(11, [["9.95", "1"]], []))
    assert [type(event) for event in events(out)] == [BookSnapshot, FeedStatus, FeedStatus]
    assert every(out, BookSnapshot)[0].bids == ((995, 10),)


def test_of_two_links_only_what_is_on_the_lost_one_is_stale() -> None:
    symbols = [f"A{number:03}-USDT" for number in range(103)]
    driver = Driver(binance.venue(symbols))
    driver.answer(LIST_URL, {"symbols": [listed(s.replace("-", ""), s[:4], "USDT") for s in symbols]})
    driver.up()
    second = driver.opened_links()[1].link
    for symbol in ("A000USDT", "A102USDT"):
        driver.frame(diff(1, 1, [], [], symbol), second if symbol == "A102USDT" else None)
        driver.answer(DEPTH_URL.format(symbol), depth(1, [], []))
    assert statuses(driver.give(Closed(second, "lost"))) == [("A102-USDT", "stale", "link_lost")]
    assert statuses(driver.lose()) == [(None, "stale", "link_lost")]


def test_a_snapshot_asked_for_before_the_link_was_lost_is_not_taken() -> None:
    driver_ = driver()
    url = DEPTH_URL.format("ABCUSDT")
    driver_.frame(diff(9, 10, [], []))
    driver_.lose()
    driver_.wait(2)
    driver_.up()
    assert events(driver_.answer(url, depth(10, [["9", "1"]], []))) == []
    driver_.frame(diff(15, 15, [], []))
    driver_.wait(1)
    assert driver_.fetches().count(url) == 2
    assert len(every(driver_.answer(url, depth(15, [], [])), BookSnapshot)) == 1


def test_a_silent_link_is_given_up_said_and_opened_anew() -> None:
    driver = synced()
    out = driver.wait(61)
    assert statuses(out) == [(None, "stale", "silent")]
    [given_up] = every(out, Close)
    assert given_up == Close(driver.opened_links()[0].link, "silent")
    assert driver.frame(diff(11, 11, [], [])) == [], "what still comes on it is not heard"
    assert statuses(driver.lose()) == []
    driver.wait(2)
    assert len(driver.opened_links()) == 2


def test_a_quote_after_a_reconnect_may_have_any_number() -> None:
    driver_ = driver()
    said = {"u": 12, "s": "ABCUSDT", "b": "9.99", "B": "1.25", "a": "10.01", "A": "2"}
    driver_.frame(said)
    driver_.lose()
    driver_.wait(1)
    driver_.up()
    assert len(driver_.frame(said | {"u": 3})) == 1


def test_links_and_answers_that_nobody_asked_for_are_ignored() -> None:
    driver_ = driver()
    for stranger in (Opened("x"), Closed("x", ""), Frame("x", "{}"), Answer(99, 200, b"{}")):
        assert driver_.give(stranger) == []


# --- silence and time ---------------------------------------------------------------------------------


def quote(update: int, bid: str, ask: str) -> Json:
    return {"u": update, "s": "ABCUSDT", "b": bid, "B": "1", "a": ask, "A": "1"}


def test_only_what_came_is_told_as_heard() -> None:
    driver = synced()
    assert every(driver.wait(1), Activity) == [Activity(("streams-0",), ("ABC-USDT",))]
    driver.frame({"result": None, "id": 1})
    assert every(driver.wait(1), Activity) == [Activity(("streams-0",), ())]
    quiet = driver.wait(5)
    assert every(quiet, Activity) == []
    assert all(clock.is_reckoned for clock in every(quiet, VenueTime))


def test_a_quiet_link_is_stale_and_current_again_with_its_next_message() -> None:
    driver = synced()
    assert statuses(driver.wait(9)) == []
    assert statuses(driver.wait(2)) == [(None, "stale", "silent")]
    assert statuses(driver.frame({"result": None, "id": 1})) == [
        (None, "live", "heard"),
        ("ABC-USDT", "live", "heard"),
    ]
    assert every(driver.frame(diff(11, 11, [["9.97", "1"]], [])), BookChange) != [], "the book went on"


def test_paper_orders_of_a_silent_exchange_meet_no_market() -> None:
    venue = PaperVenue(binance.venue(("ABC-USDT",)), latency_us=0)
    driver = Driver(venue)
    driver.answer(LIST_URL, LIST)
    driver.up()
    driver.frame(diff(9, 10, [["9.99", "1"]], []))
    driver.answer(DEPTH_URL.format("ABCUSDT"), depth(10, [["9.99", "1"]], [["10.01", "3"]]))
    assert venue.prices("ABC-USDT").feed == "live"
    driver.wait(30)
    assert venue.prices("ABC-USDT").feed == "stale"
    order = Place("ABC-USDT", 1, 1, "buy", 10, None, "ioc")
    assert not [
        report for report in venue.execute(order, driver.now_us).reports if isinstance(report, Filled)
    ]


def test_the_silence_that_is_too_long_is_set() -> None:
    driver = Driver(binance.venue(("ABC-USDT",), stale_us=3 * SECOND))
    driver.answer(LIST_URL, LIST)
    driver.up()
    driver.frame(diff(9, 10, [["9.99", "1"]], []))
    driver.answer(DEPTH_URL.format("ABCUSDT"), depth(10, [["9.99", "1"]], []))
    assert statuses(driver.wait(4)) == [(None, "stale", "silent")]


def test_a_dead_symbol_on_a_busy_link_is_stale_and_subscribed_anew() -> None:
    driver = synced()
    out = keep_link_active(driver, 91)
    assert statuses(out) == [("ABC-USDT", "stale", "silent")]
    assert [request["method"] for request in subscriptions(out)] == ["UNSUBSCRIBE", "SUBSCRIBE"]
    assert len(every(keep_link_active(driver, 61), Send)) == 4, "with longer pauses"
    assert driver.fetches().count(DEPTH_URL.format("ABCUSDT")) == 1, "a snapshot alone makes nothing current"
    driver.frame(diff(20, 21, [["9.97", "1"]], []))
    keep_link_active(driver, 1)
    out = driver.answer(DEPTH_URL.format("ABCUSDT"), depth(21, [["9.97", "1"]], []))
    assert statuses(out) == [("ABC-USDT", "live", "synced")]


def test_a_recorded_symbol_that_is_quiet_by_nature_is_not_stale() -> None:
    driver_ = driver(recorded=True)
    driver_.frame(diff(9, 10, [["9.99", "1"]], []))
    driver_.answer(DEPTH_URL.format("ABCUSDT"), depth(10, [["9.99", "1"]], []))
    assert statuses(keep_link_active(driver_, 300)) == []
    driver_.frame(kline("1m"))
    assert statuses(keep_link_active(driver_, 91)) == [("ABC-USDT", "stale", "silent")]


def test_a_snapshot_older_than_the_book_of_before_the_loss_is_refused() -> None:
    driver = synced()
    driver.frame(diff(11, 30, [["9.97", "1"]], []))
    driver.lose()
    driver.wait(2)
    driver.up()
    url = DEPTH_URL.format("ABCUSDT")
    keep_link_active(driver, 6)
    assert driver.fetches().count(url) == 2
    assert events(driver.answer(url, depth(10, [["9.99", "1"]], [["10.01", "3"]]))) == []
    keep_link_active(driver, 6)
    out = driver.answer(url, depth(30, [["9.97", "1"]], [["10.01", "3"]]))
    assert statuses(out) == [(None, "live", "synced"), ("ABC-USDT", "live", "synced")]


def test_where_best_prices_end_the_book_tells_them() -> None:
    driver = synced()
    driver.frame(quote(10, "9.99", "10.01"))
    out = driver.frame(diff(11, 11, [["9.99", "0"]], []))
    assert every(out, Quote) == [], "best prices are sooner, and may be on their way"
    driver.wait(3)
    out = driver.frame(diff(12, 12, [["9.98", "7"]], []))
    assert every(out, Quote) == [Quote("ABC-USDT", 998, 70, 1001, 30, 1_700_000_001_000_000)]
    assert every(driver.frame(diff(13, 13, [["9.90", "1"]], [])), Quote) == []
    driver.frame(quote(14, "9.98", "10.02"))
    assert every(driver.frame(diff(14, 14, [], [["10.01", "0"]])), Quote) == [], "they come again"


def test_where_differences_end_the_book_is_stale() -> None:
    driver = synced()
    for update in range(11, 15):
        assert statuses(driver.frame(quote(update, "9.99", "10.01"))) == []
        driver.wait(1)
    driver.wait(1)
    assert statuses(driver.frame(quote(16, "9.99", "10.01"))) == [("ABC-USDT", "stale", "silent")]


def test_a_time_an_hour_ahead_is_not_used_and_moves_no_clock() -> None:
    venue = binance.venue(("ABC-USDT",))
    driver = Driver(venue)
    driver.answer(LIST_URL, LIST)
    driver.up()
    start_ms = START // 1000
    said = {"e": "trade", "s": "ABCUSDT", "t": 1, "p": "1", "q": "1", "T": start_ms - 20, "m": True}
    driver.frame(said)
    [wrong] = every(driver.frame(said | {"t": 2, "T": start_ms + 3_600_000}), Trade)
    assert wrong.ts_us == START - 20_000
    assert venue.skipped["bad_time"] == 1
    assert max(clock.ts_us for clock in every(driver.wait(2), VenueTime)) < START + 2 * SECOND


# --- recordings ---------------------------------------------------------------------------------------


def test_symbols_are_found_in_addresses_and_subscriptions() -> None:
    url = "wss://stream.binance.com:9443/stream?streams=nknusdt@depth@100ms/blzeth@depth/nknusdt@trade"
    assert binance.requested_symbols(url) == ["NKNUSDT", "BLZETH"]
    assert binance.requested_symbols("wss://stream.binance.com/ws/nknusdt@depth") == ["NKNUSDT"]
    assert binance.requested_symbols("https://api.binance.com/api/v3/exchangeInfo") == []
    request = {"method": "SUBSCRIBE", "params": ["abcusdt@trade", "!ticker@arr"], "id": 1}
    assert binance.requested_symbols(json.dumps(request)) == ["ABCUSDT"]
    with pytest.raises(ValueError, match="method"):
        binance.requested_symbols("{}")
