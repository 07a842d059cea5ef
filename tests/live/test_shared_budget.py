"""Prices and orders at one exchange share the budget of the address: the fake counts, and refuses nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from floorwire.core.credentials import Secret, VenueCredentials
from floorwire.core.market_events import BookSnapshot
from floorwire.core.order_ports import OrderAdapterInput, OrderAdapterOutput, OrderSettings
from floorwire.core.ports import Venue
from floorwire.core.remote_order_messages import LinkUp, OrderAnswer, PlaceAnswer, PlaceOrder, QueryOrder
from floorwire.venues.binance import limits, market_data
from floorwire.venues.binance.orders import BinanceOrders
from floorwire.venues.common.rate_limits import REST, RateLimits
from tests.fake_exchange.binance import FakeBinance
from tests.fake_exchange.market import UNIT, Market
from tests.fake_exchange.matching import MatchingCore
from tests.fake_exchange.orders import Side
from tests.fake_exchange.serving import running
from tests.live.adapter_run import run
from tests.venues.order_driver import FixedRandom, Names

pytestmark = pytest.mark.slow
SYMBOLS = 80
"""Their books weigh more than the address may use at once."""
QUERIES = 450
PLACES = 15
SECONDS = 8
NAMES = [f"A{number}" for number in range(SYMBOLS)]


class Prices:
    """A venue's prices, run as an order adapter is run."""

    policy = BinanceOrders.policy

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self.books = 0

    def start(self, now_us: int, date_us: int) -> Sequence[OrderAdapterOutput]:
        return self._effects(self._venue.start(now_us))

    def prepare(self, command: PlaceOrder, now_us: int, date_us: int) -> None:
        """No order is placed."""

    def command(self, command: object, now_us: int, date_us: int) -> Sequence[OrderAdapterOutput]:
        return []

    def receive(self, happened: OrderAdapterInput, now_us: int, date_us: int) -> Sequence[OrderAdapterOutput]:
        return self._effects(self._venue.receive(happened, now_us))

    def _effects(self, outputs: Sequence[object]) -> list[OrderAdapterOutput]:
        self.books += sum(isinstance(output, BookSnapshot) for output in outputs)
        return [output for output in outputs if type(output).__name__ in EFFECTS]  # type: ignore[misc]


EFFECTS = ("Open", "Send", "Close", "Fetch", "Wake")


def order(number: int) -> PlaceOrder:
    name = f"fw00000000{number:02}"
    return PlaceOrder(
        name, number, "A0-USDT", "buy", "limit", "gtc", "1", None, "50", "50", None, False, False, None
    )


def change_books(core: MatchingCore, number: int) -> None:
    """A book is asked for when its first change has come."""
    for name in NAMES:
        core.place("second", f"{name}USDT", Side.BUY, 100, 1_000 + number, "")


async def test_prices_and_orders_keep_the_weight_of_the_address() -> None:
    markets = [Market(name, "USDT", tick_e8=UNIT // 100, step_e8=UNIT // 100) for name in NAMES]
    fake = FakeBinance(markets)
    # What this address uses of a minute in so few seconds: a test need not take the whole minute.
    allowance = limits.ALLOWANCES[REST]
    fake.limits.weight.limit = allowance.capacity + SECONDS * 1_000_000 // allowance.interval_us
    for account in ("first", "second"):
        fake.core.deposit(account, "USDT", 1_000_000 * UNIT)
    async with running(fake):
        addresses = f"ws://127.0.0.1:{fake.port}", f"http://127.0.0.1:{fake.port}"
        shared = RateLimits(limits.ALLOWANCES)
        credentials = VenueCredentials(fake.first.api_key, Secret(fake.first.secret))
        names = Names({"A0-USDT": "A0USDT"})
        adapter = BinanceOrders(OrderSettings("here", *addresses, credentials, shared), names, FixedRandom())
        prices = Prices(market_data.venue([f"{name}-USDT" for name in NAMES], limits=shared))
        async with run(adapter) as orders, asyncio.timeout(60):
            await orders.report(LinkUp)
            orders.command(order(0))
            assert (await orders.report(PlaceAnswer)).outcome == "accepted"
            for number in range(QUERIES):
                orders.command(QueryOrder(number, "fw0000000000", "", "A0-USDT"))
            async with run(prices, addresses):
                ends = asyncio.get_running_loop().time() + SECONDS - 2
                for number in range(1, PLACES):
                    change_books(fake.core, number)
                    orders.command(order(number))
                    assert (await orders.report(PlaceAnswer)).outcome == "accepted"
                    await asyncio.sleep(0.3)
                await asyncio.sleep(max(0.0, ends - asyncio.get_running_loop().time()))
    answered = sum(isinstance(report, OrderAnswer) for report in orders.reports)
    assert not {429, 418} & set(fake.counts.refusals), fake.counts.refusals
    assert fake.limits.weight.used <= fake.limits.weight.limit
    assert answered > QUERIES // 2
    assert prices.books > 0
