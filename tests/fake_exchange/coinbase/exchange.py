"""The fake Coinbase Advanced Trade: REST, market data and the user channel at one address."""

import asyncio
from collections.abc import Iterable

from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from tests.fake_exchange.coinbase.connection import Connection
from tests.fake_exchange.coinbase.keys import CoinbaseAccount, CoinbaseKeys, new_account
from tests.fake_exchange.coinbase.market_data import CoinbaseMarketData
from tests.fake_exchange.coinbase.messages import CoinbaseIds, CoinbaseViews
from tests.fake_exchange.coinbase.products import CoinbaseProducts
from tests.fake_exchange.coinbase.queries import CoinbaseQueries
from tests.fake_exchange.coinbase.rest import CoinbaseRest
from tests.fake_exchange.coinbase.sockets import CoinbaseSockets
from tests.fake_exchange.coinbase.trading import CoinbaseTrading
from tests.fake_exchange.coinbase.user import CoinbaseUser
from tests.fake_exchange.exchange import FakeExchange
from tests.fake_exchange.expiries import Expiries
from tests.fake_exchange.market import UNIT, Market
from tests.fake_exchange.outbox import Outbox

ALIASES = {"BTC-USDC": "BTC-USD"}


class FakeCoinbase(FakeExchange):
    """Tests read `core` and `counts`, and make faults with `faults` and the methods here.

    The first account has an ES256 key, the second one an EdDSA key."""

    queries: CoinbaseQueries

    def __init__(self, markets: list[Market], *, skew_us: int = 0) -> None:
        super().__init__(markets, skew_us, fees_in_quote=True)
        self.accounts = [new_account("first", "ES256"), new_account("second", "EdDSA")]
        self.keys = CoinbaseKeys(self.accounts, self.now_us, lambda: f"127.0.0.1:{self.port}")
        self.products = CoinbaseProducts(self.core, ALIASES)
        self.views = CoinbaseViews(CoinbaseIds(), Expiries(self.core, self.now_us))
        self.trading = CoinbaseTrading(self.core, self.products, self.views, self.counts, self.now_us)
        self.queries = CoinbaseQueries(self.trading, self.accounts, self.now_us)
        self.rest = CoinbaseRest(self.trading, self.queries, self.keys, self.faults, self.counts, self.now_us)
        connections: set[Connection] = set()
        self.market_data = CoinbaseMarketData(self.core, self.products, connections, self.now_us)
        self.user = CoinbaseUser(self.core, self.views, self.accounts, connections, self.faults)
        self.sockets = CoinbaseSockets(
            connections, self.products, self.keys, self.faults, self.counts, self.now_us
        )
        self.sockets.add(self.market_data)
        self.sockets.add(self.user)

    @property
    def first(self) -> CoinbaseAccount:
        return self.accounts[0]

    def credentials(self, account: int = 0) -> tuple[str, str, str]:
        one = self.accounts[account]
        return one.key_name, one.secret, ""

    @property
    def market_ws(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    @property
    def user_ws(self) -> str:
        return f"ws://127.0.0.1:{self.port}/user"

    def description(self) -> list[str]:
        lines = [f"Coinbase: REST {self.http}  market data {self.market_ws}  user channel {self.user_ws}"]
        for account in self.accounts:
            lines.append(f"  {account.name}: key {account.key_name}")
            lines.append(f"  secret {account.secret!r}")
        return lines

    def set_flags(self, symbol: str, **flags: bool | str) -> None:
        """Such as cancel_only=True."""
        self.products.set_flags(self.core.markets[symbol], flags)

    def send_changes(self, symbol: str) -> None:
        self.market_data.flush_levels()

    def outboxes(self) -> Iterable[Outbox]:
        return [connection.outbox for connection in self.sockets.connections]

    async def run(self) -> None:
        """Batches of book changes every 50 ms, of trades every 250 ms; candles and heartbeats each second."""
        ticks = 0
        while True:
            await asyncio.sleep(0.05)
            ticks += 1
            self.views.expiries.fire()
            self.market_data.flush_levels()
            if ticks % 5 == 0:
                self.market_data.flush_trades()
            if ticks % 20 == 0:
                self.market_data.flush_candles()
                self.sockets.send_heartbeats()
                await self.sockets.end_idle()
            if ticks % 100 == 0:
                self.market_data.flush_tickers()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self.rest(scope, receive, send)
        else:
            await self.sockets.serve(WebSocket(scope, receive, send))


def default_markets() -> list[Market]:
    return [
        Market("BTC", "USD", tick_e8=UNIT // 100, step_e8=100, min_notional_e8=UNIT, min_lots=10),
        Market("ETH", "USD", tick_e8=UNIT // 100, step_e8=100, min_notional_e8=UNIT, min_lots=100),
    ]
