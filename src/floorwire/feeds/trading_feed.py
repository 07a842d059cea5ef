"""Runs a trading venue: its feed also executes the desk's commands, and passes its reports to the desk."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from floorwire.bus.local import LocalBus
from floorwire.clock import Clock
from floorwire.core.capabilities import StreamKind
from floorwire.core.connector_port import Connector
from floorwire.core.execution_reports import Report
from floorwire.core.instrument import Instrument
from floorwire.core.market_events import MarketEvent
from floorwire.core.order_commands import Command
from floorwire.core.ports import HasRestingOrders, Prices, TradingVenue, VenueOutput
from floorwire.core.stream_interest import StreamInterest
from floorwire.feeds.venue_feed import VenueFeed
from floorwire.feeds.venue_listener import VenueListener
from floorwire.ops.stats import Stats

TRADED: frozenset[StreamKind] = frozenset(("book", "trades"))
"""The streams that orders are checked and filled against."""
TRADED_FOR_US = 5_000_000
"""Whoever asks for the prices of a symbol keeps them streamed for at least this long."""


class TradingFeed(VenueFeed):
    """Runs a trading venue. The desk executes its commands here."""

    def __init__(
        self,
        venue: TradingVenue,
        bus: LocalBus,
        stats: Stats,
        clock: Clock,
        stale_us: int,
        desk: VenueListener,
        connector: Connector | None = None,
        interest: StreamInterest | None = None,
    ) -> None:
        super().__init__(venue, bus, stats, clock, stale_us, connector, interest)
        self._trading = venue
        self._desk = desk
        self._unpublished: list[VenueOutput] = []
        self._told_offset_us: int | None = None
        """What the venue was last told of the date. It is told again only if that changed."""

    def _time(self) -> int:
        offset_us = self._clock.offset_us
        if offset_us != self._told_offset_us:
            self._tell_date(offset_us)
        return self._clock.monotonic_us()

    def _tell_date(self, offset_us: int) -> None:
        self._told_offset_us = offset_us
        self._trading.date(offset_us)

    def execute(self, command: Command) -> Sequence[Report]:
        """Execute the command, and return its reports.

        Its market events are published later: once for all commands of a turn of the event loop, after the
        turn's records went to the journal, and in order.
        """
        offset_us = self._clock.offset_us
        if offset_us != self._told_offset_us:
            self._tell_date(offset_us)
        execution = self._trading.execute(command, self._clock.monotonic_us())
        if not self._unpublished:
            self._loop = self._loop or asyncio.get_running_loop()
            # One turn later: meanwhile the loop releases the interpreter's lock, and the journal's thread
            # begins the group commit of this turn. Measured: an order is durable 10 us sooner.
            self._loop.call_soon(self._loop.call_soon, self._publish_outputs)
        self._unpublished += execution.outputs
        return execution.reports

    def _publish_outputs(self) -> None:
        """Publish the market events of executed commands."""
        before_us = self._wake_us
        unpublished, self._unpublished = self._unpublished, []
        now_us = self._clock.monotonic_us()
        events: list[MarketEvent] = []
        try:
            self._apply(unpublished, events, now_us)
            self._publish_and_clear(events, now_us)
        except Exception as error:  # noqa: BLE001 - run() raises it again
            self._fault = error
        if self._wake_us != before_us or self._fault is not None:
            self._hurry(before_us)

    def _publish_earlier(self) -> None:
        if self._unpublished:
            self._publish_outputs()

    def prices(self, symbol: str) -> Prices:
        """Return the symbol's prices. They are stale if the venue is silent or has failed.

        If they are not streamed, they are from now on: the next order finds them.
        """
        if self._interest is not None:
            self._keep(symbol, self._clock.monotonic_us())
        return self._if_current(self._trading.prices(symbol))

    def _tell_wanted(self, now_us: int) -> None:
        if self._interest is not None and isinstance(self._trading, HasRestingOrders):
            for symbol in self._trading.resting_symbols:
                self._keep(symbol, now_us)
        super()._tell_wanted(now_us)

    def _keep(self, symbol: str, now_us: int) -> None:
        if self._interest is not None:
            self._interest.keep(symbol, TRADED, now_us + max(self._interest.linger_us, TRADED_FOR_US))

    def _on_started(self) -> None:
        self._desk.opened(self._trading.name)

    def _on_listed(self, instruments: Sequence[Instrument]) -> None:
        self._desk.listed(instruments)

    def _on_reported(self, reports: Sequence[Report]) -> None:
        self._desk.reported(reports)
