"""Fake exchanges for a whole gateway: the settings of a venue with live orders, and its other side."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal

from tests.fake_exchange import binance, bybit, coinbase, kraken, okx
from tests.fake_exchange.faults import Faults
from tests.fake_exchange.market import UNIT
from tests.fake_exchange.matching import MatchingCore
from tests.fake_exchange.orders import Order, Side
from tests.fake_exchange.serving import running

OURS, OTHERS = "first", "second"
MONEY = 1_000_000
BID, ASK = 49_000, 51_000
"""Where others stand, far from each other."""


@dataclass(frozen=True)
class Face:
    """One kind of exchange."""

    kind: str
    make: Callable[
        [], binance.FakeBinance | bybit.FakeBybit | coinbase.FakeCoinbase | kraken.FakeKraken | okx.FakeOkx
    ]
    quote: str
    place: str
    """A part of the path of a request to place, for faults. "": it is that of other requests too."""

    @property
    def symbol(self) -> str:
        """The symbol that is traded."""
        return f"BTC-{self.quote}"

    def __str__(self) -> str:
        return self.kind


FACES = (
    Face("binance", lambda: binance.FakeBinance(binance.default_markets()), "USDT", "order.place"),
    Face("bybit", lambda: bybit.FakeBybit(bybit.default_markets()), "USDT", "order.create"),
    Face("coinbase", lambda: coinbase.FakeCoinbase(coinbase.default_markets()), "USD", ""),
    Face("kraken", lambda: kraken.FakeKraken(kraken.default_markets()), "USD", "add_order"),
    Face("okx", lambda: okx.FakeOkx(okx.default_markets()), "USDT", "/ws/order"),
)


class FakeMarket:
    """A fake exchange that runs, as its other participants see it."""

    core: MatchingCore
    faults: Faults

    def __init__(self, face: Face) -> None:
        self.face = face
        self.fake = face.make()
        self.core, self.faults = self.fake.core, self.fake.faults
        self.market = next(
            one for one in self.core.markets.values() if (one.base, one.quote) == ("BTC", face.quote)
        )
        for name in (OURS, OTHERS):
            self.core.deposit(name, face.quote, MONEY * UNIT)
            self.core.deposit(name, "BTC", 100 * UNIT)

    def trade(self, side: Side, quantity: str, price: int) -> None:
        """Place an order of another participant."""
        lots = round(Decimal(quantity) * UNIT) // self.market.step_e8
        self.core.place(OTHERS, self.market.symbol, side, lots, price * UNIT // self.market.tick_e8, "")

    def make_prices(self) -> None:
        """Let others stand on both sides."""
        self.trade(Side.BUY, "1", BID)
        self.trade(Side.SELL, "1", ASK)

    def orders(self) -> list[Order]:
        """Return all orders of ours that the exchange ever had."""
        return [order for order in self.core.orders.values() if order.account == OURS]

    def totals(self) -> dict[str, Decimal]:
        """Return what we have there."""
        return {
            asset: Decimal(one.free_e8 + one.locked_e8) / UNIT
            for asset, one in self.core.balances(OURS).items()
        }

    def credentials(self) -> tuple[str, str, str]:
        """Return our key, its secret and the passphrase."""
        first = self.fake.first
        key = getattr(first, "api_key", "") or getattr(first, "key_name", "")
        return key, first.secret, getattr(first, "passphrase", "")

    def settings(self, venue: str = "real") -> list[str]:
        """Return the settings of a venue with live orders of alice, as arguments of ``serve``."""
        port, kind = self.fake.port, self.face.kind
        own = {
            "kind": kind,
            "ws_url": f"ws://127.0.0.1:{port}",
            "rest_url": f"http://127.0.0.1:{port}",
            "symbols": self.face.symbol,
            "orders": "live",
            "account": "alice",
            "key": self.credentials()[0],
            "secret_env": "REAL_SECRET",
            **({"passphrase_env": "REAL_PASSPHRASE"} if self.credentials()[2] else {}),
        }
        if kind == "kraken":
            own["order_ws_url"] = f"ws://127.0.0.1:{port}/auth"
        named = [f"--set=venues.{venue}.{name}={text}" for name, text in own.items()]
        return ["--set=live.enabled=true", *named]

    def environment(self) -> dict[str, str]:
        """Return the variables that have the secrets."""
        _, secret, passphrase = self.credentials()
        return {"REAL_SECRET": secret, "REAL_PASSPHRASE": passphrase}


@asynccontextmanager
async def served(face: Face) -> AsyncIterator[FakeMarket]:
    """Run the fake exchange, with prices, until the body ends."""
    market = FakeMarket(face)
    async with running(market.fake):
        market.make_prices()
        yield market


async def until(is_true: Callable[[], bool], what: Callable[[], object], most_s: float = 20.0) -> None:
    """Wait until it is so."""
    for _ in range(int(most_s / 0.01)):
        if is_true():
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"never: {what()}")
