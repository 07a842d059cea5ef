"""Market data over HTTP, from a real server: what is now, and pages of what was."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import httpx2
import msgspec
import pytest

from tests.clients import client
from tests.scripted import SYMBOLS
from tests.servers import Server, eventually

Row: TypeAlias = dict[str, object]


class Page(msgspec.Struct, frozen=True):
    """What the tests read of an answer."""

    trades: list[Row] = []
    candles: list[Row] = []
    tickers: list[Row] = []
    symbols: list[Row] = []
    venues: list[Row] = []
    holes: list[Row] = []
    next: str | int | None = None


class Rest:
    """A client of the routes under /api/v1."""

    def __init__(self, server: Server) -> None:
        self.client = httpx2.Client(base_url=server.http("/api/v1"), verify=False, timeout=None)

    def get(self, path: str, **query: object) -> httpx2.Response:
        """Ask."""
        shown = {name.rstrip("_"): str(value) for name, value in query.items()}
        return self.client.get(f"/{path}", params=shown)

    def page(self, path: str, **query: object) -> Page:
        """Ask, and return the answer, which is no error."""
        response = self.get(path, **query)
        assert response.status_code == 200, response.text
        return msgspec.json.decode(response.content, type=Page)

    def error(self, path: str, **query: object) -> tuple[int, str]:
        """Ask, and return the status and the code of the error."""
        response = self.get(path, **query)
        return response.status_code, response.json()["code"]


@pytest.fixture
def rest(market: Server) -> Iterator[Rest]:
    """A client of the scripted market."""
    at = Rest(market)
    with at.client:
        yield at


# --- what is now ------------------------------------------------------------------------------------


def test_the_time_is_the_servers(rest: Rest) -> None:
    first = rest.get("time")
    assert first.headers["cache-control"] == "no-store"
    assert first.json()["ts"] <= rest.get("time").json()["ts"]


def test_symbols_are_filtered_and_come_in_pages(rest: Rest) -> None:
    everything = rest.page("symbols")
    assert [row["symbol"] for row in everything.symbols] == list(SYMBOLS)
    assert everything.next is None
    assert [row["symbol"] for row in rest.page("symbols", text="eth/").symbols] == ["ETH-USDT"]
    assert rest.page("symbols", venue="other").symbols == []
    assert rest.page("symbols", text="eth", venue="scripted").symbols != []
    found, after = [], "BTC-USDT"
    while after:
        page = rest.page("symbols", limit=1, after=after)
        found += page.symbols
        after = str(page.next or "")
    assert [row["symbol"] for row in found] == list(SYMBOLS[1:])
    assert rest.error("symbols", after="NOPE") == (404, "unknown_symbol")


def test_tickers_of_one_of_several_and_of_all(rest: Rest) -> None:
    (one,) = rest.page("ticker", symbol="btcusdt").tickers
    assert (one["symbol"], one["feed"]) == ("BTC-USDT", "live")
    several = rest.page("ticker", symbols="ETH-USDT,BTC-USDT").tickers
    assert [row["symbol"] for row in several] == ["ETH-USDT", "BTC-USDT"]
    for everything in (rest.page("ticker"), rest.page("ticker", venue="scripted")):
        assert [row["symbol"] for row in everything.tickers] == list(SYMBOLS)
    assert rest.error("ticker", venue="nowhere") == (400, "bad_request")
    assert rest.error("ticker", symbol="BTC-USDT", venue="scripted") == (400, "bad_request")
    assert rest.error("ticker", symbols="BTC-USDT,,") == (404, "unknown_symbol")


def test_a_book_has_the_depth_that_was_asked_for(rest: Rest) -> None:
    book = rest.get("book", symbol="BTC-USDT", depth=5).json()
    assert (book["status"], book["feed"], book["depth"]) == ("ok", "live", 5)
    assert (len(book["bids"]), len(book["asks"])) == (5, 5)
    assert rest.error("book", symbol="BTC-USDT", depth=7) == (400, "bad_request")
    assert rest.error("book") == (400, "bad_request")


@pytest.mark.parametrize("path", ["time", "symbols", "ticker", "book", "trades", "candles"])
def test_unknown_fields_are_errors(rest: Rest, path: str) -> None:
    assert rest.error(path, symbol="BTC-USDT", colour="red") == (400, "bad_request")


def test_messagepack_says_the_same(rest: Rest) -> None:
    packed = rest.client.get("/symbols", headers={"accept": "application/msgpack"})
    assert packed.headers["content-type"] == "application/msgpack"
    assert msgspec.msgpack.decode(packed.content) == rest.get("symbols").json()


# --- what was ---------------------------------------------------------------------------------------


def test_pages_of_trades_have_each_trade_once_while_new_ones_come(rest: Rest) -> None:
    page = rest.page("trades", symbol="BTC-USDT", limit=7)
    trades = list(page.trades)
    while page.next is not None:
        page = rest.page("trades", symbol="BTC-USDT", limit=1_000, before=page.next)
        trades += page.trades
    numbers = [int(str(trade["trade_id"])) for trade in trades]
    assert numbers == list(range(numbers[0], 0, -1))
    assert rest.page("trades", symbol="BTC-USDT", limit=1).trades[0]["trade_id"] > trades[0]["trade_id"]  # type: ignore[operator] # texts


def test_a_page_before_a_cursor_may_be_kept_and_is_not_sent_twice(rest: Rest) -> None:
    newest = rest.get("trades", symbol="BTC-USDT", limit=1)
    assert newest.headers["cache-control"] == "public, no-cache"
    cursor = newest.json()["next"]
    older = rest.get("trades", symbol="BTC-USDT", limit=3, before=cursor)
    assert older.headers["cache-control"] == "public, max-age=60"
    again = rest.client.get(
        "/trades",
        params={"symbol": "BTC-USDT", "limit": "3", "before": cursor},
        headers={"if-none-match": older.headers["etag"]},
    )
    assert (again.status_code, again.content) == (304, b"")


def test_candles_come_oldest_first_without_holes_up_to_the_open_one(rest: Rest) -> None:
    assert eventually(lambda: len(rest.page("candles", symbol="BTC-USDT", interval="1s").candles) > 4)
    page = rest.page("candles", symbol="BTC-USDT", interval="1s")
    starts = [int(str(row["start"])) for row in page.candles]
    assert starts == list(range(starts[0], starts[-1] + 1, 1_000_000))
    assert [row["closed"] for row in page.candles[-2:]] == [True, False]
    latest = rest.page("candles", symbol="BTC-USDT", interval="1s", limit=2, to=starts[3] + 1)
    assert [row["start"] for row in latest.candles] == starts[2:4]
    assert latest.next == starts[2]
    assert latest.candles[1] == page.candles[3]
    some = rest.page("candles", symbol="BTC-USDT", interval="1s", from_=starts[1], to=starts[3])
    assert [row["start"] for row in some.candles] == starts[1:3]
    assert rest.error("candles", symbol="BTC-USDT", interval="2s") == (400, "bad_request")


@pytest.mark.parametrize("query", [{"from": "-1"}, {"to": "01"}, {"limit": "0"}, {"limit": "1001"}])
@pytest.mark.parametrize("path", ["trades", "candles"])
def test_what_is_no_time_or_limit_is_refused(rest: Rest, path: str, query: dict[str, str]) -> None:
    assert rest.error(path, symbol="BTC-USDT", **query) == (400, "bad_request")


def test_closed_candles_equal_those_of_the_channel(market: Server, rest: Rest) -> None:
    asked = {"channel": "candles", "symbol": "ETH-USDT", "interval": "1s", "closed_only": True}
    with client(market, "/ws") as live:
        live.ask("subscribe", **asked)
        *_, told = live.events(2)
    start_us = int(str(told["start"]))
    query = {"symbol": "ETH-USDT", "interval": "1s", "from": start_us, "to": start_us + 1}
    (stored,) = rest.page("candles", **query).candles
    shared = ("start", "open", "high", "low", "close", "volume", "trades", "closed")
    assert {name: stored[name] for name in shared} == {name: told[name] for name in shared}
