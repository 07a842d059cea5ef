"""Fake exchanges with one account of ours, and what differs between them for a test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from floorwire.core.instrument import Instrument
from floorwire.core.order_ports import MakesOrderAdapter
from floorwire.venues.binance.orders import BinanceOrders
from floorwire.venues.bybit.orders import BybitOrders
from tests.fake_exchange import binance, bybit
from tests.fake_exchange.faults import Faults
from tests.fake_exchange.market import UNIT
from tests.fake_exchange.matching import MatchingCore
from tests.fake_exchange.orders import Side
from tests.fake_exchange.serving import Face
from tests.fake_exchange.serving import running as serving
from tests.live.live_account import LiveAccount, running

ACCOUNT = "first"
OTHERS = "second"
SYMBOL = "BTCUSDT"


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

    def __str__(self) -> str:
        return self.instrument.venue


BINANCE = Kind(
    lambda skew_us: binance.FakeBinance(binance.default_markets(), skew_us=skew_us),
    BinanceOrders,
    Instrument("BTC-USDT", "BTC", "USDT", "binance", "0.01", "0.00001"),
    "order.place",
    '"x":"TRADE"',
)
BYBIT = Kind(
    lambda skew_us: bybit.FakeBybit(bybit.default_markets(), skew_us=skew_us),
    BybitOrders,
    Instrument("BTC-USDT", "BTC", "USDT", "bybit", "0.01", "0.000001"),
    "order.create",
    '"execId"',
)
KINDS = (BINANCE, BYBIT)


class Market:
    """The exchange, as its other participants see it."""

    def __init__(self, fake: Exchange) -> None:
        self.fake = fake
        self.core = fake.core
        self.faults = fake.faults

    def trade(self, side: Side, quantity: str, price: str) -> None:
        """Place an order of another participant."""
        market = self.core.markets[SYMBOL]
        lots, ticks = (
            round(float(text) * UNIT) // step
            for text, step in ((quantity, market.step_e8), (price, market.tick_e8))
        )
        self.core.place(OTHERS, SYMBOL, side, lots, ticks, "")

    def agrees(self, account: LiveAccount) -> bool:
        """Return whether both sides have the same balances."""
        theirs = {asset: self.core.balance(ACCOUNT, asset) for asset in ("BTC", "USDT")}
        return all(account.total(asset) == one.free_e8 + one.locked_e8 for asset, one in theirs.items())

    def placed(self) -> int:
        """Return how many orders of ours the exchange has had."""
        return sum(order.account == ACCOUNT for order in self.core.orders.values())


@asynccontextmanager
async def at(kind: Kind, *, skew_us: int = 0) -> AsyncIterator[tuple[LiveAccount, Market]]:
    """Run a fake exchange, and an account of ours at it."""
    fake = kind.make_fake(skew_us)
    for name in (ACCOUNT, OTHERS):
        fake.core.deposit(name, "USDT", 100_000 * UNIT)
        fake.core.deposit(name, "BTC", 10 * UNIT)
    async with serving(fake):
        account = LiveAccount(kind.make_adapter, kind.instrument, SYMBOL, *_access(fake))
        async with running(account):
            yield account, Market(fake)


def _access(fake: Exchange) -> tuple[tuple[str, str], tuple[str, str]]:
    """Return the addresses of WebSockets and of requests, and the key with its secret."""
    assert isinstance(fake, binance.FakeBinance | bybit.FakeBybit)
    places = (f"ws://127.0.0.1:{fake.port}", fake.http)
    return places, (fake.first.api_key, fake.first.secret)


async def settled(account: LiveAccount, market: Market) -> None:
    """Wait until both sides agree, and nothing is left to find out."""

    def is_settled() -> bool:
        states = [order.state for order in account.accounts.orders.values()]
        return not {"submitting", "unknown"} & set(states) and market.agrees(account)

    await account.until(is_settled, 30)
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
