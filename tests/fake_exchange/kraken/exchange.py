"""The fake Kraken: REST, the public and the private WebSocket at one address."""

import asyncio
import secrets
from collections.abc import Iterable

from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from tests.fake_exchange.exchange import FakeExchange
from tests.fake_exchange.kraken.books import KrakenBooks
from tests.fake_exchange.kraken.connection import Connection
from tests.fake_exchange.kraken.executions import KrakenExecutions
from tests.fake_exchange.kraken.keys import KrakenAccount, KrakenKeys, new_account
from tests.fake_exchange.kraken.limits import KrakenLimits
from tests.fake_exchange.kraken.market_data import KrakenMarketData
from tests.fake_exchange.kraken.names import KrakenNames, TransactionIds
from tests.fake_exchange.kraken.queries import KrakenQueries
from tests.fake_exchange.kraken.rest import KrakenRest
from tests.fake_exchange.kraken.sockets import KrakenSockets
from tests.fake_exchange.kraken.trading import KrakenTrading
from tests.fake_exchange.kraken.ws_orders import KrakenWsOrders
from tests.fake_exchange.market import UNIT, Market
from tests.fake_exchange.outbox import Outbox


class FakeKraken(FakeExchange):
    """Tests read `core` and `counts`, and make faults with `faults` and the methods here."""

    queries: KrakenQueries

    def __init__(self, markets: list[Market], *, skew_us: int = 0) -> None:
        super().__init__(markets, skew_us, fees_in_quote=True)
        self.accounts = [new_account("first"), new_account("second")]
        self.limits = KrakenLimits(self.now_us)
        self.keys = KrakenKeys(self.accounts, self.now_us)
        self.names = KrakenNames(markets)
        self.ids = TransactionIds(secrets.token_hex(8))
        self.trading = KrakenTrading(self.core, self.ids, self.limits, self.counts, self.now_us)
        self.queries = KrakenQueries(self.trading, self.names, self.now_us)
        connections: set[Connection] = set()
        self.books = KrakenBooks(self.core, self.names, self.trading, connections, self.now_us)
        self.market_data = KrakenMarketData(self.core, self.names, self.trading, connections, self.now_us)
        self.executions = KrakenExecutions(self.trading, connections, self.faults, self.now_us)
        orders = KrakenWsOrders(self.trading, self.names)
        self.sockets = KrakenSockets(
            connections, self.keys, orders, self.faults, self.counts, self.now_us, lambda: self.trading.system
        )
        self.sockets.add("public", self.books)
        self.sockets.add("public", self.market_data)
        self.sockets.add("private", self.executions)
        self.rest = KrakenRest(
            self.trading, self.queries, self.keys, self.names, self.limits, self.faults, self.counts
        )

    @property
    def first(self) -> KrakenAccount:
        return self.accounts[0]

    def credentials(self, account: int = 0) -> tuple[str, str, str]:
        one = self.accounts[account]
        return one.api_key, one.secret, ""

    @property
    def public_ws(self) -> str:
        return f"ws://127.0.0.1:{self.port}/v2"

    @property
    def private_ws(self) -> str:
        return f"ws://127.0.0.1:{self.port}/auth/v2"

    def description(self) -> list[str]:
        lines = [f"Kraken: REST {self.http}  WebSocket {self.public_ws} and {self.private_ws}"]
        return lines + [f"  {a.name}: key {a.api_key} secret {a.secret}" for a in self.accounts]

    def set_pair_status(self, symbol: str, status: str) -> None:
        """Such as cancel_only, post_only, limit_only or online."""
        self.trading.pair_statuses[symbol] = status
        self.market_data.announce_pair(self.core.markets[symbol])

    def start_maintenance(self, system: str = "maintenance") -> None:
        """Announce a status of the system: maintenance, cancel_only or post_only."""
        self.trading.system = system
        self.sockets.announce()

    def end_maintenance(self) -> None:
        self.start_maintenance("online")

    def outboxes(self) -> Iterable[Outbox]:
        return [connection.outbox for connection in self.sockets.connections]

    async def disconnect_all(self, home: str = "") -> None:
        """End every WebSocket, or those of one home, with no warning."""
        chosen = [c.outbox for c in list(self.sockets.connections) if home in ("", c.home)]
        await asyncio.gather(*(outbox.disconnect() for outbox in chosen))

    async def run(self) -> None:
        """Timers, and heartbeats each second."""
        ticks = 0
        while True:
            await asyncio.sleep(0.05)
            ticks += 1
            self.trading.fire_timers()
            self.books.send_full_snapshots()
            if ticks % 20 == 0:
                self.sockets.send_heartbeats()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self.rest(scope, receive, send)
        else:
            await self.sockets.serve(WebSocket(scope, receive, send))


def default_markets() -> list[Market]:
    return [
        Market("BTC", "USD", tick_e8=UNIT // 10, step_e8=10, min_notional_e8=UNIT // 2, min_lots=500),
        Market("ETH", "USD", tick_e8=UNIT // 100, step_e8=100, min_notional_e8=UNIT // 2, min_lots=2_000),
        Market("DOGE", "USD", tick_e8=1_000, step_e8=UNIT // 1_000, min_notional_e8=UNIT // 2, min_lots=10),
    ]
