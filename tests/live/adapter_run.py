"""Runs an order adapter over real sockets, with the connector that the gateway runs it with."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from decimal import Decimal
from random import Random
from typing import TypeVar

from floorwire.connectors.network_route import NetworkRoute
from floorwire.connectors.venue_connector import VenueConnector
from floorwire.core.codes import Code
from floorwire.core.credentials import Secret, VenueCredentials
from floorwire.core.order_ports import (
    OrderAdapter,
    OrderAdapterInput,
    OrderAdapterOutput,
    OrderSettings,
    SwitchChanged,
)
from floorwire.core.past_candles import PastWanted
from floorwire.core.ports import Close, Fetch, Open, Send, Wake, Wanted, Woke
from floorwire.core.remote_order_messages import (
    LinkUp,
    OrderSeen,
    PlaceAnswer,
    Reconcile,
    ReconcileAnswer,
    RemoteCommand,
    RemoteReport,
)
from tests.live.faces import Face, FakeMarket, served
from tests.skipping_loop import running_clock
from tests.venues.order_driver import Names

Kind = TypeVar("Kind")
PATIENCE_S = 600
"""Mostly in a loop that skips what is waited for."""


class AdapterRun:
    """One adapter, its links and requests, and its reports."""

    def __init__(self, adapter: OrderAdapter, connector: VenueConnector) -> None:
        self._clock = running_clock()
        self._adapter = adapter
        self._connector = connector
        self._wake: asyncio.TimerHandle | None = None
        self._came = asyncio.Event()
        self.reports: list[RemoteReport | SwitchChanged] = []
        """Those that nobody waited for yet."""
        self.sent: list[Open | Send | Close | Fetch] = []

    def start(self) -> None:
        self._connector.start(self._take_inputs)
        self._carry_out(self._adapter.start(self._clock.monotonic_us(), self._clock.wall_us()))

    def command(self, command: RemoteCommand) -> None:
        """Give the adapter a command."""
        self._carry_out(self._adapter.command(command, self._clock.monotonic_us(), self._clock.wall_us()))

    async def report(self, kind: type[Kind], fits: Callable[[Kind], bool] = lambda _: True) -> Kind:
        """Wait for a report of this kind that fits, and take it out; reports of different kinds may cross."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                for at, report in enumerate(self.reports):
                    if isinstance(report, kind) and fits(report):
                        del self.reports[at]
                        return report
                self._came.clear()
                await self._came.wait()

    async def end(self, client_id: str) -> tuple[str, Code | None, Decimal]:
        """Wait until the order is over; return its state, the reason, and how much of it was filled."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                for report in self.reports:
                    match report:
                        case PlaceAnswer(name, "rejected", _, code) if name == client_id:
                            return "rejected", code, Decimal(0)
                        case OrderSeen() if report.client_id == client_id and report.state != "open":
                            return report.state, report.code, Decimal(report.filled)
                        case _:
                            pass
                self._came.clear()
                await self._came.wait()

    async def balances(self) -> dict[str, Decimal]:
        """Return what the account has, as the adapter reads it."""
        self.command(Reconcile(99, ""))
        answer = await self.report(ReconcileAnswer, lambda one: one.request == 99)
        totals = {one.asset: Decimal(one.total) for one in answer.balances}
        return {asset: total for asset, total in totals.items() if total}

    def _take_inputs(self) -> None:
        asyncio.get_running_loop().call_soon(self._drain)

    def _drain(self) -> None:
        while (happened := self._connector.next_input()) is not None:
            assert not isinstance(happened, Wanted | PastWanted)
            self._carry_out(
                self._adapter.receive(happened, self._clock.monotonic_us(), self._clock.wall_us())
            )

    def _receive(self, happened: OrderAdapterInput) -> None:
        now_us, date_us = self._clock.monotonic_us(), self._clock.wall_us()
        self._carry_out(self._adapter.receive(happened, now_us, date_us))

    def _woke(self) -> None:
        self._receive(Woke())

    def _carry_out(self, outputs: Iterable[OrderAdapterOutput]) -> None:
        for output in outputs:
            if isinstance(output, Open | Send | Close | Fetch):
                self.sent.append(output)
                self._connector.carry_out(output)
            elif isinstance(output, Wake):
                if self._wake is not None:
                    self._wake.cancel()
                wait_s = max(0.0, (output.at_us - self._clock.monotonic_us()) / 1_000_000)
                self._wake = asyncio.get_running_loop().call_later(wait_s, self._woke)
            else:
                self.reports.append(output)
                self._came.set()

    def stop(self) -> None:
        if self._wake is not None:
            self._wake.cancel()


@asynccontextmanager
async def run(
    adapter: OrderAdapter, addresses: tuple[str | None, str | None] = (None, None)
) -> AsyncIterator[AdapterRun]:
    """Run the adapter. ``addresses``: of WebSockets and of requests; None: its settings have them."""
    ws_url, rest_url = addresses
    connector = VenueConnector("test", NetworkRoute(ws_url, rest_url, proxies={}))
    running = AdapterRun(adapter, connector)
    running.start()
    try:
        yield running
    finally:
        running.stop()
        await connector.close()


def adapter_of(
    market: FakeMarket, *, account: int = 0, cancel_all_after_s: int | None = None
) -> OrderAdapter:
    """Return a new adapter for our account at a fake exchange, or for another one."""
    face = market.face
    key, secret, passphrase = market.fake.credentials(account)
    credentials = VenueCredentials(key, Secret(secret), Secret(passphrase))
    settings = OrderSettings(face.kind, *market.addresses, credentials, cancel_all_after_s=cancel_all_after_s)
    return face.make_adapter(settings, Names({face.symbol: face.native}), Random(1))


@asynccontextmanager
async def session(
    face: Face, *, skew_us: int = 0, account: int = 0
) -> AsyncIterator[tuple[FakeMarket, AdapterRun]]:
    """Run the fake exchange, and the adapter of our account there, or of another one."""
    async with served(face, skew_us=skew_us) as market, run(adapter_of(market, account=account)) as client:
        await client.report(LinkUp)
        yield market, client
