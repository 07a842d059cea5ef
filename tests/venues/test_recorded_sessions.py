"""Real sessions through the adapters, beside books rebuilt here in decimals from the raw files."""

from __future__ import annotations

import itertools
import json
import re
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import TypeAlias, cast

import pytest

from floorwire.connectors import recording
from floorwire.core.instrument import Instrument
from floorwire.core.market_events import BookChange, BookSnapshot, Candle, DayStats, Listing, Quote, Trade
from floorwire.core.ports import VenueOutput, Wake, Woke
from floorwire.venues.replay import Replay
from tests.venues.driver import every, rebuilt, statuses

SESSIONS = Path(__file__).parents[3] / "shared" / "recorded" / "sessions"
BINANCE, COINBASE = SESSIONS / "BINANCE.ws.1.0", SESSIONS / "COINBASE.ws.28.0"
NOW = 5_000_000_000_000_000

pytestmark = pytest.mark.skipif(not SESSIONS.is_dir(), reason="../shared/recorded/sessions is not here")

Sides: TypeAlias = dict[str, dict[Decimal, Decimal]]
Raw: TypeAlias = dict[str, object]


def replay(path: Path, *, loop: bool = False) -> Replay:
    return recording.replay(recording.read(path), speed=None, loop=loop)


@cache
def played(path: Path) -> tuple[VenueOutput, ...]:
    """Return all that a session gives."""
    venue = replay(path)
    out = list(venue.start(NOW))
    while every(out[-1:], Wake):
        out += venue.receive(Woke(), NOW)
    return tuple(out)


def instruments(path: Path) -> dict[str, Instrument]:
    return {of.symbol: of for listing in every(played(path), Listing) for of in listing.instruments}


def raw(path: Path) -> Iterator[Raw]:
    """Yield the frames of a session, read on their own."""
    for line in path.read_text().splitlines():
        if found := re.fullmatch(r"[0-9.]+: (.*)", line):
            yield json.loads(found[1])


def decimals(outputs: tuple[VenueOutput, ...], of: Instrument) -> Sides:
    """Return the book that the events leave, in decimals."""
    book = rebuilt(outputs, of.symbol)
    return {
        side: {Decimal(of.price.format(p)): Decimal(of.size.format(s)) for p, s in ladder.top(10**6)}
        for side, ladder in (("bids", book.bids), ("asks", book.asks))
    }


def put(sides: Sides, side: str, price: str, size: str) -> None:
    if Decimal(size):
        sides[side][Decimal(price)] = Decimal(size)
    else:
        sides[side].pop(Decimal(price), None)


@pytest.mark.parametrize("path", [BINANCE, COINBASE], ids=["binance", "coinbase"])
def test_no_gap_is_found_where_none_is(path: Path) -> None:
    said = statuses(played(path))
    symbols = set(instruments(path))
    assert [status for status in said if status[1] == "stale"] == [(None, "stale", "ended")]
    assert {symbol for symbol, feed, _ in said if feed == "live"} == {None, *symbols}
    assert recording.read(path).skipped == ()


@pytest.mark.parametrize(("path", "count"), [(BINANCE, 4), (COINBASE, 10)], ids=["binance", "coinbase"])
def test_what_was_asked_for_is_listed_before_it_is_told(path: Path, count: int) -> None:
    listed: set[str] = set()
    for event in played(path):
        if isinstance(event, Listing):
            listed |= {of.symbol for of in event.instruments}
        elif isinstance(event, Trade | Quote | BookSnapshot | BookChange | DayStats | Candle):
            assert event.symbol in listed
    assert len(listed) == count


@pytest.mark.parametrize("path", [BINANCE, COINBASE], ids=["binance", "coinbase"])
def test_books_are_never_crossed_and_snapshots_are_sorted(path: Path) -> None:
    for symbol in instruments(path):
        so_far: list[VenueOutput] = []
        for event in played(path):
            if not isinstance(event, BookSnapshot | BookChange) or event.symbol != symbol:
                continue
            so_far.append(event)
            if isinstance(event, BookSnapshot):
                assert list(event.bids) == sorted(event.bids, reverse=True)
                assert list(event.asks) == sorted(event.asks)
        assert not rebuilt(so_far, symbol).crossed()


def test_coinbase_books_equal_those_rebuilt_here() -> None:
    books: dict[str, Sides] = {}
    for frame in raw(COINBASE):
        if frame["type"] == "snapshot":
            book = books[cast(str, frame["product_id"])] = {"bids": {}, "asks": {}}
            for side in ("bids", "asks"):
                for price, size in cast(list[tuple[str, str]], frame[side]):
                    put(book, side, price, size)
        elif frame["type"] == "l2update":
            book = books[cast(str, frame["product_id"])]
            for side, price, size in cast(list[tuple[str, str, str]], frame["changes"]):
                put(book, {"buy": "bids", "sell": "asks"}[side], price, size)
    assert len(books) == 10
    for symbol, of in instruments(COINBASE).items():
        assert decimals(played(COINBASE), of) == books[symbol]


def snapshots() -> dict[str, Raw]:
    """Return the recorded REST snapshots of Binance."""
    lines = (SESSIONS / "BINANCE.http.0.0").read_text().splitlines()
    found = [re.fullmatch(r".*symbol=(\w+)&.* -> [0-9.]+: (.*)", line) for line in lines]
    return {match[1]: json.loads(match[2]) for match in found if match}


def test_binance_books_equal_those_rebuilt_here() -> None:
    books: dict[str, Sides] = {}
    last: dict[str, int] = {}
    for symbol, snapshot in snapshots().items():
        last[symbol] = cast(int, snapshot["lastUpdateId"])
        book = books[symbol] = {"bids": {}, "asks": {}}
        for side in ("bids", "asks"):
            for price, size in cast(list[tuple[str, str]], snapshot[side]):
                put(book, side, price, size)
    for frame in raw(BINANCE):
        data = cast(Raw, frame["data"])
        symbol = cast(str, data["s"])
        if data.get("e") == "depthUpdate" and cast(int, data["u"]) > last[symbol]:
            for side, key in (("bids", "b"), ("asks", "a")):
                for price, size in cast(list[tuple[str, str]], data[key]):
                    put(books[symbol], side, price, size)
    assert len(books) == 4
    left_out = 0
    for of in instruments(BINANCE).values():
        exact = books[of.base + of.quote]
        shown = {side: in_steps(levels, of) for side, levels in exact.items()}
        left_out += sum(map(len, exact.values())) - sum(map(len, shown.values()))
        assert decimals(played(BINANCE), of) == shown
    assert left_out == 34, "orders older than the tick of their day, deep in one book"


def in_steps(levels: dict[Decimal, Decimal], of: Instrument) -> dict[Decimal, Decimal]:
    """Return the levels on the ticks, their sizes floored to lots."""
    tick, lot = Decimal(of.tick_size), Decimal(of.lot_size)
    return {price: size // lot * lot for price, size in levels.items() if not price % tick and size >= lot}


def test_trades_are_those_of_the_files() -> None:
    matches = Counter(
        (cast(str, frame["product_id"]), str(frame["trade_id"]))
        for frame in raw(COINBASE)
        if frame["type"] in ("match", "last_match")
    )
    assert Counter((t.symbol, t.trade_id) for t in every(played(COINBASE), Trade)) == matches
    assert len(matches) == 107
    binance = [frame["data"] for frame in raw(BINANCE) if "aggTrade" in cast(str, frame["stream"])]
    assert [t.trade_id for t in every(played(BINANCE), Trade)] == [
        str(cast(Raw, data)["l"]) for data in binance
    ]


def test_coinbase_trades_have_the_side_that_the_ticker_tells() -> None:
    taken = {
        (cast(str, frame["product_id"]), str(frame["trade_id"])): frame["side"]
        for frame in raw(COINBASE)
        if frame["type"] == "ticker"
    }
    trades = {(t.symbol, t.trade_id): t.side for t in every(played(COINBASE), Trade)}
    assert taken == {key: side for key, side in trades.items() if key in taken}
    assert len(taken) == 107


def test_binance_quotes_equal_the_book_at_the_same_update() -> None:
    """bookTicker and depth number the same updates: where both are at one number, the best must be equal."""
    compared = 0
    sides: dict[str, Sides] = {}
    quotes: dict[str, tuple[int, Raw]] = {}
    quoted = iter(every(played(BINANCE), Quote))
    best: dict[str, Quote] = {}
    symbols = {of.base + of.quote: of for of in instruments(BINANCE).values()}
    last = {symbol: cast(int, snapshot["lastUpdateId"]) for symbol, snapshot in snapshots().items()}
    for symbol, snapshot in snapshots().items():
        sides[symbol] = {"bids": {}, "asks": {}}
        for side in ("bids", "asks"):
            for price, size in cast(list[tuple[str, str]], snapshot[side]):
                put(sides[symbol], side, price, size)
    for frame in raw(BINANCE):
        data = cast(Raw, frame["data"])
        symbol = cast(str, data["s"])
        if "bookTicker" in cast(str, frame["stream"]):
            quotes[symbol] = (cast(int, data["u"]), data)
            best[symbol] = next(quoted)
        elif data.get("e") == "depthUpdate" and cast(int, data["u"]) > last[symbol]:
            for side, key in (("bids", "b"), ("asks", "a")):
                for price, size in cast(list[tuple[str, str]], data[key]):
                    put(sides[symbol], side, price, size)
            if symbol in quotes and quotes[symbol][0] == data["u"]:
                of, quote = symbols[symbol], best[symbol]
                bid, ask = max(sides[symbol]["bids"]), min(sides[symbol]["asks"])
                assert of.price.format(quote.bid_ticks) == f"{bid:.{of.price.decimals}f}"
                assert of.price.format(quote.ask_ticks) == f"{ask:.{of.price.decimals}f}"
                assert Decimal(of.size.format(quote.bid_lots)) == sides[symbol]["bids"][bid]
                assert Decimal(of.size.format(quote.ask_lots)) == sides[symbol]["asks"][ask]
                compared += 1
    assert compared > 10


def test_coinbase_quotes_are_the_best_of_the_book_at_each_moment() -> None:
    for symbol in instruments(COINBASE):
        so_far: list[VenueOutput] = []
        quotes = 0
        mine = [event for event in played(COINBASE) if getattr(event, "symbol", None) == symbol]
        for event, following in itertools.pairwise([*mine, None]):
            if isinstance(event, BookSnapshot | BookChange):
                so_far.append(event)
            if isinstance(following, Quote) and quotes % 25 == 0:
                book = rebuilt(so_far, symbol)
                assert (following.bid_ticks, following.bid_lots) == book.bids.best()
                assert (following.ask_ticks, following.ask_lots) == book.asks.best()
            quotes += isinstance(following, Quote)
        assert quotes


def test_binance_candles_agree_with_the_trade_of_that_moment() -> None:
    candles, trades = every(played(BINANCE), Candle), every(played(BINANCE), Trade)
    assert len(candles) == len(trades) == 2
    for candle in candles:
        [trade] = [trade for trade in trades if trade.symbol == candle.symbol]
        assert candle.close_ticks == trade.price_ticks
        assert candle.low_ticks <= trade.price_ticks <= candle.high_ticks
        assert candle.volume_lots >= trade.size_lots
        assert candle.start_us <= trade.ts_us < candle.start_us + candle.interval_us


def test_coinbase_day_stats_are_of_the_ticker() -> None:
    stats = every(played(COINBASE), DayStats)
    assert len(stats) == 107
    assert all(one.low_ticks <= one.open_ticks <= one.high_ticks for one in stats)


@pytest.mark.parametrize("path", [BINANCE, COINBASE], ids=["binance", "coinbase"])
def test_events_are_the_same_each_time(path: Path) -> None:
    first = played(path)
    played.cache_clear()
    assert played(path) == first


@pytest.mark.parametrize("path", [BINANCE, COINBASE], ids=["binance", "coinbase"])
def test_a_loop_tells_every_book_anew(path: Path) -> None:
    venue = replay(path, loop=True)
    out = list(venue.start(NOW))
    while len([said for said in statuses(out) if said == (None, "connecting", "start")]) < 3:
        out += venue.receive(Woke(), NOW)
    assert (
        Counter(snapshot.symbol for snapshot in every(out, BookSnapshot)).keys() == instruments(path).keys()
    )
    assert min(Counter(snapshot.symbol for snapshot in every(out, BookSnapshot)).values()) >= 2


def test_the_folder_has_several_sessions() -> None:
    with pytest.raises(recording.RecordingError, match="BINANCE, COINBASE, KRAKEN, OKX"):
        recording.read(SESSIONS)
