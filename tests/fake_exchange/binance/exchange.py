"""The fake Binance: one address for REST, market streams and the WebSocket API."""

import asyncio
from collections.abc import Iterable

from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from tests.fake_exchange.binance.limits import BinanceLimits
from tests.fake_exchange.binance.queries import BinanceQueries
from tests.fake_exchange.binance.requests import BinanceRequests
from tests.fake_exchange.binance.rest import BinanceRest
from tests.fake_exchange.binance.signatures import Account
from tests.fake_exchange.binance.streams import BinanceStreams
from tests.fake_exchange.binance.ws_api import BinanceWsApi, new_account
from tests.fake_exchange.exchange import FakeExchange
from tests.fake_exchange.market import UNIT, Market
from tests.fake_exchange.outbox import Outbox


class FakeBinance(FakeExchange):
    """Tests read `core` and `counts`, and make faults with `faults` and the methods here."""

    queries: BinanceQueries

    def __init__(self, markets: list[Market], *, skew_us: int = 0) -> None:
        super().__init__(markets, skew_us)
        self.accounts = [new_account("first"), new_account("second")]
        self.limits = BinanceLimits(self.counts, self.now_us)
        self.queries = BinanceQueries(self.core, self.limits, self.accounts, self.now_us)
        self.requests = BinanceRequests(self.core, self.queries, self.limits, self.counts)
        self.streams = BinanceStreams(self.core, self.queries, self.faults, self.counts, self.now_us)
        self.ws_api = BinanceWsApi(
            self.core, self.requests, self.limits, self.accounts, self.faults, self.counts, self.now_us
        )
        self._rest = BinanceRest(self.requests, self.limits, self.accounts, self.faults, self.now_us)

    @property
    def first(self) -> Account:
        return self.accounts[0]

    def credentials(self, account: int = 0) -> tuple[str, str, str]:
        one = self.accounts[account]
        return one.api_key, one.secret, ""

    @property
    def ws(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    def description(self) -> list[str]:
        lines = [f"Binance: REST {self.http}  streams {self.ws}/ws  WebSocket API {self.ws}/ws-api/v3"]
        return lines + [f"  {a.name}: key {a.api_key} secret {a.secret}" for a in self.accounts]

    def delist(self, symbol: str) -> None:
        """The symbol's status becomes BREAK, and new orders are refused."""
        self.core.close_market(symbol)

    def send_changes(self, symbol: str) -> None:
        for speed in (100, 1_000):
            self.streams.flush(speed)

    def restart_ids(self, symbol: str) -> None:
        """Sequences of a book begin again."""
        self.streams.restart_ids(symbol)

    def start_maintenance(self) -> None:
        """Announce the shutdown, and refuse everything from then on."""
        self.streams.announce_shutdown()
        self.ws_api.announce_shutdown()
        super().start_maintenance()

    def outboxes(self) -> Iterable[Outbox]:
        streams = [connection.outbox for connection in self.streams.connections]
        return streams + [connection.outbox for connection in self.ws_api.connections]

    async def run(self) -> None:
        ticks = 0
        while True:
            await asyncio.sleep(0.1)
            ticks += 1
            self.streams.flush(100)
            if ticks % 10 == 0:
                self.streams.flush(1_000)
                self.streams.publish_klines()
            await self.streams.end_old()
            await self.ws_api.end_old()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._rest(scope, receive, send)
        elif scope["path"].startswith("/ws-api/v3"):
            await self.ws_api.serve(WebSocket(scope, receive, send))
        else:
            await self.streams.serve(WebSocket(scope, receive, send))


def default_markets() -> list[Market]:
    return [
        Market("BTC", "USDT", tick_e8=UNIT // 100, step_e8=UNIT // 100_000),
        Market("ETH", "USDT", tick_e8=UNIT // 100, step_e8=UNIT // 10_000),
    ]
