"""The faces of the fake exchange, with what differs between them for Floorwire; and one of them that runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Protocol

from floorwire.core.order_ports import MakesOrderAdapter
from floorwire.core.remote_order_messages import ClientIdForm
from floorwire.engine import venue_order_ids
from floorwire.venues.binance.orders import BinanceOrders
from floorwire.venues.bybit import orders as bybit_orders
from floorwire.venues.coinbase import orders as coinbase_orders
from floorwire.venues.kraken import orders as kraken_orders
from floorwire.venues.okx import orders as okx_orders
from tests.fake_exchange import binance, bybit, coinbase, kraken, okx
from tests.fake_exchange.exchange import FakeExchange
from tests.fake_exchange.flow import SeededFlow
from tests.fake_exchange.market import UNIT, Market
from tests.fake_exchange.orders import Fill, Order, Side
from tests.fake_exchange.serving import running
from tests.skipping_loop import SkippingLoop

OURS, OTHERS = "first", "second"
QUOTE, BASE = 1_000_000, 100
"""How much of each asset both have."""
PRICE = 60_000
"""Where others trade."""
BID, ASK = 49_000, 51_000
"""Where others stand who do not trade, far from each other."""
PASSPHRASE = "FAKE_PASSPHRASE"
"""The variable that has the passphrase, in the settings of a server."""


class MakesFake(Protocol):
    """The class of a fake exchange."""

    def __call__(self, markets: list[Market], *, skew_us: int = 0) -> FakeExchange: ...


@dataclass(frozen=True)
class Face:
    """One kind of exchange."""

    kind: str
    make: MakesFake
    default_markets: Callable[[], list[Market]]
    make_adapter: MakesOrderAdapter
    client_ids: ClientIdForm
    quote: str
    steps: tuple[str, str]
    """Tick and lot of the first market, as the exchange tells them."""
    between: str
    """What stands between base and quote in the exchange's own name of a market."""
    place_path: str
    """A part of the path of a request to place, for faults."""
    fill_frame: str
    """What is in a frame that reports a fill."""
    private_path: str = ""
    """The path of the private WebSocket, before that of the exchange."""
    has_stops: bool = False
    """Whether the face takes stop-limit orders."""
    tells_fills: bool = True
    """Whether its private stream has each execution. Otherwise it has the sums of an order."""

    @property
    def symbol(self) -> str:
        """The symbol that is traded."""
        return f"BTC-{self.quote}"

    @property
    def native(self) -> str:
        """The exchange's own name of it."""
        return f"BTC{self.between}{self.quote}"

    def client_id(self, order_id: int) -> str:
        """Return the id that the exchange gets."""
        return venue_order_ids.client_id(self.client_ids, "0000000a", order_id)

    def __str__(self) -> str:
        return self.kind


BINANCE = Face(
    "binance", binance.FakeBinance, binance.default_markets, BinanceOrders, "text", "USDT",
    ("0.01", "0.00001"), "", "order.place", '"x":"TRADE"', has_stops=True,
)  # fmt: skip
BYBIT = Face(
    "bybit", bybit.FakeBybit, bybit.default_markets, bybit_orders.order_adapter, "text", "USDT",
    ("0.01", "0.000001"), "", "order.create", '"execId"',
)  # fmt: skip
COINBASE = Face(
    "coinbase", coinbase.FakeCoinbase, coinbase.default_markets, coinbase_orders.order_adapter, "uuid", "USD",
    ("0.01", "0.000001"), "-", "/orders", "cumulative_quantity", "/user", has_stops=True,
    tells_fills=False,
)  # fmt: skip
KRAKEN = Face(
    "kraken", kraken.FakeKraken, kraken.default_markets, kraken_orders.order_adapter, "hex", "USD",
    ("0.1", "0.0000001"), "/", "add_order", "last_qty", "/auth", has_stops=True,
)  # fmt: skip
OKX = Face(
    "okx", okx.FakeOkx, okx.default_markets, okx_orders.order_adapter, "text", "USDT", ("0.1", "0.0000001"),
    "-", "/ws/order", "partially_filled",
)  # fmt: skip
FACES = (BINANCE, BYBIT, COINBASE, KRAKEN, OKX)


class FakeMarket:
    """A fake exchange, as its other participants see it, and what it has of our account."""

    def __init__(self, face: Face, *, skew_us: int = 0, quote: int = QUOTE, base: int = BASE) -> None:
        """``quote``, ``base``: what we have of each asset."""
        self.face = face
        self.fake = face.make(face.default_markets(), skew_us=skew_us)
        self.core, self.faults = self.fake.core, self.fake.faults
        self.market = self.core.markets[f"BTC{face.quote}"]
        for account, money, coins in ((OURS, quote, base), (OTHERS, QUOTE, BASE)):
            self.core.deposit(account, face.quote, money * UNIT)
            self.core.deposit(account, "BTC", coins * UNIT)

    # --- others --------------------------------------------------------------------------------------

    def trade(self, side: Side, quantity: str | Decimal, price: str | int | Decimal) -> None:
        """Place an order of another participant."""
        lots = int(Decimal(quantity) * UNIT) // self.market.step_e8
        ticks = int(Decimal(price) * UNIT) // self.market.tick_e8
        self.core.place(OTHERS, self.market.symbol, side, lots, ticks, "")

    def make_prices(self) -> None:
        """Let others stand on both sides."""
        self.trade(Side.BUY, "1", BID)
        self.trade(Side.SELL, "1", ASK)

    def flow(self, seed: int = 1) -> SeededFlow:
        """Return participants who trade around PRICE, with a book."""
        flow = SeededFlow(self.core, self.market.symbol, PRICE * UNIT // self.market.tick_e8, seed)
        flow.fill_book()
        return flow

    # --- our account ---------------------------------------------------------------------------------

    def orders(self) -> list[Order]:
        """Return all orders of ours that the exchange ever had."""
        return [order for order in self.core.orders.values() if order.account == OURS]

    def orders_by_id(self) -> dict[int, list[Order]]:
        """Return these by our order id: one each."""
        found: dict[int, list[Order]] = {}
        for order in self.orders():
            ids = venue_order_ids.parsed(order.client_id)
            assert ids is not None, order
            found.setdefault(ids[1], []).append(order)
        return found

    def fills(self) -> list[Fill]:
        """Return the fills of these orders."""
        return [fill for fill in self.core.fills if fill.account == OURS]

    def filled(self, order: Order) -> Decimal:
        """Return how much of an order is filled."""
        return Decimal(order.filled_lots * order.market.step_e8) / UNIT

    def totals(self) -> dict[str, Decimal]:
        """Return what we have there."""
        balances = self.core.balances(OURS).items()
        totals = {asset: Decimal(one.free_e8 + one.locked_e8) / UNIT for asset, one in balances}
        return {asset: total for asset, total in totals.items() if total}

    # --- a server ------------------------------------------------------------------------------------

    @property
    def addresses(self) -> tuple[str, str]:
        """The address of orders: of WebSockets, and of requests."""
        return f"ws://127.0.0.1:{self.fake.port}{self.face.private_path}", self.fake.http

    def table(self, venue: str, secret: Path) -> list[str]:
        """Return the settings of a venue with live orders of alice. Its secret is written to a file."""
        key, text, passphrase = self.fake.credentials()
        secret.write_text(text)
        secret.chmod(0o600)
        ws_url, rest_url = self.addresses
        return [
            f"[venues.{venue}]",
            f'kind = "{self.face.kind}"',
            f'ws_url = "ws://127.0.0.1:{self.fake.port}"\nrest_url = "{rest_url}"',
            f'order_ws_url = "{ws_url}"',
            f'symbols = ["{self.face.symbol}"]',
            f'orders = "live"\naccount = "alice"\nkey = "{key}"\nsecret_file = "{secret}"',
            *([f'passphrase_env = "{PASSPHRASE}"'] if passphrase else []),
        ]


def write_settings(folder: Path, markets: Iterable[FakeMarket], *more: str) -> Path:
    """Write the settings of a server with these venues, by their kinds; return their file.

    ``more``: lines of the last venue.
    """
    made = list(markets)
    names = ", ".join(f'"{market.face.kind}"' for market in made)
    lines = [f"venue = [{names}]", "[live]", "enabled = true", "[risk]", "price_collar = 0.2"]
    for market in made:
        lines += market.table(market.face.kind, folder / f"{market.face.kind}.secret")
    file = folder / "floorwire.toml"
    file.write_text("\n".join([*lines, *more, ""]))
    return file


def environment(markets: Iterable[FakeMarket]) -> dict[str, str]:
    """Return the variables that these settings name. At most one of the exchanges has a passphrase."""
    passphrases = [market.fake.credentials()[2] for market in markets]
    return {PASSPHRASE: "".join(passphrases)}


def follow_loop(fake: FakeExchange) -> None:
    """Let the exchange's clock follow the time of the loop that runs, if that skips what is waited for."""
    loop = asyncio.get_running_loop()
    if isinstance(loop, SkippingLoop):
        fake.date_ns = loop.date_ns


@asynccontextmanager
async def served(
    face: Face, *, skew_us: int = 0, quote: int = QUOTE, base: int = BASE
) -> AsyncIterator[FakeMarket]:
    """Run the fake exchange until the body ends. Its book is empty."""
    market = FakeMarket(face, skew_us=skew_us, quote=quote, base=base)
    follow_loop(market.fake)
    async with running(market.fake):
        yield market


@asynccontextmanager
async def trading(face: Face, *, quote: int = QUOTE, base: int = BASE) -> AsyncIterator[FakeMarket]:
    """Run the fake exchange, where others trade around PRICE."""
    async with served(face, quote=quote, base=base) as market:
        flow = market.flow()

        async def trade() -> None:
            while True:
                await asyncio.sleep(0.03)
                flow.step()

        task = asyncio.create_task(trade())
        try:
            yield market
        finally:
            task.cancel()
