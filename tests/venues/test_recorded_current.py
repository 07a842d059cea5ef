"""Every file of ../shared/recorded/current, and Kraken's sessions of 2021, through the adapters.

Whole recordings are played beside books rebuilt here; single frames give the events that are written down in
``expected_singles``. ``test_every_file_has_its_test`` finds a file that nothing here names.
"""

from __future__ import annotations

import gzip
import json
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping
from decimal import Decimal
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from typing import NamedTuple, TypeAlias, cast
from zlib import crc32

import pytest

from floorwire.connectors import recording
from floorwire.core.instrument import Instrument
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
from floorwire.core.order_book import Book
from floorwire.core.ports import VenueOutput, Wake, Woke
from tests.venues.driver import Driver, every, rebuilt, statuses
from tests.venues.expected_singles import EXPECTED
from tests.venues.recorded_singles import NOW, frames, told

SHARED = Path(__file__).parents[3] / "shared" / "recorded"
CURRENT = SHARED / "current"
SESSIONS = SHARED / "sessions"
COUNTED = (Listing, Trade, Quote, BookSnapshot, BookChange, DayStats, Candle)
T = 5_000_000_000_000_000

pytestmark = pytest.mark.skipif(not CURRENT.is_dir(), reason="../shared/recorded/current is not here")

Raw: TypeAlias = dict[str, object]
Counts: TypeAlias = Mapping[type[MarketEvent], int]
Sides: TypeAlias = dict[str, dict[Decimal, Decimal]]

HFTBACKTEST = CURRENT / "binance" / "hftbacktest_spot_btcusdt_20240808.ndjson.gz"
DOGE = CURRENT / "kraken" / "ccxt_static_dogeusdt_thin_then_deep_20261006.jsonl"
CROSSBOOK = ("status", "subscribe_ack", "snapshot", "update", "update_2", "update_3", "update_4", "heartbeat")


class Played(NamedTuple):
    """What comes of a recording."""

    counts: Counts
    statuses: list[tuple[str | None, str, str]]
    skipped: Mapping[str, int]


START, ENDED = (None, "connecting", "start"), (None, "stale", "ended")


def live(symbol: str) -> list[tuple[str | None, str, str]]:
    return [START, (None, "live", "synced"), (symbol, "live", "synced"), ENDED]


NO_LIST = {"bad_list": 1, "no_answer": 1}
WHOLE: Mapping[str, Played] = {
    "coinbase/tickvault_coinbase_l2.jsonl": Played(
        {Listing: 1, BookSnapshot: 1, BookChange: 10, Quote: 7}, live("BTC-USD"), NO_LIST | {"other_kind": 1}
    ),
    "coinbase/ccxt_static_ticker_20260812.jsonl": Played(
        {Listing: 1, Quote: 2}, [START, ENDED], NO_LIST | {"other_kind": 1}
    ),
    "coinbase/ccxt_static_market_trades_20260812.jsonl": Played(
        {Listing: 1, Trade: 3}, [START, ENDED], NO_LIST | {"other_kind": 1}
    ),
    "kraken/captured_btcusd_d10_20260719.jsonl": Played(
        {Listing: 1, BookSnapshot: 1, BookChange: 40, Quote: 4}, live("BTC-USD"), NO_LIST
    ),
    "kraken/tickvault_kraken_book.jsonl": Played(
        {Listing: 1, BookSnapshot: 1, BookChange: 3, Quote: 1}, live("BTC-USD"), NO_LIST
    ),
    # JavaScript took the zeros at the ends of numbers away, and the checksums are of texts with them.
    "kraken/ccxt_static_dogeusdt_thin_then_deep_20261006.jsonl": Played(
        {Listing: 1, BookSnapshot: 1, Quote: 1},
        [*live("DOGE-USDT")[:-1], ("DOGE-USDT", "stale", "bad_message"), ENDED],
        NO_LIST,
    ),
    # Only the first line is of spot, and one of a future has the same form. Hours lie between the frames.
    "bybit/gct_wsTicker.jsonl": Played(
        {Listing: 1, DayStats: 2},
        [START, (None, "stale", "silent"), ENDED],
        NO_LIST | {"bad_message": 4, "unknown_symbol": 2},
    ),
}
PRIVATE = (
    "*/gct_wsAuth.jsonl",
    "*/gct_wsOrders.jsonl",
    "binance/nautilus_user/*",
    "*/Spot_Account_*",
    "*/V5_Private_*",
    "*/Unified_Account_*",
    "*/Unified_Trading_*",
    "*/AdvancedTrade_User.txt",
    "*/ws_account*",
    "*/ws_auth_*",
    "*/ws_*order.json",
    "*/ws_orders*",
    "*/ws_order_*",
    "*/ws_*_order_re*",
    "*/ws_batch_*",
    "*/ws_user.json",
    "*/ws_spot_execution_report_*",
    "kraken/xchange_v2/balance.json",
    "kraken/xchange_v2/usertrade.json",
)
"""Frames of accounts. Adapters of prices never get them; those of orders read them."""
REST = ("binance/nautilus_http/*", "*/nautilus_ws/http_*", "*/nautilus/http_*")
"""Answers to GET. Adapters of prices request lists (``LISTS``) and Binance's snapshots of books; those of
orders request accounts and orders."""


@cache
def played(path: Path) -> tuple[tuple[VenueOutput, ...], Mapping[str, int]]:
    """Return all that a recording gives, and what was left out."""
    read = recording.read(path)
    assert read.skipped == ()
    venue = recording.replay(read, speed=None)
    out = list(venue.start(T))
    while every(out[-1:], Wake):
        out += venue.receive(Woke(), T)
    return tuple(out), {reason: count for reason, count in venue.skipped.items() if count}


def counts(out: tuple[VenueOutput, ...]) -> Counts:
    return Counter(type(event) for event in out if isinstance(event, COUNTED))


def lines(path: Path) -> Iterator[Raw]:
    for line in path.read_text().splitlines():
        yield json.loads(line, parse_float=str)


@pytest.mark.parametrize("name", WHOLE)
def test_a_recording_gives_exactly_its_events(name: str) -> None:
    out, skipped = played(CURRENT / name)
    expected = WHOLE[name]
    assert counts(out) == expected.counts
    assert statuses(out) == expected.statuses
    assert skipped == expected.skipped


@pytest.mark.parametrize("name", EXPECTED)
def test_a_single_frame_gives_exactly_its_events(name: str) -> None:
    path = CURRENT / name
    assert told(name.partition("/")[0], frames(path)) == EXPECTED[name]


def test_every_file_has_its_test() -> None:
    names = [str(path.relative_to(CURRENT)) for path in sorted(CURRENT.rglob("*")) if path.is_file()]
    named = {*WHOLE, *EXPECTED, "SOURCES.md", str(HFTBACKTEST.relative_to(CURRENT))}
    lost = [
        name
        for name in names
        if name not in named and not any(fnmatch(name, pattern) for pattern in (*PRIVATE, *REST))
    ]
    assert lost == []


# --- Binance, 2024-08-08 ------------------------------------------------------------------------------


class Top(NamedTuple):
    """The best levels: price and size of the bid and the ask."""

    bid: tuple[Decimal, Decimal]
    ask: tuple[Decimal, Decimal]


def top(of: Instrument, book: Book) -> Top:
    bid, ask = book.bids.best(), book.asks.best()
    assert bid is not None
    assert ask is not None
    return Top(_decimal(of, bid), _decimal(of, ask))


def _decimal(of: Instrument, level: tuple[int, int]) -> tuple[Decimal, Decimal]:
    return Decimal(of.price.format(level[0])), Decimal(of.size.format(level[1]))


@pytest.mark.slow
def test_the_binance_session_gives_its_events_without_a_gap() -> None:
    out, skipped = played(HFTBACKTEST)
    assert counts(out) == {Listing: 1, Quote: 28_040, Trade: 9_757, BookSnapshot: 1, BookChange: 3_448}
    assert statuses(out) == live("BTC-USDT")
    assert skipped == NO_LIST
    trades = [int(trade.trade_id) for trade in every(out, Trade)]
    assert trades == list(range(trades[0], trades[0] + 9_757))


@pytest.mark.slow
def test_the_binance_session_has_the_top_of_the_book_that_its_book_ticker_gives() -> None:
    """The book after an update is that of the last best prices up to the update's number."""
    out, _ = played(HFTBACKTEST)
    [listing] = every(out, Listing)
    [of] = listing.instruments
    best: dict[int, Top] = {}
    diffs: list[int] = []
    snapshot = 0
    with gzip.open(HFTBACKTEST, "rt") as file:
        for line in file:
            frame = json.loads(line.partition(" ")[2])
            data = frame.get("data", frame)
            if "lastUpdateId" in data:
                snapshot = data["lastUpdateId"]
            elif "bookTicker" in frame["stream"]:
                levels = [(Decimal(data[p]), Decimal(data[s])) for p, s in (("b", "B"), ("a", "A"))]
                best[data["u"]] = Top(*levels)
            elif "depth" in frame["stream"] and data["u"] > snapshot > 0:
                diffs.append(data["u"])
    numbers = sorted(best)
    changes = every(out, BookChange)
    book = Book()
    [whole] = every(out, BookSnapshot)
    book.replace(whole.bids, whole.asks)
    compared = 0
    # The snapshot is newer than the first differences: the adapter applies those it has buffered to it.
    for update, change in zip(diffs[len(diffs) - len(changes) :], changes, strict=True):
        book.apply(change.bids, change.asks)
        assert not book.crossed()
        at = bisect_right(numbers, update)
        if at and at < len(numbers):
            assert top(of, book) == best[numbers[at - 1]]
            compared += 1
    assert compared > 3_400
    quotes = [
        Top(_decimal(of, (q.bid_ticks, q.bid_lots)), _decimal(of, (q.ask_ticks, q.ask_lots)))
        for q in every(out, Quote)
    ]
    assert quotes == [best[number] for number in numbers]


# --- Kraken -------------------------------------------------------------------------------------------


def put(side: dict[Decimal, Decimal], levels: list[tuple[str, str]]) -> None:
    for price, size in levels:
        side[Decimal(price)] = Decimal(size)
        if not Decimal(size):
            del side[Decimal(price)]


def shown(out: tuple[VenueOutput, ...], of: Instrument) -> Sides:
    book = rebuilt(out, of.symbol)
    return {
        side: {Decimal(of.price.format(p)): Decimal(of.size.format(s)) for p, s in ladder.top(10**6)}
        for side, ladder in (("bids", book.bids), ("asks", book.asks))
    }


def kraken_book(path: Path) -> Sides:
    """Return the book of the last snapshot of a recording of v2, and its changes, cut to the best ten."""
    sides: Sides = {"bids": {}, "asks": {}}
    for frame in lines(path):
        if frame.get("channel") != "book":
            continue
        [row] = cast(list[dict[str, list[dict[str, str]]]], frame["data"])
        if frame["type"] == "snapshot":
            sides = {"bids": {}, "asks": {}}
        for name, side in sides.items():
            put(side, [(str(level["price"]), str(level["qty"])) for level in row[name]])
            for price in sorted(side, reverse=name == "bids")[10:]:
                del side[price]
    return sides


@pytest.mark.parametrize("name", ["captured_btcusd_d10_20260719", "tickvault_kraken_book"])
def test_a_book_of_kraken_equals_that_rebuilt_here(name: str) -> None:
    path = CURRENT / "kraken" / f"{name}.jsonl"
    out, _ = played(path)
    [of] = every(out, Listing)[0].instruments
    assert shown(out, of) == kraken_book(path)


def test_the_book_of_25_levels_holds_its_checksums(tmp_path: Path) -> None:
    texts = [(CURRENT / "kraken" / "crossbook" / f"kraken_{name}.json").read_text() for name in CROSSBOOK]
    file = tmp_path / "crossbook.jsonl"
    file.write_text("\n".join(texts))
    out, skipped = played(file)
    assert counts(out) == {Listing: 1, BookSnapshot: 1, BookChange: 4, Quote: 1}
    assert statuses(out) == live("BTC-USD")
    assert skipped == NO_LIST
    [book] = every(out, BookSnapshot)
    assert (len(book.bids), len(book.asks)) == (25, 25)


def test_numbers_as_kraken_wrote_them_give_the_thin_and_then_the_deep_book(tmp_path: Path) -> None:
    """Five decimals of a price and eight of a size, as SOURCES.md says: the checksums fit then."""

    def padded(found: re.Match[str]) -> str:
        decimals = 5 if found["name"] == "price" else 8
        return f'"{found["name"]}":{Decimal(found["number"]):.{decimals}f}'

    text = re.sub(r'"(?P<name>price|qty)":(?P<number>[0-9.]+)', padded, DOGE.read_text())
    file = tmp_path / DOGE.name
    file.write_text(text)
    out, skipped = played(file)
    assert counts(out) == {Listing: 1, BookSnapshot: 2, BookChange: 2, Quote: 2}
    assert statuses(out) == live("DOGE-USDT")
    assert skipped == NO_LIST
    [of] = every(out, Listing)[0].instruments
    assert shown(out, of) == kraken_book(file)


V1_COUNTS: Mapping[str, Counts] = {
    "KRAKEN.ws.48.0": {Listing: 10, Trade: 10},
    "KRAKEN.ws.49.0": {Listing: 10, Quote: 18, DayStats: 18},
    "KRAKEN.ws.50.0": {Listing: 10, BookSnapshot: 10, BookChange: 4_269, Quote: 810},
    "KRAKEN.0": {Listing: 10, Trade: 10, Quote: 673, DayStats: 18, BookSnapshot: 10, BookChange: 4_269},
}


@pytest.mark.parametrize("name", V1_COUNTS)
def test_a_session_of_kraken_v1_gives_exactly_its_events(name: str) -> None:
    out, skipped = played(SESSIONS / name)
    assert counts(out) == V1_COUNTS[name]
    assert skipped == {"bad_listing": 11}, "pairs without a name for WebSockets"
    books = {event.symbol for event in every(out, BookSnapshot)}
    said = statuses(out)
    assert [one for one in said if one[1] == "stale"] == [ENDED]
    assert {symbol for symbol, feed, _ in said if feed == "live" and symbol} == books


def v1_books() -> dict[str, Sides]:
    """Return the books of the session, each message checked against its checksum here."""
    books: dict[str, Sides] = {}
    texts: dict[str, dict[str, dict[Decimal, str]]] = {}
    for line in (SESSIONS / "KRAKEN.ws.50.0").read_text().splitlines():
        found = re.fullmatch(r"[0-9.]+: (\[.*)", line)
        if found is None:
            continue
        _, *parts, _, pair = json.loads(found[1])
        data = {key: value for part in parts for key, value in part.items()}
        if "as" in data:
            books[pair], texts[pair] = {"bids": {}, "asks": {}}, {"bids": {}, "asks": {}}
        for keys, name in ((("bs", "b"), "bids"), (("as", "a"), "asks")):
            for price, size, *_ in (level for key in keys for level in data.get(key, ())):
                put(books[pair][name], [(price, size)])
                texts[pair][name][Decimal(price)] = price.replace(".", "").lstrip("0") + size.replace(
                    ".", ""
                ).lstrip("0")
            for price in sorted(books[pair][name], reverse=name == "bids")[1000:]:
                del books[pair][name][price]
        if "c" in data:
            asks = sorted(books[pair]["asks"])[:10]
            bids = sorted(books[pair]["bids"], reverse=True)[:10]
            best = [texts[pair]["asks"][p] for p in asks] + [texts[pair]["bids"][p] for p in bids]
            assert crc32("".join(best).encode()) == int(data["c"])
    return books


def test_the_books_of_kraken_v1_equal_those_rebuilt_here() -> None:
    out, _ = played(SESSIONS / "KRAKEN.ws.50.0")
    books = v1_books()
    assert len(books) == 10
    for listing in every(out, Listing):
        [of] = listing.instruments
        old = {"BTC": "XBT"}
        pair = f"{old.get(of.base, of.base)}/{old.get(of.quote, of.quote)}"
        assert shown(out, of) == books[pair]
        assert not rebuilt(out, of.symbol).crossed()


# --- lists --------------------------------------------------------------------------------------------

LISTS: Mapping[str, list[str]] = {
    "binance/nautilus_http/exchange_info_response.json": ["ETH-BTC 0.00000001 0.00000001 0 open"],
    "binance/nautilus_ws/http_spot_market_exchange_info.json": [
        "BTC-USDT 0.01 0.00001 10 open",
        "ETH-USDT 0.01 0.0001 10 open",
    ],
    "bybit/nautilus/http_get_instruments_spot.json": ["BTC-USDT 0.1 0.0001 10 open"],
    "bybit/nautilus/http_get_instruments_spot_xstocks.json": ["AAPL-USDT 0.01 0.0001 10 open"],
    "coinbase/nautilus/http_products.json": ["BTC-USD 0.01 0.00000001 1 open"],
    "kraken/nautilus/http_asset_pairs.json": ["BTC-USDT 0.1 0.00000001 0.5 open"],
    "kraken/nautilus/http_asset_pairs_tokenized.json": ["AAPLx-USD 0.01 0.00000001 0.5 open"],
    "okx/nautilus/http_get_instruments_spot.json": [
        "BTC-USD 0.1 0.00000001 0 open",
        "ETH-USD 0.01 0.000001 0 open",
    ],
}
"""Symbol, tick, lot, least value and state of those that are listed."""


def listed(exchange: str, path: Path, symbols: tuple[str, ...]) -> list[str]:
    """Return what an adapter lists of the instruments in an answer."""
    driver = Driver(recording.exchanges()[exchange].venue(symbols, recorded=True), NOW)
    driver.reply(driver.fetches()[0], 200, path.read_bytes())
    found = [of for listing in every(driver.out, Listing) for of in listing.instruments]
    return [f"{of.symbol} {of.tick_size} {of.lot_size} {of.min_notional} {of.state}" for of in found]


@pytest.mark.parametrize("name", LISTS)
def test_a_list_of_instruments(name: str) -> None:
    symbols = tuple(text.partition(" ")[0].upper() for text in LISTS[name])
    assert listed(name.partition("/")[0], CURRENT / name, symbols) == LISTS[name]
