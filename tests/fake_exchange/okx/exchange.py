"""The fake OKX: one address for REST and for the public, private and business WebSockets."""

import asyncio
from collections.abc import Iterable

from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from tests.fake_exchange.exchange import FakeExchange
from tests.fake_exchange.market import UNIT, Market
from tests.fake_exchange.okx.market import OkxMarket
from tests.fake_exchange.okx.private import OkxPrivate
from tests.fake_exchange.okx.queries import OkxQueries
from tests.fake_exchange.okx.requests import OkxRequests
from tests.fake_exchange.okx.rest import OkxRest
from tests.fake_exchange.okx.signatures import OkxAccount, OkxKeys, new_account
from tests.fake_exchange.okx.sockets import OkxSockets
from tests.fake_exchange.outbox import Outbox


class FakeOkx(FakeExchange):
    """Tests read `core` and `counts`, and make faults with `faults` and the methods here."""

    queries: OkxQueries

    def __init__(self, markets: list[Market], *, skew_us: int = 0) -> None:
        super().__init__(markets, skew_us)
        self.accounts = [new_account("first"), new_account("second")]
        keys = OkxKeys(self.accounts)
        self.requests = OkxRequests(self.core, self.counts, self.now_us)
        names = [account.name for account in self.accounts]
        self.queries = OkxQueries(self.requests, names, self.now_us)
        self.rest = OkxRest(self.requests, self.queries, keys, self.faults, self.counts, self.now_us)
        self.sockets = OkxSockets(self.requests, keys, self.faults, self.counts, self.now_us)
        self.market = OkxMarket(self.core, self.requests, self.queries, self.sockets, self.now_us)
        self.private = OkxPrivate(self.core, self.requests, self.sockets, self.faults, self.now_us)

    @property
    def first(self) -> OkxAccount:
        return self.accounts[0]

    def credentials(self, account: int = 0) -> tuple[str, str, str]:
        one = self.accounts[account]
        return one.api_key, one.secret, one.passphrase

    @property
    def ws(self) -> str:
        """Without /public, /private or /business."""
        return f"ws://127.0.0.1:{self.port}/ws/v5"

    def description(self) -> list[str]:
        lines = [f"OKX: REST {self.http}  WebSocket {self.ws}/public, /private and /business"]
        return lines + [
            f"  {a.name}: key {a.api_key} secret {a.secret} passphrase {a.passphrase}" for a in self.accounts
        ]

    async def run(self) -> None:
        while True:
            await asyncio.sleep(0.1)
            self.market.flush_all()
            self.market.publish_candles()
            self.private.push_accounts()
            self.requests.fire_switches()
            await self.sockets.end_idle()

    def delist(self, symbol: str) -> None:
        """The instrument expires: its orders are cancelled, and it refuses everything."""
        self.core.empty_market(symbol)
        self.queries.expired_us[symbol] = self.now_us()
        self.core.close_market(symbol)

    def relist(self, symbol: str) -> None:
        """The instrument is live again."""
        self.queries.expired_us.pop(symbol, None)
        super().relist(symbol)

    def send_changes(self, symbol: str) -> None:
        self.market.flush(symbol)

    def restart_ids(self, symbol: str) -> None:
        """Sequences of a book begin again."""
        self.market.restart_ids(symbol)

    def start_maintenance(self) -> None:
        """Announce the shutdown, and refuse everything from then on."""
        self.sockets.announce_upgrade()
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
    """OKX has no least notional, but a least size."""
    return [
        Market("BTC", "USDT", tick_e8=UNIT // 10, step_e8=UNIT // 10_000_000, min_lots=100),
        Market("ETH", "USDT", tick_e8=UNIT // 100, step_e8=UNIT // 1_000_000, min_lots=1_000),
    ]
