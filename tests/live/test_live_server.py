"""A whole server with live orders at the fake exchange: a client's orders, and a process that is killed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from tests.fake_exchange.market import UNIT
from tests.fake_exchange.orders import Order, Side
from tests.live.places import PLACES, Fake, Place, passphrase, settings, trading
from tests.servers import Server, running

pytestmark = pytest.mark.slow
NOT_YET = ("unknown_symbol", "stale_market", "venue_unavailable")
"""Why an order is refused before prices and account are known."""
ROUNDS = 3
OVER = ("cancelled", "filled", "rejected")


class Client:
    """A client of the server, over HTTP."""

    def __init__(self, server: Server, key: str, symbol: str) -> None:
        self._server, self._key, self._symbol = server, key, symbol

    async def ask(self, method: str, path: str, body: object = None) -> dict[str, object]:
        return await asyncio.to_thread(self._ask, method, path, body)

    def _ask(self, method: str, path: str, body: object) -> dict[str, object]:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        request = urllib.request.Request(self._server.http(f"/api/v1{path}"), data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                found: dict[str, object] = json.load(answer)
        except urllib.error.HTTPError as error:
            found = json.load(error)
        return found

    async def place(self, name: str, side: str, quantity: str, price: str, **more: object) -> str:
        """Place an order as soon as the account is reconciled; return its id.

        After a start that takes until no order is unknown: some 15 s where one was on its way.
        """
        order = {"client_order_id": name, "symbol": self._symbol, "side": side, "quantity": quantity}
        for _ in range(400):
            reply = await self.ask("POST", "/orders", {**order, "price": price, **more})
            if reply["status"] != "error":
                return str(reply["order_id"])
            assert reply["code"] in NOT_YET, reply
            await asyncio.sleep(0.1)
        raise AssertionError(f"no order is taken: {reply}\n{self._server.log}")

    async def until(self, order_id: str, is_so: Callable[[dict[str, object]], bool]) -> dict[str, object]:
        for _ in range(300):
            reply = await self.ask("GET", f"/orders/{order_id}")
            order = reply["order"]
            assert isinstance(order, dict)
            if is_so(order):
                return order
            await asyncio.sleep(0.1)
        raise AssertionError(f"never: {order}\n{self._server.log}")

    async def balances(self) -> dict[str, Decimal]:
        reply = await self.ask("GET", "/balances")
        rows = reply["balances"]
        assert isinstance(rows, list)
        totals = {row["asset"]: Decimal(row["total"]) for row in rows}
        return {asset: total for asset, total in totals.items() if total}


def ours(fake: Fake) -> list[Order]:
    return [one for one in fake.core.orders.values() if one.account == "first"]


def theirs(fake: Fake) -> dict[str, Decimal]:
    held = fake.core.balances("first")
    totals = {asset: Decimal(one.free_e8 + one.locked_e8) / UNIT for asset, one in held.items()}
    return {asset: total for asset, total in totals.items() if total}


def new_key(folder: Path) -> str:
    """Make a key of ours. Return it with its secret."""
    command = [sys.executable, "-m", "floorwire", "keys", "create", "--account", "ann", "--json"]
    scopes = ["--scopes", "market,account,trade", "--data", str(folder / "data")]
    made = json.loads(subprocess.run([*command, *scopes], check=True, capture_output=True).stdout)
    return f"{made['key']}.{made['secret']}"


@contextmanager
def server(folder: Path, fake: Fake) -> Iterator[Server]:
    config = ["--config", str(folder / "floorwire.toml"), "--data", str(folder / "data")]
    command = [sys.executable, "-m", "floorwire", "serve", "--live", "--port", "0", *config]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_PROXY", "127.0.0.1")
        patch.setenv("PASSPHRASE", passphrase(fake))
        with running(command) as started:
            yield started


async def agree(client: Client, fake: Fake) -> None:
    """Wait until both sides have the same balances."""
    for _ in range(300):
        if await client.balances() == theirs(fake):
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"{await client.balances()} is not {theirs(fake)}")


@pytest.mark.parametrize("place", PLACES, ids=str)
async def test_orders_of_a_client_and_a_killed_process(place: Place, tmp_path: Path) -> None:
    async with trading(place) as fake:
        settings(tmp_path, place, fake)
        key, market = new_key(tmp_path), next(iter(fake.core.markets.values()))
        with server(tmp_path, fake) as first:
            client = Client(first, key, place.symbol)
            resting = await client.place("a", "buy", "0.5", "55000.00")
            await client.until(resting, lambda order: order["state"] == "new")
            assert [one.filled_lots for one in ours(fake)] == [0]
            taking = await client.place("b", "buy", "0.001", "66000.00", time_in_force="ioc")
            filled = await client.until(taking, lambda order: order["state"] == "filled")
            assert Decimal(str(filled["filled_quantity"])) == Decimal("0.001")
            await agree(client, fake)
            await client.place("c", "buy", "0.1", "54000.00")
            os.kill(first.process.pid, signal.SIGKILL)
            first.process.wait()
        # while nobody looks, somebody sells down to the resting order
        lots, ticks = 9 * UNIT // market.step_e8, 55_000 * place.cents
        fake.core.place("second", market.symbol, Side.SELL, lots, ticks, "")
        with server(tmp_path, fake) as second:
            client = Client(second, key, place.symbol)
            await client.until(resting, lambda order: order["state"] != "new")
            reply = await client.ask("GET", "/orders")
            open_orders = reply["orders"]
            assert isinstance(open_orders, list)
            for order in open_orders:
                await client.ask("DELETE", f"/orders/{order['order_id']}")
                await client.until(order["order_id"], lambda one: one["state"] in OVER)
            await agree(client, fake)
            assert not fake.core.open_orders("first")
            assert len(ours(fake)) <= 3, "an order was placed twice"
            fills = await client.ask("GET", "/fills")
            told = fills["fills"]
            assert isinstance(told, list)
            booked = sum(Decimal(fill["quantity"]) for fill in told)
            assert booked == Decimal(sum(one.filled_lots for one in ours(fake)) * market.step_e8) / UNIT


@pytest.mark.parametrize("place", PLACES[:2], ids=str)
async def test_a_process_is_killed_again_and_again_while_answers_are_lost(
    place: Place, tmp_path: Path
) -> None:
    rng = Random(7)
    path = "order.place" if place.kind == "binance" else "order.create"
    async with trading(place) as fake:
        settings(tmp_path, place, fake)
        key, market = new_key(tmp_path), next(iter(fake.core.markets.values()))
        fake.core.deposit("first", market.base, 10 * UNIT)
        number = 0
        for _ in range(ROUNDS):
            with server(tmp_path, fake) as started:
                client = Client(started, key, place.symbol)
                ids = [await client.place(f"first-{number}", "buy", "0.01", "59990.00")]
                for _ in range(rng.randrange(5, 40)):
                    number += 1
                    chance = rng.randrange(8)
                    if chance == 0:
                        fake.faults.lose_answer(path)
                    elif chance == 1:
                        fake.faults.lose_request(path)
                    elif chance == 2 and ids:
                        await client.ask("DELETE", f"/orders/{rng.choice(ids)}")
                    else:
                        price = f"{rng.randrange(59_960, 60_040)}.00"
                        order = {"client_order_id": f"c{number}", "symbol": place.symbol, "price": price}
                        order |= {
                            "side": rng.choice(["buy", "sell"]),
                            "quantity": f"0.00{rng.randrange(1, 9)}",
                        }
                        reply = await client.ask("POST", "/orders", order)
                        ids += [str(reply["order_id"])] if "order_id" in reply else []
                os.kill(started.process.pid, signal.SIGKILL)
                started.process.wait()
        fake.faults.requests.clear()
        with server(tmp_path, fake) as last:
            client = Client(last, key, place.symbol)
            await client.place("last", "buy", "0.01", "50000.00")
            for _ in range(300):
                await client.ask("DELETE", "/orders")
                reply = await client.ask("GET", "/orders")
                if reply["orders"] == []:
                    break
                await asyncio.sleep(0.2)
            assert reply["orders"] == [], last.log
            assert not fake.core.open_orders("first")
            await agree(client, fake)
            placed = [one.client_id for one in ours(fake)]
            assert len(placed) == len(set(placed)), "an order was placed twice"
            assert "quarantine" not in last.log
            fills = await client.ask("GET", "/fills?limit=1000")
            told = fills["fills"]
            assert isinstance(told, list)
            booked = sum(Decimal(fill["quantity"]) for fill in told)
            assert booked == Decimal(sum(one.filled_lots for one in ours(fake)) * market.step_e8) / UNIT
