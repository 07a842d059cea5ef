"""Sessions of OKX, Bybit and Kraken through their adapters, beside books rebuilt here from the raw files.

Ours (``tests.recorded.make_okx``, ``make_bybit``, ``make_kraken``) always; the real one of ../shared where
it is.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import NamedTuple, TypeAlias, cast

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
from floorwire.core.ports import VenueOutput, Wake, Woke
from tests.recorded import make_bybit, make_kraken, make_okx
from tests.venues.driver import every, rebuilt, statuses

RECORDED = Path(__file__).parent.parent / "recorded"
SHARED = Path(__file__).parents[3] / "shared" / "recorded" / "sessions"
NOW = 5_000_000_000_000_000
COUNTED = (Listing, Trade, Quote, BookSnapshot, BookChange, DayStats, Candle)

Raw: TypeAlias = dict[str, object]
Sides: TypeAlias = dict[str, dict[Decimal, Decimal]]


class Session(NamedTuple):
    """A session, and how many events of each kind it gives."""

    path: Path
    counts: Mapping[type[MarketEvent], int]
    skipped: Mapping[str, int]


OKX = Session(
    RECORDED / "okx",
    {Listing: 2, Trade: 92, Quote: 159, BookSnapshot: 2, BookChange: 184, DayStats: 24, Candle: 24},
    {},
)
BYBIT = Session(
    RECORDED / "bybit",
    {Listing: 2, Trade: 74, Quote: 135, BookSnapshot: 6, BookChange: 169, DayStats: 24, Candle: 24},
    {},
)
KRAKEN = Session(
    RECORDED / "kraken",
    {Listing: 2, Trade: 67, Quote: 137, BookSnapshot: 4, BookChange: 163, DayStats: 69, Candle: 24},
    {},
)
REAL_OKX = Session(  # of 2022: no numbers, but checksums; futures and swaps come too
    SHARED / "OKX.ws.1.0",
    {Listing: 1, Trade: 69, Quote: 71, BookSnapshot: 1, BookChange: 97, DayStats: 25, Candle: 0},
    {"unknown_symbol": 200},
)
is_real = pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/recorded/sessions is not here")
each_session = pytest.mark.parametrize(
    "session",
    [
        pytest.param(OKX, id="okx"),
        pytest.param(BYBIT, id="bybit"),
        pytest.param(KRAKEN, id="kraken"),
        pytest.param(REAL_OKX, id="real-okx", marks=is_real),
    ],
)


@cache
def played(path: Path) -> tuple[tuple[VenueOutput, ...], Mapping[str, int]]:
    """Return all that a session gives, and what the adapter left out."""
    venue = recording.replay(recording.read(path), speed=None, loop=False)
    out = list(venue.start(NOW))
    while every(out[-1:], Wake):
        out += venue.receive(Woke(), NOW)
    return tuple(out), {reason: count for reason, count in venue.skipped.items() if count}


def raw(path: Path) -> Iterator[Raw]:
    """Yield the frames of a session, read on their own."""
    files = [path] if path.is_file() else sorted(path.glob("*.ws.*"))
    for file in files:
        for line in file.read_text().splitlines():
            if found := re.fullmatch(r"[0-9.]+: (\{.*)", line):
                yield json.loads(found[1])


def put(side: dict[Decimal, Decimal], levels: list[list[str]]) -> None:
    for price, size, *_ in levels:
        side[Decimal(price)] = Decimal(size)
        if not Decimal(size):
            del side[Decimal(price)]


def okx_books(path: Path) -> dict[str, Sides]:
    books: dict[str, Sides] = {}
    for frame in raw(path):
        arg = cast(dict[str, str], frame.get("arg", {}))
        if arg.get("channel") == "books" and "data" in frame:
            [row] = cast(list[dict[str, list[list[str]]]], frame["data"])
            if frame["action"] == "snapshot":
                books[arg["instId"]] = {"bids": {}, "asks": {}}
            for name, side in books[arg["instId"]].items():
                put(side, row[name])
    return books


def bybit_books(path: Path) -> dict[str, Sides]:
    books: dict[str, Sides] = {}
    for frame in raw(path):
        if cast(str, frame.get("topic", "")).startswith("orderbook.200."):
            data = cast(dict[str, list[list[str]]], frame["data"])
            name = cast(str, data["s"])
            if frame["type"] == "snapshot":
                books[name] = {"bids": {}, "asks": {}}
            put(books[name]["bids"], data["b"])
            put(books[name]["asks"], data["a"])
    return books


def kraken_books(path: Path) -> dict[str, Sides]:
    """Return the books by the recorded depth: levels after the tenth are dropped."""
    books: dict[str, Sides] = {}
    for frame in raw(path):
        if frame.get("channel") == "book":
            [row] = cast(list[dict[str, list[dict[str, float]]]], frame["data"])
            name = cast(str, row["symbol"])
            if frame["type"] == "snapshot":
                books[name] = {"bids": {}, "asks": {}}
            for key, side in books[name].items():
                put(side, [[str(level["price"]), str(level["qty"])] for level in row[key]])
                for price in sorted(side, reverse=key == "bids")[make_kraken.DEPTH :]:
                    del side[price]
    return books


def name_of(of: Instrument, path: Path) -> str:
    """Return the exchange's name of an instrument."""
    between = {BYBIT.path: "", KRAKEN.path: "/"}.get(path, "-")
    return f"{of.base}{between}{of.quote}"


def instruments(session: Session) -> list[Instrument]:
    return [of for listing in every(played(session.path)[0], Listing) for of in listing.instruments]


@each_session
def test_every_event_is_there(session: Session) -> None:
    out, skipped = played(session.path)
    assert Counter(type(event) for event in out if isinstance(event, COUNTED)) == Counter(
        {kind: count for kind, count in session.counts.items() if count}
    )
    assert skipped == session.skipped
    assert recording.read(session.path).skipped == ()


@each_session
def test_no_gap_is_found_where_none_is(session: Session) -> None:
    said = statuses(played(session.path)[0])
    assert [status for status in said if status[1] == "stale"] == [(None, "stale", "ended")]
    live = {symbol for symbol, feed, _ in said if feed == "live"}
    assert live == {None, *(of.symbol for of in instruments(session))}


@each_session
def test_books_equal_those_rebuilt_here(session: Session) -> None:
    rebuild = {BYBIT.path: bybit_books, KRAKEN.path: kraken_books}.get(session.path, okx_books)
    books = rebuild(session.path)
    for of in instruments(session):
        book = rebuilt(played(session.path)[0], of.symbol)
        shown = {
            side: {Decimal(of.price.format(p)): Decimal(of.size.format(s)) for p, s in ladder.top(10**6)}
            for side, ladder in (("bids", book.bids), ("asks", book.asks))
        }
        assert shown == books[name_of(of, session.path)]


def test_trades_are_those_of_the_files() -> None:
    okx = [
        (row["instId"], row["tradeId"], row["side"])
        for frame in raw(OKX.path)
        if cast(dict[str, str], frame.get("arg", {})).get("channel") == "trades" and "data" in frame
        for row in cast(list[dict[str, str]], frame["data"])
    ]
    assert [(t.symbol, t.trade_id, t.side) for t in every(played(OKX.path)[0], Trade)] == okx
    bybit = [
        (row["s"], row["i"], row["S"].lower())
        for frame in raw(BYBIT.path)
        if cast(str, frame.get("topic", "")).startswith("publicTrade")
        for row in cast(list[dict[str, str]], frame["data"])
    ]
    assert [
        (t.symbol.replace("-", ""), t.trade_id, t.side) for t in every(played(BYBIT.path)[0], Trade)
    ] == bybit


@each_session
def test_events_are_the_same_each_time(session: Session) -> None:
    first = played(session.path)
    played.cache_clear()
    assert played(session.path) == first


def test_our_sessions_are_what_is_made() -> None:
    for folder, made in (
        (OKX.path, make_okx.files()),
        (BYBIT.path, make_bybit.files()),
        (KRAKEN.path, make_kraken.files()),
    ):
        assert {file.name: file.read_text() for file in folder.iterdir()} == made
