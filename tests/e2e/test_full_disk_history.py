"""A disk that is full for a while: market history stops, prices go on, and it comes back by itself."""

from __future__ import annotations

import resource
from pathlib import Path

import httpx2
import msgspec
import pytest

from tests.servers import Server, eventually, floorwire, metrics

STOPPED, GOES_ON = "market history stopped", "market history goes on"
SECOND_US = 1_000_000


class Row(msgspec.Struct):
    """The time of a trade or a ticker."""

    ts: int


class Missing(msgspec.Struct, rename={"begin": "from", "end": "to"}):
    """A hole."""

    begin: int
    end: int | None
    reason: str


class Trades(msgspec.Struct):
    """A page of trades, the latest first."""

    trades: list[Row] = []
    holes: list[Missing] = []


class Tickers(msgspec.Struct):
    """Tickers."""

    tickers: list[Row]


class Market:
    """What HTTP says of one symbol."""

    def __init__(self, server: Server, http: httpx2.Client) -> None:
        self._server, self._http = server, http

    def get(self, path: str, **query: str | int) -> httpx2.Response:
        """Ask for it."""
        return self._http.get(path, params={"symbol": "BTC-USDT", **query})

    def trades(self, from_us: int, to_us: int = 1 << 52) -> Trades:
        """Return the latest trades of this time, none where they cannot be read."""
        answer = self.get("trades", limit=1000, **{"from": from_us, "to": to_us})
        return msgspec.json.decode(answer.content, type=Trades)

    def now_us(self) -> int:
        """Return the server's time."""
        return msgspec.json.decode(self._http.get("time").content, type=Row).ts

    def ticker_us(self) -> int:
        """Return the time of the ticker."""
        return msgspec.json.decode(self.get("ticker").content, type=Tickers).tickers[0].ts

    def limit_files(self, limits: tuple[int, int]) -> tuple[int, int]:
        """Let no file of the server grow beyond this; return what was before."""
        return resource.prlimit(self._server.process.pid, resource.RLIMIT_FSIZE, limits)


@pytest.mark.slow
def test_market_history_comes_back_when_there_is_room(tmp_path: Path) -> None:
    with (
        floorwire("--data", str(tmp_path), "--seed", "7") as server,
        httpx2.Client(base_url=server.http("/api/v1/"), verify=False, timeout=None) as http,
    ):
        market = Market(server, http)
        begun_us = market.now_us()
        assert eventually(lambda: bool(market.trades(begun_us + 5 * SECOND_US).trades))
        log = tmp_path / "market.db-wal"
        before = market.limit_files((log.stat().st_size, resource.RLIM_INFINITY))
        assert eventually(lambda: STOPPED in server.log)
        stopped_us = market.now_us()
        refused = market.get("trades")
        assert (refused.status_code, refused.json()["code"]) == (503, "history_unavailable")
        assert metrics(server)["floorwire_history_failed"] == 1
        assert eventually(lambda: market.ticker_us() > stopped_us + 2 * SECOND_US)
        market.limit_files(before)
        room_us = market.now_us()
        assert eventually(lambda: GOES_ON in server.log)
        assert metrics(server)["floorwire_history_failed"] == 0
        back_us = market.now_us()
        assert eventually(lambda: bool(market.trades(back_us + 2 * SECOND_US).trades))
        page = market.trades(begun_us + 2 * SECOND_US)
        (hole,) = [hole for hole in page.holes if hole.reason == "not_stored"]
        assert hole.end is not None
        assert begun_us < hole.begin < stopped_us < room_us < hole.end
        assert [one for one in page.trades if stopped_us <= one.ts < room_us] == []
        assert market.trades(begun_us, hole.begin).trades, "what was stored before is there"
        assert (server.log.count(STOPPED), server.log.count(GOES_ON)) == (1, 1)
