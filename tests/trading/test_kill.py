"""The kill test: a server killed at random moments under full load loses nothing that it acknowledged.

A client places, amends and cancels as fast as it can; the server is killed with -9 and started again over the
same folder. Afterwards every accepted order is there, no order is there twice, balances are the fold of the
fills, money is conserved, and the journal replays to the very state that the live server had.
"""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections import Counter
from decimal import Decimal
from pathlib import Path

import httpx2
import pytest
from websockets.exceptions import ConnectionClosed

from floorwire.core.account_events import (
    AccountEvent,
    OrderAccepted,
    OrderAmended,
    OrderEnded,
    OrderFilled,
    OrderTriggered,
)
from floorwire.core.authorization import Scope
from floorwire.core.orders import Order
from floorwire.core.ports import Prices
from floorwire.engine.order_manager import OrderManager
from floorwire.engine.trading_rules import TradingRules
from floorwire.storage.journal_sqlite import SqliteJournal
from floorwire.storage.key_store import Issued
from floorwire.trading.account_store import EPOCH_KIND, AccountStore, decode_entry
from tests.servers import Server
from tests.trading.trader import FREE, SCOPES, Message, Trader, key, serving, trader

IN_FLIGHT = 32
OFTEN = ("--set=storage.snapshot_records=1000",)
MONEY = {"USDT": "100000000", "BTC": "1000"}
ORDER_EVENTS = (OrderAccepted, OrderAmended, OrderTriggered, OrderFilled, OrderEnded)
NO_PRICES = Prices(0, 0, 0, "connecting")


class Wild:
    """Places, amends, cancels and is guarded at full speed, and remembers what it was told."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.accepted: dict[str, str] = {}
        """Order ids by the client's, of orders that were accepted."""
        self.cancelled: set[str] = set()
        """Whose cancel was accepted."""
        self.placed = 0

    async def run(self, server: Server, issued: Issued) -> None:
        """Trade until the server is gone."""
        try:
            async with trader(server, issued) as client:
                await asyncio.gather(
                    *(self._one(client, subscription) for subscription in range(IN_FLIGHT)),
                    self._hear(client),
                )
        except (ConnectionClosed, OSError):
            return

    async def _hear(self, client: Trader) -> None:
        self._waiting: dict[int, asyncio.Future[Message]] = {}
        try:
            while True:
                message = await client.receive()
                waiter = self._waiting.pop(int(str(message["id"])), None)
                if waiter is not None:
                    waiter.set_result(message)
        finally:
            for waiter in self._waiting.values():
                waiter.cancel()

    async def _ask(self, client: Trader, action: str, **fields: str | int) -> Message:
        waiter: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._waiting[await client.send(action, **fields)] = waiter
        try:
            return await waiter
        except asyncio.CancelledError:
            raise ConnectionResetError from None

    async def _one(self, client: Trader, subscription: int) -> None:
        await asyncio.sleep(0)
        while True:
            self.placed += 1
            mine = f"k{self.placed}"
            is_market = self.rng.random() < 0.2
            terms = {"type": "market"} if is_market else {"price": str(60_000 + self.rng.randrange(1000))}
            side = self.rng.choice(("buy", "sell")) if is_market else "buy"
            reply = await self._ask(
                client, "order.place", client_order_id=mine, symbol="BTC-USDT", side=side,
                quantity="0.001", **terms,
            )  # fmt: skip
            if reply.get("code") == "stale_market":
                continue  # the server has just started, and its prices are not there yet
            assert reply["status"] == "accepted", reply
            self.accepted[mine] = str(reply["order_id"])
            if is_market:
                await self._ask(client, "session.deadman", timeout_s=self.rng.choice((0, 300, 600)))
                continue
            if self.rng.random() < 0.5:
                await self._ask(client, "order.amend", client_order_id=mine, quantity="0.002")
            if self.rng.random() < 0.8:
                gone = await self._ask(client, "order.cancel", client_order_id=mine)
                if gone["status"] == "accepted":
                    self.cancelled.add(mine)


async def rampage(folder: Path, kills: int, seed: int) -> None:
    """Kill so many servers; look at what is left after each."""
    rng, wild = random.Random(seed), Wild(seed)
    issued, operator = key(folder, money=MONEY), key(folder, "ops", (*SCOPES, Scope.ADMIN), {})
    states: dict[int, str] = {}
    judge = Judge(folder)
    for _ in range(kills):
        with serving(folder, *FREE, *OFTEN) as server:
            running = asyncio.create_task(wild.run(server, issued))
            headers = {"authorization": f"Bearer {operator.key}.{operator.secret}"}
            async with httpx2.AsyncClient(
                base_url=server.http("/api/v1"),
                headers=headers,
                verify=False,
                timeout=None,
            ) as ops:
                until = time.monotonic() + 0.2 + rng.random()
                while time.monotonic() < until:
                    seen = (await ops.get("/journal")).json()
                    states[seen["records"]] = seen["state"]
                    await asyncio.sleep(0.05)
                server.signal(signal.SIGKILL)
            server.process.wait()
            await running
        judge.judge(wild, states)
        states.clear()
    with serving(folder, *FREE, *OFTEN) as server:
        async with trader(server, issued) as client:
            await meet_again(client, wild)


class Judge:
    """Folds the journal that killed servers leave, further after each, and looks at what it comes to."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._order_manager = OrderManager(TradingRules(), lambda _: NO_PRICES)
        self._last_n = 0
        self._accepted: Counter[str] = Counter()
        self._orders: dict[str, Order] = {}
        self._fills: list[OrderFilled] = []

    def judge(self, wild: Wild, states: dict[int, str]) -> None:
        """Compare what is on disk with what the client was told and with what the server said of itself."""
        journal = SqliteJournal(self._folder, 1000)
        try:
            seen = self._fold(journal, states)
            assert seen == sum(n <= journal.durable_n for n in states)
            again = AccountStore(
                journal, TradingRules(), lambda _: NO_PRICES
            )  # from a snapshot, where there is one
            assert again.order_manager.state_hash() == self._order_manager.state_hash()
        finally:
            journal.close()
        assert self._order_manager.conserved()
        assert max(self._accepted.values(), default=1) == 1
        assert len({fill.fill_id for fill in self._fills}) == len(self._fills)
        for mine, order_id in wild.accepted.items():
            assert str(self._orders[mine].order_id) == order_id
        for mine in wild.cancelled:
            assert not self._orders[mine].is_open
        check_balances(self._order_manager, self._fills)

    def _fold(self, journal: SqliteJournal, states: dict[int, str]) -> int:
        """Return how many of the states were met."""
        seen = int(self._compare(self._last_n, states))
        for record in journal.read(self._last_n):
            self._last_n = record.n
            if record.kind != EPOCH_KIND:
                self._take(decode_entry(record.n, record.payload).event)
            seen += self._compare(record.n, states)
        return seen

    def _compare(self, n: int, states: dict[int, str]) -> bool:
        if n in states:
            assert self._order_manager.state_hash() == states[n], f"another state after record {n}"
        return n in states

    def _take(self, event: AccountEvent) -> None:
        self._order_manager.apply(event)
        if isinstance(event, OrderAccepted):
            self._accepted[event.order.ticket.client_order_id] += 1
        if isinstance(event, OrderFilled):
            self._fills.append(event)
        if isinstance(event, ORDER_EVENTS):
            self._orders[event.order.ticket.client_order_id] = event.order


def check_balances(order_manager: OrderManager, fills: list[OrderFilled]) -> None:
    """Balances are what was deposited, and what the fills made of it."""
    expected = {f"sim:{asset}": Decimal(amount) for asset, amount in MONEY.items()}
    instrument = order_manager.instrument_units("sim:BTC-USDT").instrument
    for fill in fills:
        sign = 1 if fill.side == "buy" else -1
        size = Decimal(instrument.size.format(fill.lots))
        cost = Decimal(instrument.format_notional(fill.price_ticks * fill.lots))
        expected["sim:BTC"] += sign * size
        expected["sim:USDT"] -= sign * cost + Decimal(fill.fee).scaleb(-fill.balances[0].decimals)
    for balance in order_manager.balances("alice"):
        assert Decimal(balance.total).scaleb(-balance.decimals) == expected[balance.asset]
    held = sum(order.held for order in order_manager.open_orders("alice"))
    assert {b.asset: b.held for b in order_manager.balances("alice")}["sim:USDT"] == held


async def meet_again(client: Trader, wild: Wild) -> None:
    """Ask the last server for what the ones before it accepted; and send it all again."""
    open_ids = {str(row["client_order_id"]) for row in await client.rows("orders")}
    assert not open_ids & wild.cancelled
    for mine in list(wild.accepted)[-50:]:
        reply = await client.ask("order.status", client_order_id=mine)
        order = reply["order"]
        assert isinstance(order, dict)
        assert order["order_id"] == wild.accepted[mine]


async def test_killed_a_few_times(tmp_path: Path) -> None:
    await rampage(tmp_path, kills=2, seed=1)


@pytest.mark.slow
async def test_killed_fifty_times(tmp_path: Path) -> None:
    await rampage(tmp_path, kills=50, seed=2)
