"""The fake Bybit: one address for REST and for the public, private and trade WebSockets."""

import asyncio
from collections.abc import Iterable

from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from tests.fake_exchange.bybit.disconnect_cancel import TOPIC, DisconnectCancel
from tests.fake_exchange.bybit.market import TICK_S, BybitMarket
from tests.fake_exchange.bybit.private import BybitPrivate
from tests.fake_exchange.bybit.queries import BybitQueries
from tests.fake_exchange.bybit.requests import BybitRequests
from tests.fake_exchange.bybit.rest import BybitRest
from tests.fake_exchange.bybit.signatures import BybitAccount, BybitKeys, new_account
from tests.fake_exchange.bybit.sockets import BybitSockets
from tests.fake_exchange.bybit.trade import BybitTrade
from tests.fake_exchange.exchange import FakeExchange
from tests.fake_exchange.market import UNIT, Market
from tests.fake_exchange.outbox import Outbox


class FakeBybit(FakeExchange):
    """Tests read `core` and `counts`, and make faults with `faults` and the methods here."""

    queries: BybitQueries

    def __init__(self, markets: list[Market], *, skew_us: int = 0) -> None:
        super().__init__(markets, skew_us)
        self.accounts = [new_account("first"), new_account("second")]
        keys = BybitKeys(self.accounts)
        self.requests = BybitRequests(self.core, self.counts, self.now_us)
        names = [account.name for account in self.accounts]
        self.disconnect_cancel = DisconnectCancel(self.core, self.now_us)
        self.queries = BybitQueries(self.requests, names, self.disconnect_cancel, self.now_us)
        self.rest = BybitRest(
            self.requests, self.queries, keys, self.faults, self.counts, self.disconnect_cancel, self.now_us
        )
        self.sockets = BybitSockets(keys, self.faults, self.counts, self.now_us)
        self.trade = BybitTrade(self.requests, self.faults, self.counts, self.now_us)
        self.sockets.trade = self.trade
        self.market = BybitMarket(self.core, self.queries, self.sockets, self.now_us)
        self.private = BybitPrivate(self.core, self.requests, self.sockets, self.faults, self.now_us)

    @property
    def first(self) -> BybitAccount:
        return self.accounts[0]

    def credentials(self, account: int = 0) -> tuple[str, str, str]:
        one = self.accounts[account]
        return one.api_key, one.secret, ""

    @property
    def ws(self) -> str:
        """Without /public/spot, /private or /trade."""
        return f"ws://127.0.0.1:{self.port}/v5"

    def description(self) -> list[str]:
        lines = [f"Bybit: REST {self.http}  WebSocket {self.ws}/public/spot, /private and /trade"]
        return lines + [f"  {a.name}: key {a.api_key} secret {a.secret}" for a in self.accounts]

    async def run(self) -> None:
        passed_us = 0
        while True:
            await asyncio.sleep(TICK_S)
            passed_us += int(TICK_S * 1_000_000)
            self.market.flush_due(passed_us)
            if passed_us % 1_000_000 == 0:
                self.market.publish_candles()
            await self.sockets.end_idle()
            followers = (connection.account for connection in self.sockets.subscribers(TOPIC))
            self.disconnect_cancel.watch(account.name for account in followers if account is not None)

    def send_changes(self, symbol: str) -> None:
        self.market.flush(symbol)

    def restart_ids(self, symbol: str) -> None:
        """Sequences of a book begin again."""
        self.market.restart_ids(symbol)

    def start_maintenance(self) -> None:
        """Announce the shutdown, and refuse everything from then on."""
        self.market.publish_status("ongoing")
        super().start_maintenance()

    def end_maintenance(self) -> None:
        super().end_maintenance()
        self.market.publish_status("completed")

    def outboxes(self) -> Iterable[Outbox]:
        return [connection.outbox for connection in self.sockets.connections]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self.rest(scope, receive, send)
        else:
            await self.sockets.serve(WebSocket(scope, receive, send))


def default_markets() -> list[Market]:
    return [
        Market("BTC", "USDT", tick_e8=UNIT // 100, step_e8=UNIT // 1_000_000, min_lots=11),
        Market("ETH", "USDT", tick_e8=UNIT // 100, step_e8=UNIT // 100_000, min_lots=10),
    ]
