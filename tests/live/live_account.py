"""One account at an exchange over real sockets: the accounts, the life of their orders, and an order adapter.

It is what the desk has for a remote venue, without a journal on disk and without clients.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from decimal import Decimal
from random import Random

from msgspec.structs import replace

from floorwire.connectors.network_route import NetworkRoute
from floorwire.connectors.venue_connector import VenueConnector
from floorwire.core.account_events import AccountEntry, OrderAmending, OrderCancelling, OrderSubmitting
from floorwire.core.credentials import Secret, VenueCredentials
from floorwire.core.instrument import Instrument, Side
from floorwire.core.order_commands import Amend, Cancel, Place
from floorwire.core.order_ports import OrderAdapterOutput, OrderSettings, SwitchChanged
from floorwire.core.orders import Order, OrderTicket, OrderType, TimeInForce
from floorwire.core.past_candles import PastWanted
from floorwire.core.ports import Close, Fetch, Open, Prices, Send, Wake, Wanted, Woke
from floorwire.core.remote_order_messages import RemoteReport
from floorwire.core.venue_names import bare
from floorwire.engine.holds import asking, held, holding
from floorwire.engine.order_manager import OrderManager
from floorwire.engine.remote_account import RemoteDecision
from floorwire.engine.remote_orders import RemoteOrders
from floorwire.engine.trading_rules import TradingRules
from floorwire.engine.venue_order_ids import client_id
from tests.live.faces import Face, FakeMarket, served
from tests.skipping_loop import running_clock
from tests.venues.order_driver import Names

EPOCH = "0a1b2c3d"
VENUE = "live"
TICK_S = 0.02
PATIENCE_S = 600.0
"""In a loop that skips what is waited for."""


class LiveAccount:
    """The account ``ann``. Its amounts are in text, its orders are the accounts' own."""

    def __init__(self, market: FakeMarket) -> None:
        face = market.face
        self._clock = running_clock()
        self._names = Names({face.symbol: face.native})
        key, secret, passphrase = market.fake.credentials()
        credentials = VenueCredentials(key, Secret(secret), Secret(passphrase))
        settings = OrderSettings(VENUE, *market.addresses, credentials)
        instrument = Instrument(face.symbol, "BTC", face.quote, face.kind, *face.steps)
        self.instrument = replace(
            instrument,
            symbol=f"{VENUE}:{instrument.symbol}",
            base=f"{VENUE}:{instrument.base}",
            quote=f"{VENUE}:{instrument.quote}",
            venue=VENUE,
        )
        manager = OrderManager(TradingRules(), lambda _: Prices(0, 0, 0, "live"))
        self.accounts = manager._accounts
        manager.list_instruments([self.instrument], 0)
        self.reports: list[RemoteReport] = []
        self.sent: list[OrderAdapterOutput] = []
        self.adapter = face.make_adapter(settings, self._names, Random(1))
        self.remote = self._remote()
        self.connector = VenueConnector(VENUE, NetworkRoute(proxies={}))
        self._wake_us: int | None = None

    def _remote(self) -> RemoteOrders:
        return RemoteOrders(
            self.accounts, VENUE, "ann", self.adapter.policy, EPOCH, self._clock.monotonic_us()
        )

    # --- what a client does -------------------------------------------------------------------------

    def place(
        self,
        side: Side,
        quantity: str,
        price: str,
        *,
        type: OrderType = "limit",
        time_in_force: TimeInForce = "gtc",
        post_only: bool = False,
    ) -> int:
        """Journal the intent of an order, and send it. A market order has ``price`` as its worst."""
        now_us, order_id = self._clock.monotonic_us(), self.accounts.last_order_id + 1
        ticks, lots = self.instrument.price.parse(price), self.instrument.size.parse(quantity)
        units = self.accounts.instrument_units[self.instrument.symbol]
        limit = None if type == "market" else ticks
        ticket = OrderTicket(
            "ann",
            f"c{order_id}",
            self.instrument.symbol,
            side,
            type,
            lots,
            None,
            limit,
            time_in_force=time_in_force,
            post_only=post_only,
        )
        reserve = held(ticket, units, ticks, lots, 0, 0, 0)
        order = Order(order_id, ticket, "k", lots, ticks, "submitting", now_us, now_us, held=reserve)
        known = self.accounts.by_name.get("ann")
        balance = holding({} if known is None else known.balances, units, side, reserve)
        name = client_id(self.adapter.policy.client_ids, EPOCH, order_id)
        self._book(OrderSubmitting("ann", order, (balance,), now_us, name))
        command = Place(self.instrument.symbol, order_id, 1, side, lots, limit, time_in_force, post_only)
        self._carry_out(self.remote.command(command, now_us, now_us))
        return order_id

    def cancel(self, order_id: int) -> None:
        now_us, order = self._clock.monotonic_us(), self.order(order_id)
        if order.is_open and not order.cancelling:
            self._book(OrderCancelling("ann", replace(order, cancelling=True), now_us))
        self._carry_out(self.remote.command(Cancel(self.instrument.symbol, order_id), now_us, now_us))

    def amend(self, order_id: int, quantity: str, price: str) -> None:
        now_us, order = self._clock.monotonic_us(), self.order(order_id)
        ticks, lots = self.instrument.price.parse(price), self.instrument.size.parse(quantity)
        units = self.accounts.instrument_units[self.instrument.symbol]
        self._book(OrderAmending("ann", asking(order, units, ticks, lots), (), now_us))
        command = Amend(self.instrument.symbol, order_id, ticks, lots)
        self._carry_out(self.remote.command(command, now_us, now_us))

    # --- what is known ------------------------------------------------------------------------------

    def order(self, order_id: int) -> Order:
        return self.accounts.orders[order_id]

    def state(self, order_id: int) -> str:
        return self.order(order_id).state

    def filled(self, order_id: int) -> Decimal:
        return Decimal(self.instrument.size.format(self.order(order_id).filled_lots))

    def quantity(self, order_id: int) -> Decimal:
        return Decimal(self.instrument.size.format(self.order(order_id).lots))

    def totals(self) -> dict[str, Decimal]:
        """Return what the account has."""
        found: dict[str, Decimal] = {}
        for asset in (self.instrument.base, self.instrument.quote):
            unit = 10 ** self.accounts.ledger.decimals_of(asset)
            found[bare(asset)] = Decimal(self.accounts.balance("ann", asset).total) / unit
        return {asset: total for asset, total in found.items() if total}

    async def pause(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def until(self, is_true: Callable[[], bool]) -> None:
        """Wait until it is so."""
        for _ in range(int(PATIENCE_S / TICK_S)):
            if is_true():
                return
            await asyncio.sleep(TICK_S)
        raise AssertionError(
            f"never: {self.accounts.orders} {self.reports[-20:]} {self.accounts.remote.quarantine}"
        )

    async def until_state(self, order_id: int, *states: str) -> Order:
        await self.until(lambda: self.state(order_id) in states)
        return self.order(order_id)

    # --- the shell ----------------------------------------------------------------------------------

    async def run(self) -> None:
        """Run the adapter, and what is due of the orders, until cancelled."""
        self.connector.start(self._schedule_turn)
        now_us = self._clock.monotonic_us()
        self._carry_out(self.remote.start(now_us, now_us))
        self._output(self.adapter.start(now_us, self._clock.wall_us()))
        try:
            while True:
                await asyncio.sleep(TICK_S)
                now_us = self._clock.monotonic_us()
                if self._wake_us is not None and now_us >= self._wake_us:
                    self._wake_us = None
                    self._output(self.adapter.receive(Woke(), now_us, self._clock.wall_us()))
                if now_us >= self.remote.due_us():
                    self._carry_out(self.remote.wake(now_us, now_us))
        finally:
            await self.connector.close()

    def restart(self) -> None:
        """Lose all that is not in the journal, as a killed process does; the sockets go on."""
        self.remote = self._remote()
        now_us = self._clock.monotonic_us()
        self._carry_out(self.remote.start(now_us, now_us, is_linked=True))

    def _schedule_turn(self) -> None:
        asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        while (happened := self.connector.next_input()) is not None:
            assert not isinstance(happened, Wanted | PastWanted)
            now_us = self._clock.monotonic_us()
            self._output(self.adapter.receive(happened, now_us, self._clock.wall_us()))

    def _output(self, outputs: Iterable[OrderAdapterOutput]) -> None:
        for output in list(outputs):  # what a report leads to is given to the adapter in between
            if isinstance(output, Open | Send | Close | Fetch):
                self.sent.append(output)
                self.connector.carry_out(output)
            elif isinstance(output, Wake):
                self._wake_us = output.at_us
            elif not isinstance(output, SwitchChanged):
                self.reports.append(output)
                now_us = self._clock.monotonic_us()
                self._carry_out(self.remote.receive(output, now_us, now_us))

    def _carry_out(self, decision: RemoteDecision) -> None:
        for command in decision.commands:
            now_us = self._clock.monotonic_us()
            self._output(self.adapter.command(command, now_us, self._clock.wall_us()))

    def _book(self, event: OrderSubmitting | OrderCancelling | OrderAmending) -> AccountEntry:
        return AccountEntry(event, self.accounts.apply(event))


@asynccontextmanager
async def at(face: Face, *, skew_us: int = 0) -> AsyncIterator[tuple[LiveAccount, FakeMarket]]:
    """Run a fake exchange, and an account of ours there whose balances are those of the exchange."""
    async with served(face, skew_us=skew_us) as market:
        account = LiveAccount(market)
        task = asyncio.create_task(account.run())
        try:
            await account.until(lambda: account.remote.is_ready)
            yield account, market
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def settled(account: LiveAccount, market: FakeMarket) -> None:
    """Wait until both sides agree, and nothing is left to find out."""

    def is_settled() -> bool:
        states = [order.state for order in account.accounts.orders.values()]
        return not {"submitting", "unknown"} & set(states) and account.totals() == market.totals()

    await account.until(is_settled)
    theirs = market.orders_by_id()
    for order_id, order in account.accounts.orders.items():
        there = theirs.pop(order_id, [])
        assert len(there) <= 1, "an order was placed twice"
        assert there or (order.state == "rejected" and not order.filled_lots), order
        for one in there:
            assert account.filled(order_id) == market.filled(one), (one, order)
            assert one.state.is_open == order.is_open, (one, order)
    assert not theirs, "an order of the exchange is not known here"
    assert not account.accounts.remote.quarantine
