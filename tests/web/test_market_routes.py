"""Market data over HTTP of a venue that streams only what is wanted, and for keys that may see some of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from floorwire.app import Gateway
from floorwire.auth.grant import Grant
from floorwire.config import Settings
from floorwire.core.authorization import Scope
from floorwire.core.instrument import Instrument
from floorwire.core.market_events import FeedStatus, Listing, Quote, StreamsEnded
from floorwire.core.ports import VenueInput, VenueOutput, Wanted
from floorwire.core.venue_names import bare
from floorwire.web import create_app, market_routes
from tests.scripted import SYMBOLS, listing, snapshot
from tests.web.admin_server import AdminServer

IDENTITIES = tuple(f"scripted:{symbol}" for symbol in SYMBOLS)
BTC, ETH, DEAF = IDENTITIES


def listed(symbol: str) -> Instrument:
    """Return the instrument with this identity."""
    return replace(listing(bare(symbol)), symbol=symbol)


class OnDemand:
    """Sends a quote and the book of what is wanted, but nothing of one symbol."""

    name = "scripted"
    streams_on_demand = True

    def __init__(self) -> None:
        self.wanted: list[str] = []

    def start(self, now_us: int) -> Sequence[VenueOutput]:
        return [
            Listing(tuple(map(listed, IDENTITIES)), now_us),
            FeedStatus(None, "live", "synced", now_us),
            *(FeedStatus(symbol, "connecting", "unwanted", now_us) for symbol in IDENTITIES),
        ]

    def receive(self, happened: VenueInput, now_us: int) -> Sequence[VenueOutput]:
        if not isinstance(happened, Wanted):
            return []
        outputs: list[VenueOutput] = []
        for symbol in happened.streams:
            if symbol not in self.wanted and symbol != DEAF:
                outputs += [
                    Quote(symbol, 5, 1, 6, 1, now_us),
                    snapshot(symbol, now_us),
                    FeedStatus(symbol, "live", "synced", now_us),
                ]
        self.wanted = list(happened.streams)
        return outputs


class MarketServer(AdminServer):
    """A gateway over that venue."""

    def __init__(self, folder: Path) -> None:
        settings = Settings(data=str(folder))
        self.venue = OnDemand()
        self.gateway = Gateway(settings, venues=[self.venue])
        self.app = create_app(self.gateway)
        self.folder = folder


@pytest.fixture
def server(tmp_path: Path) -> MarketServer:
    """A server that has not started."""
    return MarketServer(tmp_path)


def test_a_symbol_that_nobody_follows_is_waited_for(server: MarketServer) -> None:
    with server.client() as client:
        answer = client.get("/api/v1/ticker?symbol=BTC-USDT").json()
        (ticker,) = answer["tickers"]
        assert (ticker["feed"], ticker["bid"]) == ("live", "5")
        assert server.venue.wanted == [BTC]
        assert client.get("/api/v1/book?symbol=ETH-USDT&depth=1").json()["bids"] == [["999", "1"]]


def test_of_all_only_what_is_known_comes_and_nothing_is_wanted(server: MarketServer) -> None:
    with server.client() as client:
        assert client.get("/api/v1/ticker").json()["tickers"] == []
        assert server.venue.wanted == []


def test_what_does_not_come_in_time_is_an_error(
    server: MarketServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(market_routes, "FIRST_STATE_S", 0.1)
    with server.client() as client:
        answer = client.get(f"/api/v1/ticker?symbol={bare(DEAF)}")
        assert (answer.status_code, answer.json()["code"]) == (503, "venue_unavailable")
        assert answer.json()["retry"] is True


def test_what_is_not_current_says_so(server: MarketServer) -> None:
    with server.client() as client:
        client.get("/api/v1/ticker?symbol=BTC-USDT")
        stale = FeedStatus(BTC, "stale", "link_lost", 1)
        server.gateway.hub.publish("scripted", [stale], 1)
        (ticker,) = client.get("/api/v1/ticker?symbol=BTC-USDT").json()["tickers"]
        assert (ticker["feed"], ticker["bid"]) == ("stale", "5")


def test_an_old_quote_of_an_ended_stream_is_not_shown(
    server: MarketServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(market_routes, "FIRST_STATE_S", 0.1)
    with server.client() as client:
        client.get("/api/v1/ticker?symbol=BTC-USDT")
        ended = StreamsEnded(BTC, frozenset(("quote", "trades", "book", "day")), 1)
        unwanted = FeedStatus(BTC, "connecting", "unwanted", 1)
        server.gateway.hub.publish("scripted", [ended, unwanted], 1)
        (ticker,) = client.get("/api/v1/ticker").json()["tickers"]
        assert (ticker["feed"], ticker["bid"]) == ("connecting", None)


PATHS = [f"{path}?symbol=BTC-USDT" for path in ("ticker", "book", "trades", "candles")]


@pytest.mark.parametrize("path", [*PATHS, "symbols", "ticker"])
def test_on_another_machine_market_data_needs_a_key(server: MarketServer, path: str) -> None:
    with server.client(base_url="http://192.0.2.1:8000", peer="192.0.2.9") as client:
        answer = client.get(f"/api/v1/{path}")
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
        assert client.get("/api/v1/time").status_code == 200


@pytest.mark.parametrize("path", PATHS)
def test_a_key_reads_its_symbols_only(server: MarketServer, path: str) -> None:
    with server.client() as client:
        grant = Grant("bob", (Scope.MARKET,), symbols=("ETH-USDT",))
        key = server.key(grant)
        answer = client.get(f"/api/v1/{path}", headers=key)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
        rows = client.get("/api/v1/symbols", headers=key).json()["symbols"]
        assert [row["symbol"] for row in rows] == ["ETH-USDT"]


def test_work_is_charged_to_the_clients_budget(server: MarketServer) -> None:
    with server.client() as client:
        assert client.get("/api/v1/candles?symbol=BTC-USDT").json()["candles"] == []
        (budget,) = server.gateway.hub.budgets._budgets.values()
        budget.charge(20_000_000, server.gateway.clock.monotonic_us())
        answer = client.get("/api/v1/book?symbol=BTC-USDT")
        assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
        assert int(answer.headers["retry-after"]) > 0
