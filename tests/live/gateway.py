"""A whole gateway, in a process of its own, with live orders at several fake exchanges."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple, Protocol

from floorwire.engine import venue_order_ids
from floorwire.storage.key_store import Issued
from tests.fake_exchange import binance, bybit, coinbase, kraken, okx
from tests.fake_exchange.faults import Faults
from tests.fake_exchange.flow import SeededFlow
from tests.fake_exchange.market import UNIT, Market
from tests.fake_exchange.matching import MatchingCore
from tests.fake_exchange.orders import Order
from tests.fake_exchange.serving import Face
from tests.fake_exchange.serving import running as serving_face
from tests.servers import Server
from tests.trading.trader import FREE, Message, Trader, serving

ACCOUNT = "first"
PRICE = 60_000
ORDER_PATHS = {"kraken": "/auth", "coinbase": "/user"}
OPEN = ("new", "partially_filled")
IN_DOUBT = ("submitting", "unknown")


class FakeExchange(Face, Protocol):
    """What is used of each face."""

    core: MatchingCore
    faults: Faults

    @property
    def http(self) -> str: ...

    async def disconnect_all(self) -> None: ...


class LiveVenue:
    """One fake exchange, and what trades there besides us."""

    def __init__(
        self, kind: str, fake: FakeExchange, access: Mapping[str, str], symbol: str, seed: int
    ) -> None:
        self.kind, self.fake, self.access, self.symbol = kind, fake, access, symbol
        self.core = fake.core
        base, quote = symbol.split("-")
        self.market: Market = next(
            one for one in self.core.markets.values() if (one.base, one.quote) == (base, quote)
        )
        for asset, amount in ((quote, 10_000_000), (base, 100)):
            self.core.deposit(ACCOUNT, asset, amount * UNIT)
        self.flow = SeededFlow(self.core, self.market.symbol, PRICE * UNIT // self.market.tick_e8, seed)
        self.flow.fill_book()

    def settings(self, folder: Path) -> Iterator[str]:
        """Return the venue's table of the settings file."""
        secret = folder / f"{self.kind}.secret"
        secret.write_text(self.access["secret"])
        secret.chmod(0o600)
        address = self.fake.http.replace("http", "ws", 1)
        yield f"[venues.{self.kind}]"
        yield f'kind = "{self.kind}"\norders = "live"\naccount = "alice"\nsymbols = ["{self.symbol}"]'
        yield f'key = "{self.access["key"]}"\nsecret_file = "{secret}"'
        yield f'rest_url = "{self.fake.http}"\nws_url = "{address}"'
        if self.kind in ORDER_PATHS:
            yield f'order_ws_url = "{address}{ORDER_PATHS[self.kind]}"'
        if "passphrase" in self.access:
            os.environ["FAKE_PASSPHRASE"] = self.access["passphrase"]
            yield 'passphrase_env = "FAKE_PASSPHRASE"'

    def our_orders(self) -> dict[int, list[Order]]:
        """Return the orders that we placed, by our order id."""
        found: dict[int, list[Order]] = {}
        for order in self.core.orders.values():
            ids = venue_order_ids.parsed(order.client_id)
            if order.account == ACCOUNT and ids is not None:
                found.setdefault(ids[1], []).append(order)
        return found


def venues(*kinds: str, seed: int = 1) -> list[LiveVenue]:
    """Make fake exchanges. They are served by ``exchanges``."""
    return [_venue(kind, seed) for kind in kinds]


def _venue(kind: str, seed: int) -> LiveVenue:
    if kind == "binance":
        at_binance = binance.FakeBinance(binance.default_markets())
        access = {"key": at_binance.first.api_key, "secret": at_binance.first.secret}
        return LiveVenue(kind, at_binance, access, "BTC-USDT", seed)
    if kind == "bybit":
        at_bybit = bybit.FakeBybit(bybit.default_markets())
        access = {"key": at_bybit.first.api_key, "secret": at_bybit.first.secret}
        return LiveVenue(kind, at_bybit, access, "BTC-USDT", seed)
    if kind == "okx":
        at_okx = okx.FakeOkx(okx.default_markets())
        first = at_okx.first
        access = {"key": first.api_key, "secret": first.secret, "passphrase": first.passphrase}
        return LiveVenue(kind, at_okx, access, "BTC-USDT", seed)
    if kind == "kraken":
        at_kraken = kraken.FakeKraken(kraken.default_markets())
        access = {"key": at_kraken.first.api_key, "secret": at_kraken.first.secret}
        return LiveVenue(kind, at_kraken, access, "BTC-USD", seed)
    at_coinbase = coinbase.FakeCoinbase(coinbase.default_markets())
    access = {"key": at_coinbase.first.key_name, "secret": at_coinbase.first.secret}
    return LiveVenue(kind, at_coinbase, access, "BTC-USD", seed)


@asynccontextmanager
async def exchanges(made: list[LiveVenue]) -> AsyncIterator[None]:
    """Serve all fake exchanges, in this process."""
    async with AsyncExitStack() as stack:
        for venue in made:
            await stack.enter_async_context(serving_face(venue.fake))
        yield


class Folder(NamedTuple):
    """A data folder with a key, and the settings of the venues."""

    data: Path
    config: Path
    issued: Issued


@contextmanager
def gateway(folder: Folder) -> Iterator[Server]:
    """Run ``floorwire serve --live`` over the folder."""
    with serving(folder.data, "--config", str(folder.config), "--live", *FREE) as server:
        yield server


def write_settings(made: list[LiveVenue], path: Path) -> None:
    """Write the settings file."""
    names = ", ".join(f'"{venue.kind}"' for venue in made)
    lines = [f"venue = [{names}]", "[live]", "enabled = true"]
    for venue in made:
        lines += venue.settings(path.parent)
    path.write_text("\n".join(lines) + "\n")


def name(venue: LiveVenue, made: list[LiveVenue]) -> str:
    """Return the symbol as clients write it: the first venue's has no id."""
    return venue.symbol if venue is made[0] else f"{venue.kind}:{venue.symbol}"


async def all_fills(client: Trader) -> list[Message]:
    """Return all fills of the account, from all pages."""
    rows: list[Message] = []
    before: dict[str, str] = {}
    while True:
        page = await client.rows("fills", limit=1000, **before)
        rows += page
        if len(page) < 1000:
            return rows
        before = {"before": str(page[-1]["fill_id"])}


async def differences(client: Trader, made: list[LiveVenue]) -> list[str]:
    """Return where the gateway and the exchanges do not say the same; nothing where all is well."""
    found: list[str] = []
    fills = await all_fills(client)
    balances = {str(row["asset"]): Decimal(str(row["total"])) for row in await client.rows("balances")}
    open_orders = {int(str(row["order_id"])): row for row in await client.rows("orders")}
    found += [f"order {n} is {row['state']}" for n, row in open_orders.items() if row["state"] in IN_DOUBT]
    for venue in made:
        ours, market = venue.our_orders(), venue.market
        prefix = "" if venue is made[0] else f"{venue.kind}:"
        booked: dict[int, Decimal] = {}
        for fill in fills:
            if fill["symbol"] == prefix + venue.symbol:
                order_id = int(str(fill["order_id"]))
                booked[order_id] = booked.get(order_id, Decimal(0)) + Decimal(str(fill["quantity"]))
        for order_id, placed in ours.items():
            if len(placed) > 1:
                found.append(f"{venue.kind}: order {order_id} was placed {len(placed)} times")
            there = Decimal(sum(order.filled_lots for order in placed) * market.step_e8) / UNIT
            row = await _order(client, order_id)
            filled = Decimal(str(row["filled_quantity"]))
            if not filled == there == booked.pop(order_id, Decimal(0)):
                found.append(f"{venue.kind}: order {order_id} filled {filled}, there {there}: {row}")
            if (row["state"] in OPEN) is not placed[0].state.is_open:
                found.append(f"{venue.kind}: order {order_id} is {row['state']}, there {placed[0].state}")
        found += [
            f"{venue.kind}: order {n} has {lots} in fills, and is not there" for n, lots in booked.items()
        ]
        for order_id, row in open_orders.items():
            if row["symbol"] == prefix + venue.symbol and order_id not in ours:
                found.append(f"{venue.kind}: order {order_id} is {row['state']}, and is not there")
        for asset in venue.symbol.split("-"):
            balance = venue.core.balance(ACCOUNT, asset)
            total = Decimal(balance.free_e8 + balance.locked_e8) / UNIT
            if balances.get(prefix + asset) != total:
                found.append(f"{venue.kind}: {balances.get(prefix + asset)} {asset}, there {total}")
    return found


async def _order(client: Trader, order_id: int) -> Message:
    reply = await client.ask("order.status", order_id=str(order_id))
    row = reply["order"]
    assert isinstance(row, dict), reply
    return row
