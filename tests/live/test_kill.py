"""``kill -9`` at any moment: no order is sent twice, every fill is booked once, and balances are equal."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest
from websockets.exceptions import ConnectionClosed

from floorwire.engine.venue_order_ids import parsed
from floorwire.storage.key_store import Issued
from tests.fake_exchange.market import UNIT
from tests.fake_exchange.orders import Side
from tests.live.desk_faces import FACES, OURS, Face, FakeMarket, served
from tests.servers import Server, running
from tests.trading.trader import FREE, Message, Trader, key, trader

SCRIPT = Path(__file__).with_name("quick_server.py")
TRIES = 400
"""How often both sides are compared: Kraken may be asked once in three seconds."""
KILLS = int(os.environ.get("KILLS", "3"))
"""How often each exchange's gateway is killed."""
MIDDLE = 50_000


@asynccontextmanager
async def serving(market: FakeMarket, folder: Path) -> AsyncIterator[Server]:
    """Run a gateway in a process of its own. Its log and its end are waited for beside the fake exchange."""
    command = [sys.executable, str(SCRIPT), "serve", "--live", "--venue", "real", "--port", "0"]
    command += ["--data", str(folder), "--set=drain.seconds=0.1", *FREE, *market.settings()]
    process = running(command)
    server = await asyncio.to_thread(process.__enter__)
    try:
        yield server
    finally:
        await asyncio.to_thread(process.__exit__, None, None, None)


class Wild:
    """A client that acts at random, at an exchange where others trade and links break."""

    def __init__(self, market: FakeMarket, rng: Random) -> None:
        self.market = market
        self.rng = rng
        self.sent: dict[str, bool] = {}
        """By client order id: whether it was accepted."""
        self.codes: Counter[str] = Counter()

    async def run(self, client: Trader) -> None:
        """Go on until the server is gone."""
        with suppress(ConnectionClosed):
            while True:
                await self._act(client)
                await asyncio.sleep(self.rng.random() * 0.004)

    async def _act(self, client: Trader) -> None:
        rng, chance = self.rng, self.rng.random()
        known = [name for name, is_accepted in self.sent.items() if is_accepted][-40:]
        if chance < 0.6 or not known:
            name = f"c{len(self.sent)}"
            self.sent[name] = False
            price = MIDDLE + rng.choice((-200, -20, -10, 0, 10, 20, 200))
            terms: dict[str, str] = {"type": "limit", "price": str(price)}
            if rng.random() < 0.1:
                terms = {"type": "market"}
            reply = await client.ask(
                "order.place",
                client_order_id=name,
                symbol=self.market.face.symbol,
                side=rng.choice(("buy", "sell")),
                quantity=rng.choice(("0.001", "0.01", "0.02")),
                **terms,
            )
            self.sent[name] = reply["status"] == "accepted"
            self.codes[str(reply.get("code", "accepted"))] += 1
        elif chance < 0.9:
            await client.ask("order.cancel", client_order_id=rng.choice(known))
        else:
            await client.ask("order.amend", client_order_id=rng.choice(known), quantity="0.005")

    async def others(self) -> None:
        """Trade as the other participants; break something now and then."""
        rng, faults = self.rng, self.market.faults
        while True:
            await asyncio.sleep(rng.random() * 0.03)
            price = MIDDLE + rng.choice((-20, -10, 0, 10, 20))
            self.market.trade(rng.choice((Side.BUY, Side.SELL)), "0.005", price)
            chance = rng.random()
            if chance < 0.0005:
                await self.market.fake.disconnect_all()
            elif chance < 0.01:
                faults.repeat_next_fill()
            elif chance < 0.012 and self.market.face.place:
                faults.lose_answer(self.market.face.place)


@asynccontextmanager
async def beside(run: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Run the coroutine while the body runs."""
    task = asyncio.create_task(run)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def differences(market: FakeMarket, rows: dict[int, Message], fills: list[Message]) -> list[str]:
    """Return what is not the same on both sides, or was sent twice."""
    found: list[str] = []
    by_id: dict[int, int] = {}
    for order in market.orders():
        made = parsed(order.client_id)
        assert made is not None, order
        by_id[made[1]] = by_id.get(made[1], 0) + 1
        row = rows.get(made[1])
        if row is None:
            found.append(f"{order.client_id} is not known here")
            continue
        filled = Decimal(order.filled_lots * order.market.step_e8) / UNIT
        if Decimal(str(row["filled_quantity"])) != filled:
            found.append(f"{row['order_id']} has {row['filled_quantity']} filled, there {filled}")
        if (row["state"] in ("new", "partially_filled")) is not order.state.is_open:
            found.append(f"{row['order_id']} is {row['state']}, there {order.state.value}")
    found += [f"{order_id} was sent {count} times" for order_id, count in by_id.items() if count > 1]
    for order_id, row in rows.items():
        if row["state"] in ("submitting", "unknown"):
            found.append(f"{order_id} is {row['state']}")
        elif order_id not in by_id and row["state"] not in ("rejected", "cancelled"):
            found.append(f"{order_id} is {row['state']}, and not there")
    theirs = sum(fill.account == OURS for fill in market.core.fills)
    if len(fills) != theirs:
        found.append(f"{len(fills)} fills, there {theirs}")
    return found


async def orders_of(client: Trader, wild: Wild) -> dict[int, Message]:
    """Return all orders that were sent and are known."""
    rows: dict[int, Message] = {}
    for name, is_accepted in wild.sent.items():
        reply = await client.ask("order.status", client_order_id=name)
        row = reply.get("order")
        if isinstance(row, dict):
            rows[int(str(row["order_id"]))] = row
        else:
            assert not is_accepted, f"{name} was accepted, and is lost"
    return rows


async def all_fills(client: Trader) -> list[Message]:
    """Return every fill, page by page."""
    found: list[Message] = []
    more: dict[str, str] = {}
    while True:
        reply = await client.ask("fills", limit=1_000, **more)
        rows = reply["fills"]
        assert isinstance(rows, list)
        found += [row for row in rows if isinstance(row, dict)]
        if "next" not in reply:
            return found
        more = {"before": str(reply["next"])}


async def settled(market: FakeMarket, client: Trader, wild: Wild) -> None:
    """Wait until both sides agree in everything."""
    wrong: list[str] = ["nothing was compared"]
    for _ in range(TRIES):
        wrong = differences(market, await orders_of(client, wild), await all_fills(client))
        totals = {str(row["asset"]): Decimal(str(row["total"])) for row in await client.rows("balances")}
        theirs = {asset: total for asset, total in market.totals().items() if total}
        if not wrong and totals == theirs:
            return
        if totals != theirs:
            wrong.append(f"{totals}, there {theirs}")
        await asyncio.sleep(0.2)
    raise AssertionError(wrong[:10])


@pytest.mark.slow
@pytest.mark.parametrize("face", FACES, ids=str)
async def test_killed_at_any_moment(face: Face, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = Random(f"{face} {KILLS}")
    issued: Issued = key(tmp_path, money={})
    async with served(face) as market:
        for name, text in market.environment().items():
            monkeypatch.setenv(name, text)
        wild = Wild(market, rng)
        async with beside(wild.others()):
            for _ in range(KILLS):
                await _killed(market, tmp_path, issued, wild, rng)
        async with serving(market, tmp_path) as server, trader(server, issued) as client:
            await settled(market, client, wild)
            await client.ask("order.cancel_all")
            await settled(market, client, wild)
    assert sum(fill.account == OURS for fill in market.core.fills) > KILLS
    assert len(market.orders()) > 5 * KILLS, wild.codes


async def _killed(market: FakeMarket, folder: Path, issued: Issued, wild: Wild, rng: Random) -> None:
    """Run a gateway until it is killed at some moment after it took its first order."""
    before = sum(wild.sent.values())
    async with serving(market, folder) as server, trader(server, issued) as client:
        acting = asyncio.create_task(wild.run(client))
        for _ in range(10_000):  # Kraken may refuse the first requests for their rate
            if sum(wild.sent.values()) > before:
                break
            await asyncio.sleep(0.01)
        else:
            raise AssertionError(f"no order was taken:\n{server.log[-3000:]}")
        await asyncio.sleep(rng.random() * 1.5)
        server.signal(signal.SIGKILL)
        await acting
