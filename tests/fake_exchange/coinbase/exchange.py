"""The fake Coinbase Advanced Trade: REST, market data and the user channel at one address."""

import asyncio
import time

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
from tests.fake_exchange.expiries import Expiries
from tests.fake_exchange.faults import Faults
from tests.fake_exchange.limits import Counts
from tests.fake_exchange.market import UNIT, Market
from tests.fake_exchange.matching import MatchingCore

ALIASES = {"BTC-USDC": "BTC-USD"}


class FakeCoinbase:
    """Tests read `core` and `counts`, and make faults with `faults` and the methods here.

    The first account has an ES256 key, the second one an EdDSA key."""

    def __init__(self, markets: list[Market], *, skew_us: int = 0) -> None:
        self.skew_us = skew_us
        self.accounts = [new_account("first", "ES256"), new_account("second", "EdDSA")]
        self.core = MatchingCore(markets, self.now_us, fees_in_quote=True)
        self.counts = Counts()
        self.faults = Faults()
        self.keys = CoinbaseKeys(self.accounts, self.now_us)
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
        self._port = 0

    @property
    def port(self) -> int:
        return self._port

    @port.setter
    def port(self, port: int) -> None:
        self._port = port
        self.keys.own_address = f"127.0.0.1:{port}"

    @property
    def first(self) -> CoinbaseAccount:
        return self.accounts[0]

    @property
    def http(self) -> str:
        return f"http://127.0.0.1:{self.port}"

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

    def now_us(self) -> int:
        return time.time_ns() // 1_000 + self.skew_us

    def delist(self, symbol: str) -> None:
        """The product's status becomes `delisted`. Its orders are cancelled, and new ones are refused."""
        self.core.empty_market(symbol)
        self.core.close_market(symbol)

    def set_flags(self, symbol: str, **flags: bool | str) -> None:
        """Such as cancel_only=True."""
        self.products.set_flags(self.core.markets[symbol], flags)

    def change_steps(self, symbol: str, tick_e8: int, step_e8: int) -> None:
        """Change a product's steps. Its open orders are cancelled first: they are kept in the old steps."""
        self.core.empty_market(symbol)
        self.market_data.flush_levels()
        self.core.change_steps(symbol, tick_e8, step_e8)

    def restart_ids(self, symbol: str) -> None:
        """The ids of trades begin again. Books have no ids."""
        self.core.trade_ids[symbol] = 0

    def start_maintenance(self) -> None:
        """Coinbase gives no notice. Requests and new connections are refused from then on."""
        self.faults.in_maintenance = True

    def end_maintenance(self) -> None:
        self.faults.in_maintenance = False

    async def disconnect_all(self) -> None:
        outboxes = [connection.outbox for connection in self.sockets.connections]
        await asyncio.gather(*(outbox.disconnect() for outbox in outboxes))

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
