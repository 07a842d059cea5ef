"""Sessions through the adapters, beside books rebuilt here in decimals from the raw files.

Ours (``tests.recorded.make``) always; the real ones of ../shared where they are.
"""

from __future__ import annotations

import itertools
import json
import re
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import NamedTuple, TypeAlias, cast

import pytest

from floorwire.connectors import recording
from floorwire.connectors.recording_files import RecordingError
from floorwire.core.instrument import Instrument
from floorwire.core.market_events import BookChange, BookSnapshot, Candle, DayStats, Listing, Quote, Trade
from floorwire.core.ports import VenueOutput, Wake, Woke
from floorwire.venues.replay import Replay
from tests.recorded import make
from tests.venues.driver import every, rebuilt, statuses

OWN = Path(__file__).parent.parent / "recorded" / "sessions"
SHARED = Path(__file__).parents[3] / "shared" / "recorded" / "sessions"
NOW = 5_000_000_000_000_000


class Expected(NamedTuple):
    """What a folder's sessions are known to have."""

    folder: Path
    venues: str
    binance_symbols: int
    binance_trades: int
    left_out: int
    """Levels off the ticks that stay in Binance's books: orders older than the tick of their day."""
    coinbase_symbols: int
    coinbase_trades: int

    @property
    def binance(self) -> Path:
        return self.folder / "BINANCE.ws.1.0"

    @property
    def coinbase(self) -> Path:
        return self.folder / "COINBASE.ws.28.0"


OURS = Expected(OWN, "ADVANCED, BINANCE, COINBASE", 3, 128, 3, 3, 124)
REAL = Expected(SHARED, "BINANCE, COINBASE, KRAKEN, OKX", 4, 2, 34, 10, 107)
is_real = pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/recorded/sessions is not here")
each_folder = pytest.mark.parametrize(
    "known", [pytest.param(OURS, id="ours"), pytest.param(REAL, id="real", marks=is_real)]
)
ADVANCED = OWN / "ADVANCED.ws.1.0"
each_session = pytest.mark.parametrize(
    "path",
    [
        pytest.param(OURS.binance, id="binance"),
        pytest.param(OURS.coinbase, id="coinbase"),
        pytest.param(ADVANCED, id="advanced"),
        pytest.param(REAL.binance, id="real-binance", marks=is_real),
        pytest.param(REAL.coinbase, id="real-coinbase", marks=is_real),
    ],
)

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
    for link_state in path.read_text().splitlines():
        if found := re.fullmatch(r"[0-9.]+: (.*)", link_state):
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


@each_session
def test_no_gap_is_found_where_none_is(path: Path) -> None:
    said = statuses(played(path))
    symbols = set(instruments(path))
    assert [status for status in said if status[1] == "stale"] == [(None, "stale", "ended")]
    assert {symbol for symbol, feed, _ in said if feed == "live"} == {None, *symbols}
    assert recording.read(path).skipped == ()


@each_session
def test_what_was_asked_for_is_listed_before_it_is_told(path: Path) -> None:
    listed: set[str] = set()
    for event in played(path):
        if isinstance(event, Listing):
            listed |= {of.symbol for of in event.instruments}
        elif isinstance(event, Trade | Quote | BookSnapshot | BookChange | DayStats | Candle):
            assert event.symbol in listed
    asked = {symbol.replace("-", "") for symbol in recording.read(path).symbols}
    assert {symbol.replace("-", "") for symbol in listed} == asked


@each_session
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


@each_folder
def test_coinbase_books_equal_those_rebuilt_here(known: Expected) -> None:
    books: dict[str, Sides] = {}
    for frame in raw(known.coinbase):
        if frame["type"] == "snapshot":
            book = books[cast(str, frame["product_id"])] = {"bids": {}, "asks": {}}
            for side in ("bids", "asks"):
                for price, size in cast(list[tuple[str, str]], frame[side]):
                    put(book, side, price, size)
        elif frame["type"] == "l2update":
            book = books[cast(str, frame["product_id"])]
            for side, price, size in cast(list[tuple[str, str, str]], frame["changes"]):
                put(book, {"buy": "bids", "sell": "asks"}[side], price, size)
    assert len(books) == known.coinbase_symbols
    for symbol, of in instruments(known.coinbase).items():
        assert decimals(played(known.coinbase), of) == books[symbol]


def snapshots(known: Expected) -> dict[str, Raw]:
    """Return the recorded REST snapshots of Binance."""
    lines = (known.folder / "BINANCE.http.0.0").read_text().splitlines()
    found = [re.fullmatch(r".*symbol=(\w+)&.* -> [0-9.]+: (.*)", link_state) for link_state in lines]
    return {match[1]: json.loads(match[2]) for match in found if match}


@each_folder
def test_binance_books_equal_those_rebuilt_here(known: Expected) -> None:
    books: dict[str, Sides] = {}
    last: dict[str, int] = {}
    for symbol, snapshot in snapshots(known).items():
        last[symbol] = cast(int, snapshot["lastUpdateId"])
        book = books[symbol] = {"bids": {}, "asks": {}}
        for side in ("bids", "asks"):
            for price, size in cast(list[tuple[str, str]], snapshot[side]):
                put(book, side, price, size)
    for frame in raw(known.binance):
        data = cast(Raw, frame["data"])
        symbol = cast(str, data["s"])
        if data.get("e") == "depthUpdate" and cast(int, data["u"]) > last[symbol]:
            for side, key in (("bids", "b"), ("asks", "a")):
                for price, size in cast(list[tuple[str, str]], data[key]):
                    put(books[symbol], side, price, size)
    assert len(books) == known.binance_symbols
    left_out = 0
    for of in instruments(known.binance).values():
        exact = books[of.base + of.quote]
        shown = {side: in_steps(levels, of) for side, levels in exact.items()}
        left_out += sum(map(len, exact.values())) - sum(map(len, shown.values()))
        assert decimals(played(known.binance), of) == shown
    assert left_out == known.left_out


def in_steps(levels: dict[Decimal, Decimal], of: Instrument) -> dict[Decimal, Decimal]:
    """Return the levels on the ticks, their sizes floored to lots."""
    tick, lot = Decimal(of.tick_size), Decimal(of.lot_size)
    return {price: size // lot * lot for price, size in levels.items() if not price % tick and size >= lot}


@each_folder
def test_trades_are_those_of_the_files(known: Expected) -> None:
    matches = Counter(
        (cast(str, frame["product_id"]), str(frame["trade_id"]))
        for frame in raw(known.coinbase)
        if frame["type"] in ("match", "last_match")
    )
    assert Counter((t.symbol, t.trade_id) for t in every(played(known.coinbase), Trade)) == matches
    assert len(matches) == known.coinbase_trades
    binance = [frame["data"] for frame in raw(known.binance) if "aggTrade" in cast(str, frame["stream"])]
    assert [t.trade_id for t in every(played(known.binance), Trade)] == [
        str(cast(Raw, data)["l"]) for data in binance
    ]


@each_folder
def test_coinbase_trades_have_the_side_that_the_ticker_tells(known: Expected) -> None:
    taken = {
        (cast(str, frame["product_id"]), str(frame["trade_id"])): frame["side"]
        for frame in raw(known.coinbase)
        if frame["type"] == "ticker"
    }
    trades = {(t.symbol, t.trade_id): t.side for t in every(played(known.coinbase), Trade)}
    assert taken == {key: side for key, side in trades.items() if key in taken}
    assert len(taken) == known.coinbase_trades


@each_folder
def test_binance_quotes_equal_the_book_at_the_same_update(known: Expected) -> None:
    """bookTicker and depth number the same updates: where both are at one number, the best must be equal."""
    compared = 0
    sides: dict[str, Sides] = {}
    quotes: dict[str, tuple[int, Raw]] = {}
    quoted = iter(every(played(known.binance), Quote))
    best: dict[str, Quote] = {}
    symbols = {of.base + of.quote: of for of in instruments(known.binance).values()}
    last = {symbol: cast(int, snapshot["lastUpdateId"]) for symbol, snapshot in snapshots(known).items()}
    for symbol, snapshot in snapshots(known).items():
        sides[symbol] = {"bids": {}, "asks": {}}
        for side in ("bids", "asks"):
            for price, size in cast(list[tuple[str, str]], snapshot[side]):
                put(sides[symbol], side, price, size)
    for frame in raw(known.binance):
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


@each_folder
def test_coinbase_quotes_are_the_best_of_the_book_at_each_moment(known: Expected) -> None:
    for symbol in instruments(known.coinbase):
        so_far: list[VenueOutput] = []
        quotes = 0
        mine = [event for event in played(known.coinbase) if getattr(event, "symbol", None) == symbol]
        for event, following in itertools.pairwise([*mine, None]):
            if isinstance(event, BookSnapshot | BookChange):
                so_far.append(event)
            if isinstance(following, Quote) and quotes % 25 == 0:
                book = rebuilt(so_far, symbol)
                assert (following.bid_ticks, following.bid_lots) == book.bids.best()
                assert (following.ask_ticks, following.ask_lots) == book.asks.best()
            quotes += isinstance(following, Quote)
        assert quotes


@each_folder
def test_binance_candles_agree_with_the_trade_of_that_moment(known: Expected) -> None:
    candles, trades = every(played(known.binance), Candle), every(played(known.binance), Trade)
    assert len(candles) == len(trades) == known.binance_trades
    last: dict[str, Trade] = {}
    told = iter(candles)
    for trade in trades:  # one candle a trade
        last[trade.symbol] = trade
        candle = next(told)
        trade = last[candle.symbol]
        assert candle.close_ticks == trade.price_ticks
        assert candle.low_ticks <= trade.price_ticks <= candle.high_ticks
        assert candle.volume_lots >= trade.size_lots
        assert candle.start_us <= trade.ts_us < candle.start_us + candle.interval_us


@each_folder
def test_coinbase_day_stats_are_of_the_ticker(known: Expected) -> None:
    stats = every(played(known.coinbase), DayStats)
    assert len(stats) == known.coinbase_trades
    assert all(one.low_ticks <= one.open_ticks <= one.high_ticks for one in stats)


@each_session
def test_events_are_the_same_each_time(path: Path) -> None:
    first = played(path)
    played.cache_clear()
    assert played(path) == first


@each_session
def test_a_loop_tells_every_book_anew(path: Path) -> None:
    venue = replay(path, loop=True)
    out = list(venue.start(NOW))
    while len([said for said in statuses(out) if said == (None, "connecting", "start")]) < 3:
        out += venue.receive(Woke(), NOW)
    assert (
        Counter(snapshot.symbol for snapshot in every(out, BookSnapshot)).keys() == instruments(path).keys()
    )
    assert min(Counter(snapshot.symbol for snapshot in every(out, BookSnapshot)).values()) >= 2


@each_folder
def test_the_folder_has_several_sessions(known: Expected) -> None:
    with pytest.raises(RecordingError, match=known.venues):
        recording.read(known.folder)


def test_our_sessions_are_what_is_made() -> None:
    files = {file.name: file.read_text() for file in OWN.iterdir()}
    assert files == make.all_files()


def test_advanced_trades_book_equals_that_rebuilt_here() -> None:
    book: Sides = {"bids": {}, "asks": {}}
    trades: list[tuple[str, str]] = []
    for frame in raw(ADVANCED):
        for event in cast(list[Raw], frame["events"]):
            for level in cast(list[dict[str, str]], event.get("updates", [])):
                side = {"bid": "bids", "offer": "asks"}[level["side"]]
                put(book, side, level["price_level"], level["new_quantity"])
            for trade in cast(list[dict[str, str]], event.get("trades", [])):
                trades.append((trade["trade_id"], {"BUY": "sell", "SELL": "buy"}[trade["side"]]))
    [of] = instruments(ADVANCED).values()
    assert decimals(played(ADVANCED), of) == book
    assert [(trade.trade_id, trade.side) for trade in every(played(ADVANCED), Trade)] == trades
    assert len(trades) == 45
