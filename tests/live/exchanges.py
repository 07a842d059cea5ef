"""Fake exchanges with one account of ours, and what differs between them for a test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol

from floorwire.core.instrument import Instrument
from floorwire.core.order_ports import MakesOrderAdapter
from floorwire.venues.binance.orders import BinanceOrders
from floorwire.venues.bybit import orders as bybit_orders
from floorwire.venues.coinbase import orders as coinbase_orders
from floorwire.venues.kraken import orders as kraken_orders
from floorwire.venues.okx import orders as okx_orders
from tests.fake_exchange import binance, bybit, coinbase, kraken, okx
from tests.fake_exchange.faults import Faults
from tests.fake_exchange.market import UNIT
from tests.fake_exchange.matching import MatchingCore
from tests.fake_exchange.orders import Side
from tests.fake_exchange.serving import Face
from tests.fake_exchange.serving import running as serving
from tests.live.live_account import LiveAccount, running

ACCOUNT = "first"
OTHERS = "second"


class Exchange(Face, Protocol):
    """What tests use of each face."""

    core: MatchingCore
    faults: Faults

    async def disconnect_all(self) -> None: ...


@dataclass(frozen=True)
class Kind:
    """One kind of exchange."""

    make_fake: Callable[[int], Exchange]
    """Its argument: how far the exchange's clock is ahead."""
    make_adapter: MakesOrderAdapter
    instrument: Instrument
    place: str
    """A part of the path of a request to place, for faults."""
    fill: str
    """What is in a frame that reports a fill."""
    native: str = "BTCUSDT"
    """The exchange's own name of the instrument."""
    private: str = ""
    """The path of the private WebSocket, before that of the exchange."""
    policy: Mapping[str, int] = field(default_factory=dict)
    """How often is asked, where the exchange allows little."""

    patience_s: float = 30.0

    @property
    def symbol(self) -> str:
        """The instrument, as the core of the fake exchange names it."""
        return f"{self.instrument.base}{self.instrument.quote}"

    def __str__(self) -> str:
        return self.instrument.venue


SECOND = 1_000_000
SLOW = {"answer_us": 30 * SECOND, "query_us": 3 * SECOND, "fills_us": SECOND, "reconcile_us": 60 * SECOND}
"""For exchanges that allow a request each two or three seconds."""
BINANCE = Kind(
    lambda skew_us: binance.FakeBinance(binance.default_markets(), skew_us=skew_us),
    BinanceOrders,
    Instrument("BTC-USDT", "BTC", "USDT", "binance", "0.01", "0.00001"),
    "order.place",
    '"x":"TRADE"',
)
BYBIT = Kind(
    lambda skew_us: bybit.FakeBybit(bybit.default_markets(), skew_us=skew_us),
    bybit_orders.order_adapter,
    Instrument("BTC-USDT", "BTC", "USDT", "bybit", "0.01", "0.000001"),
    "order.create",
    '"execId"',
)
OKX = Kind(
    lambda skew_us: okx.FakeOkx(okx.default_markets(), skew_us=skew_us),
    okx_orders.order_adapter,
    Instrument("BTC-USDT", "BTC", "USDT", "okx", "0.1", "0.0000001"),
    "/ws/order",
    "partially_filled",
    "BTC-USDT",
)
KRAKEN = Kind(
    lambda skew_us: kraken.FakeKraken(kraken.default_markets(), skew_us=skew_us),
    kraken_orders.order_adapter,
    Instrument("BTC-USD", "BTC", "USD", "kraken", "0.1", "0.0000001"),
    "add_order",
    "last_qty",
    "BTC/USD",
    "/auth",
    SLOW,
    90.0,
)
COINBASE = Kind(
    lambda skew_us: coinbase.FakeCoinbase(coinbase.default_markets(), skew_us=skew_us),
    coinbase_orders.order_adapter,
    Instrument("BTC-USD", "BTC", "USD", "coinbase", "0.01", "0.000001"),
    "/orders",
    "cumulative_quantity",
    "BTC-USD",
    "/user",
    SLOW,
)
KINDS = (BINANCE, BYBIT, OKX, KRAKEN, COINBASE)


class Market:
    """The exchange, as its other participants see it."""

    def __init__(self, fake: Exchange, kind: Kind) -> None:
        self.fake = fake
        self._kind = kind
        self.core = fake.core
        self.faults = fake.faults

    def trade(self, side: Side, quantity: str, price: str) -> None:
        """Place an order of another participant."""
        market = self.core.markets[self._kind.symbol]
        lots, ticks = (
            round(float(text) * UNIT) // step
            for text, step in ((quantity, market.step_e8), (price, market.tick_e8))
        )
        self.core.place(OTHERS, self._kind.symbol, side, lots, ticks, "")

    @property
    def assets(self) -> tuple[str, str]:
        """Base and quote."""
        return self._kind.instrument.base, self._kind.instrument.quote

    def agrees(self, account: LiveAccount) -> bool:
        """Return whether both sides have the same balances."""
        theirs = {asset: self.core.balance(ACCOUNT, asset) for asset in self.assets}
        return all(account.total(asset) == one.free_e8 + one.locked_e8 for asset, one in theirs.items())

    def placed(self) -> int:
        """Return how many orders of ours the exchange has had."""
        return sum(order.account == ACCOUNT for order in self.core.orders.values())


@asynccontextmanager
async def at(kind: Kind, *, skew_us: int = 0) -> AsyncIterator[tuple[LiveAccount, Market]]:
    """Run a fake exchange, and an account of ours at it."""
    fake = kind.make_fake(skew_us)
    for name in (ACCOUNT, OTHERS):
        fake.core.deposit(name, kind.instrument.quote, 100_000 * UNIT)
        fake.core.deposit(name, "BTC", 10 * UNIT)
    async with serving(fake):
        places = f"ws://127.0.0.1:{fake.port}{kind.private}", f"http://127.0.0.1:{fake.port}"
        account = LiveAccount(
            kind.make_adapter, kind.instrument, kind.native, places, _key(fake), kind.policy, kind.patience_s
        )
        async with running(account):
            yield account, Market(fake, kind)


def _key(fake: Exchange) -> tuple[str, str, str]:
    """Return the key of our account, its secret and its passphrase."""
    if isinstance(fake, coinbase.FakeCoinbase):
        return fake.first.key_name, fake.first.secret, ""
    if isinstance(fake, okx.FakeOkx):
        return fake.first.api_key, fake.first.secret, fake.first.passphrase
    assert isinstance(fake, binance.FakeBinance | bybit.FakeBybit | kraken.FakeKraken)
    return fake.first.api_key, fake.first.secret, ""


async def settled(account: LiveAccount, market: Market) -> None:
    """Wait until both sides agree, and nothing is left to find out."""

    def is_settled() -> bool:
        states = [order.state for order in account.accounts.orders.values()]
        return not {"submitting", "unknown"} & set(states) and market.agrees(account)

    await account.until(is_settled)
    await asyncio.sleep(0)
    for order in account.accounts.orders.values():
        remote = account.accounts.remote.index.orders[order.order_id]
        names = (remote.client_id, remote.venue_order_id)
        theirs = [
            one
            for one in market.core.orders.values()
            if one.account == ACCOUNT and (one.client_id in names or str(one.order_id) in names)
        ]
        assert len(theirs) <= 1, "an order was placed twice"
        assert theirs or (order.state == "rejected" and not order.filled_lots), order
        for one in theirs:
            assert account.filled(order.order_id) * UNIT == one.filled_lots * one.market.step_e8, (one, order)
            assert one.state.is_open == order.is_open, (one, order)
    assert not account.accounts.remote.quarantine
