"""Runs an order adapter over real sockets, with the connector that the gateway runs it with."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

from floorwire.connectors.network_route import NetworkRoute
from floorwire.connectors.venue_connector import VenueConnector
from floorwire.core.order_ports import OrderAdapter, OrderAdapterOutput
from floorwire.core.ports import Close, Fetch, Open, Send, Wake, Wanted, Woke
from floorwire.core.remote_orders import RemoteCommand, RemoteReport

Kind = TypeVar("Kind")
PATIENCE_S = 20


class AdapterRun:
    """One adapter, its links and requests, and its reports."""

    def __init__(self, adapter: OrderAdapter, connector: VenueConnector) -> None:
        self._adapter = adapter
        self._connector = connector
        self._wake: asyncio.TimerHandle | None = None
        self._came = asyncio.Event()
        self.reports: list[RemoteReport] = []
        """Those that nobody waited for yet."""
        self.sent: list[Open | Send | Close | Fetch] = []

    def start(self) -> None:
        self._connector.start(self._take_inputs)
        self._carry_out(self._adapter.start(_now_us(), _date_us()))

    def command(self, command: RemoteCommand) -> None:
        """Give the adapter a command."""
        self._carry_out(self._adapter.command(command, _now_us(), _date_us()))

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

    def _take_inputs(self) -> None:
        asyncio.get_running_loop().call_soon(self._drain)

    def _drain(self) -> None:
        while (happened := self._connector.next_input()) is not None:
            assert not isinstance(happened, Wanted)
            self._carry_out(self._adapter.receive(happened, _now_us(), _date_us()))

    def _woke(self) -> None:
        self._carry_out(self._adapter.receive(Woke(), _now_us(), _date_us()))

    def _carry_out(self, outputs: Sequence[OrderAdapterOutput]) -> None:
        for output in outputs:
            if isinstance(output, Open | Send | Close | Fetch):
                self.sent.append(output)
                self._connector.carry_out(output)
            elif isinstance(output, Wake):
                if self._wake is not None:
                    self._wake.cancel()
                wait_s = max(0.0, (output.at_us - _now_us()) / 1_000_000)
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


def _now_us() -> int:
    return time.monotonic_ns() // 1000


def _date_us() -> int:
    return time.time_ns() // 1000
