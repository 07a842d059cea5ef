"""``kill -9`` at any moment: no order is sent twice, every fill is booked once, and balances are equal.

One server has live orders at all exchanges. Others trade there all the time, also while no server runs; links
break, requests and answers are lost, and fills are reported twice.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from random import Random

import pytest
from websockets.exceptions import ConnectionClosed

from tests.fake_exchange.orders import Side
from tests.live.agreement import differences
from tests.live.beside import beside
from tests.live.faces import FACES, FakeMarket, served
from tests.live.live_server import name, serving, until_open
from tests.trading.trader import Trader, key, trader

KILLS = int(os.environ.get("KILLS", "3"))
"""How often the server is killed."""
SEED = int(os.environ.get("KILL_SEED", "1"))
TRIES = 400
"""How often both sides are compared while no difference goes. At Kraken's lowest tier an order whose outcome
is unknown is asked about twice, and each time takes nine seconds."""
LOST = 0.03
"""Of so many orders the request or the answer is lost, and with it the link that carries them. The fault is
made with the order: one that waits while no server runs would end the links after every start."""
MIDDLE = 50_000


class WildClient:
    """A client that acts at random."""

    def __init__(self, markets: Sequence[FakeMarket], rng: Random) -> None:
        self.sent: dict[str, bool] = {}
        """By client order id: whether it was accepted."""
        self.codes: Counter[str] = Counter()
        self.replies = 0
        self._markets, self._rng = markets, rng

    async def run(self, client: Trader) -> None:
        """Go on until the server is gone."""
        with suppress(ConnectionClosed, OSError):
            while True:
                await self._act(client)
                self.replies += 1
                await asyncio.sleep(self._rng.random() * 0.004)

    async def _act(self, client: Trader) -> None:
        rng, chance = self._rng, self._rng.random()
        known = [client_id for client_id, is_accepted in self.sent.items() if is_accepted][-60:]
        if chance < 0.6 or not known:
            await self._place(client)
        elif chance < 0.9:
            await client.ask("order.cancel", client_order_id=rng.choice(known))
        else:
            await client.ask("order.amend", client_order_id=rng.choice(known), quantity="0.005")

    async def _place(self, client: Trader) -> None:
        rng, client_id = self._rng, f"c{len(self.sent)}"
        self.sent[client_id] = False
        market = self._markets[len(self.sent) % len(self._markets)]
        price = MIDDLE + rng.choice((-200, -20, -10, 0, 10, 20, 200))
        terms: dict[str, str] = {"type": "limit", "price": str(price)}
        if rng.random() < 0.1:
            terms = {"type": "market"}
        if rng.random() < LOST and not market.faults.requests:
            lose = rng.choice((market.faults.lose_answer, market.faults.lose_request))
            lose(market.face.place_path)
        reply = await client.ask(
            "order.place",
            client_order_id=client_id,
            symbol=name(market, self._markets, market.face.symbol),
            side=rng.choice(("buy", "sell")),
            quantity=rng.choice(("0.001", "0.01", "0.02")),
            **terms,
        )
        self.sent[client_id] = reply["status"] == "accepted"
        self.codes[f"{market.face}: {reply.get('code', 'accepted')}"] += 1


async def others(market: FakeMarket, rng: Random) -> None:
    """Trade as the other participants; break something now and then."""
    while True:
        await asyncio.sleep(rng.random() * 0.1)
        market.trade(rng.choice((Side.BUY, Side.SELL)), "0.005", MIDDLE + rng.choice((-20, -10, 0, 10, 20)))
        chance = rng.random()
        if chance < 0.001:
            await market.fake.disconnect_all()
        elif chance < 0.02:
            market.faults.repeat_next_fill()


async def until_equal(client: Trader, markets: Sequence[FakeMarket]) -> None:
    """Wait until both sides agree in everything."""
    wrong = await differences(client, markets)
    fewest, tries = len(wrong), 0
    while wrong:
        assert tries < TRIES, wrong[:10]
        await asyncio.sleep(0.3)
        wrong = await differences(client, markets)
        tries = tries + 1 if len(wrong) >= fewest else 0
        fewest = min(fewest, len(wrong))


@pytest.mark.slow
async def test_killed_at_any_moment(tmp_path: Path) -> None:
    rng, issued = Random(SEED), key(tmp_path / "data", money={})
    async with AsyncExitStack() as stack:
        markets = [await stack.enter_async_context(served(face)) for face in FACES]
        for market in markets:
            market.make_prices()
        wild = WildClient(markets, rng)
        filled_meanwhile = 0
        async with beside(*(others(market, Random(f"{SEED} {market.face}")) for market in markets)):
            for _ in range(KILLS):
                async with (
                    serving(markets, tmp_path, is_quick=True) as server,
                    trader(server, issued) as client,
                ):
                    await until_open(server, markets)
                    acting = asyncio.create_task(wild.run(client))
                    until = wild.replies + rng.randrange(1, 80)
                    while wild.replies < until and not acting.done():
                        await asyncio.sleep(0.002)
                    await asyncio.sleep(rng.random() * 0.02)
                    server.signal(signal.SIGKILL)
                    await acting
                known = sum(len(market.fills()) for market in markets)
                await asyncio.sleep(0.5)
                filled_meanwhile += sum(len(market.fills()) for market in markets) - known
        for market in markets:
            market.faults.requests.clear()
        async with serving(markets, tmp_path, is_quick=True) as server, trader(server, issued) as client:
            await until_open(server, markets)
            await until_equal(client, markets)
            for client_id, is_accepted in wild.sent.items():
                reply = await client.ask("order.status", client_order_id=client_id)
                assert reply["status"] == "ok" or not is_accepted, f"{client_id} was accepted, and is lost"
            await client.ask("order.cancel_all")
            await until_equal(client, markets)
            assert not any(market.core.open_orders("first") for market in markets)
    placed = {str(market.face): len(market.orders()) for market in markets}
    print(f"{KILLS} kills, orders placed: {placed}, fills without a server: {filled_meanwhile}, {wild.codes}")
    assert filled_meanwhile
    assert all(placed.values()), wild.codes
    assert sum(wild.sent.values()) > len(wild.sent) * 3 // 4, f"too few reached the exchanges: {wild.codes}"
    assert sum(len(market.fills()) for market in markets) > KILLS
