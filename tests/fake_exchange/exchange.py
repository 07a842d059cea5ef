"""What the fake exchange of every face has: a core, counts, faults, and what a test does to it."""

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Protocol

from starlette.types import Receive, Scope, Send

from tests.fake_exchange.faults import Faults
from tests.fake_exchange.limits import Counts
from tests.fake_exchange.market import Market
from tests.fake_exchange.matching import MatchingCore
from tests.fake_exchange.outbox import Outbox
from tests.fake_exchange.past import PAST_MINUTES, past_trades


class Queries(Protocol):
    """What REST answers of orders, fills and balances."""

    def freeze(self) -> None:
        """From now on answer with the state of this moment: REST lags the stream."""

    def thaw(self) -> None: ...


class FakeExchange:
    """Tests read `core` and `counts`, and make faults with `faults` and the methods here."""

    port = 0
    """The port at 127.0.0.1, once it is served."""
    queries: Queries
    date_ns: Callable[[], int] = staticmethod(time.time_ns)
    """Where tests let time pass faster, another one."""

    def __init__(self, markets: list[Market], skew_us: int, *, fees_in_quote: bool = False) -> None:
        """`skew_us`: how far the exchange's clock is ahead. It may change."""
        self.skew_us = skew_us
        self.core = MatchingCore(markets, self.now_us, fees_in_quote=fees_in_quote)
        self.counts = Counts()
        self.faults = Faults()

    def credentials(self, account: int = 0) -> tuple[str, str, str]:
        """The key of an account, its secret, and its passphrase, which most faces do not have."""
        raise NotImplementedError

    def description(self) -> list[str]:
        """Addresses, accounts and keys, a line each."""
        raise NotImplementedError

    @property
    def http(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def now_us(self) -> int:
        return self.date_ns() // 1_000 + self.skew_us

    def make_past(
        self, symbol: str, last_price_ticks: int, *, minutes: int = PAST_MINUTES, seed: int = 1
    ) -> None:
        """Give a market trades from before now, up to this price: before its first trade."""
        trades = past_trades(
            self.core.markets[symbol], last_price_ticks, self.now_us(), minutes=minutes, seed=seed
        )
        self.core.add_past(trades)

    def delist(self, symbol: str) -> None:
        """The market closes for good: its orders are cancelled, and new ones are refused."""
        self.core.empty_market(symbol)
        self.core.close_market(symbol)

    def unlist(self, symbol: str) -> None:
        """A market that was delisted leaves the lists. From then on its name is unknown."""
        self.core.empty_market(symbol)
        self.send_changes(symbol)
        self.core.markets[symbol].is_listed = False

    def relist(self, symbol: str) -> None:
        """A market that was delisted opens again, with its old name."""
        self.core.open_market(symbol)

    def change_steps(self, symbol: str, tick_e8: int, step_e8: int) -> None:
        """Change a market's steps. Its open orders are cancelled first: they are kept in the old steps."""
        self.core.empty_market(symbol)
        self.send_changes(symbol)
        self.core.change_steps(symbol, tick_e8, step_e8)

    def send_changes(self, symbol: str) -> None:
        """Send the changes of a book that wait for the next turn."""

    def restart_ids(self, symbol: str) -> None:
        """The ids of trades begin again. Faces whose books have ids begin these again."""
        self.core.trade_ids[symbol] = 0

    def start_maintenance(self) -> None:
        """Announce it where the exchange does so, and refuse everything from then on."""
        self.faults.in_maintenance = True

    def end_maintenance(self) -> None:
        self.faults.in_maintenance = False

    async def disconnect_all(self) -> None:
        """End every WebSocket, with no warning."""
        await asyncio.gather(*(outbox.disconnect() for outbox in list(self.outboxes())))

    def outboxes(self) -> Iterable[Outbox]:
        """What each WebSocket still has to send."""
        raise NotImplementedError

    async def run(self) -> None:
        """Do until it is cancelled what the exchange does by itself, such as sending books every 100 ms."""
        raise NotImplementedError

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        raise NotImplementedError
