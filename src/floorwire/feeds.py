"""Feeds: runs one venue, publishes what it says, and notices when it says nothing.

A trading venue's feed also takes the desk's commands to it, and its reports to the desk.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol, get_args

import msgspec
import structlog

from floorwire.bus.local import LocalBus
from floorwire.clock import Clock
from floorwire.core import market_events
from floorwire.core.execution_reports import Report
from floorwire.core.instrument import Instrument
from floorwire.core.market_events import Feed, FeedStatus, Listing, MarketEvent
from floorwire.core.order_commands import Command
from floorwire.core.ports import (
    Activity,
    Prices,
    Reported,
    TradingVenue,
    Venue,
    VenueOutput,
    Wake,
    Woke,
)
from floorwire.ops.skips import VenueSkipCounter
from floorwire.ops.stats import Stats

SHOWN = frozenset(get_args(MarketEvent))
RESTART_S = 1.0
IDLE_S = 1.0

log = structlog.get_logger("floorwire.feeds")


class VenueListener(Protocol):
    """Who hears what a trading venue has to say to whoever trades on it."""

    def listed(self, instruments: Sequence[Instrument]) -> None:
        """These may be traded, new or changed."""
        ...

    def opened(self, venue: str) -> None:
        """The venue has opened, with no order of ours in it."""
        ...

    def reported(self, reports: Sequence[Report]) -> None:
        """This happened to orders that rest."""
        ...


class VenueFeed:
    """One venue, from its first output until it is cancelled."""

    def __init__(self, venue: Venue, bus: LocalBus, stats: Stats, clock: Clock, stale_us: int) -> None:
        self.name = venue.name
        self._venue = venue
        self._bus = bus
        self._stats = stats
        self._clock = clock
        self._stale_us = stale_us
        self._wake_us: int | None = None
        self._is_due = asyncio.Event()
        self._said: Feed = "connecting"
        self._live_us = 0
        """When the venue last said that it is live."""
        self._not_live: dict[str, FeedStatus] = {}
        """What was said of single symbols since, where that is not that they are live."""
        self._is_silent = False
        self._is_up = False
        self._fault: Exception | None = None
        self._skip_counter = VenueSkipCounter(venue, stats)

    async def run(self) -> None:
        """Run the venue; where its code fails, say so, and start it again."""
        while True:
            try:
                await self._run()
            except Exception:  # one venue's fault must not take the gateway down
                self._is_up = False
                log.exception("venue failed", venue=self._venue.name)
                self._publish([FeedStatus(None, "stale", "fault", self._clock.stamp_us())])
                await asyncio.sleep(RESTART_S)

    async def _run(self) -> None:
        now_us = self._time()
        self._take(self._venue.start(now_us), now_us)
        self._is_up = True
        self._started()
        while True:
            await self._pause()
            if self._fault is not None:
                fault, self._fault = self._fault, None
                raise fault
            now_us = self._time()
            if self._wake_us is not None and now_us >= self._wake_us:
                self._wake_us = None
                self._take(self._venue.receive(Woke(), now_us), now_us)
            self._watch_silence(now_us)
            self._skip_counter.poll(now_us)

    def _time(self) -> int:
        """Return monotonic time, by which venues wait."""
        return self._clock.monotonic_us()

    def _started(self) -> None:
        """Nobody trades here."""

    async def _pause(self) -> None:
        """Wait until the venue wants to be woken, though no longer than a while."""
        alarm = asyncio.get_running_loop().call_later(self._pause_s(), self._is_due.set)
        try:
            await self._is_due.wait()
        finally:
            alarm.cancel()
            self._is_due.clear()

    def _pause_s(self) -> float:
        if self._wake_us is None:
            return IDLE_S
        return min(IDLE_S, max(0, self._wake_us - self._clock.monotonic_us()) / 1_000_000)

    def _take(self, outputs: Sequence[VenueOutput], now_us: int) -> None:
        events: list[MarketEvent] = []
        for output in outputs:
            if type(output) in SHOWN:  # most are; isinstance takes four times as long where it is not
                events.append(output)  # type: ignore[arg-type] # its type says so; cast is a call
            elif type(output) is Wake:
                self._wake_us = output.at_us
            elif type(output) is Reported:
                self._flush(events, now_us)
                self._report(output.reports)
            elif type(output) is Activity:
                self._flush(events, now_us)
                self._hear(output, now_us)
            else:
                raise NotImplementedError(f"{self._venue.name} asks for {output}: no live links yet")
        self._flush(events, now_us)

    def _flush(self, events: list[MarketEvent], now_us: int) -> None:
        if events:
            self._note(events, now_us)
            self._publish(events)
            events.clear()

    def _report(self, reports: Sequence[Report]) -> None:
        raise NotImplementedError(f"{self._venue.name} reports {reports}, and nobody trades there")

    def _hear(self, heard: Activity, now_us: int) -> None:
        """Note what the venue sent, though nothing may have come of it."""
        for link in heard.links:
            self._stats.link_last_us[self.name, link] = now_us
        for symbol in heard.symbols:
            self._stats.symbol_last_us[self.name, symbol] = now_us
        events: list[MarketEvent] = []
        self._heard(events, now_us)
        if events:
            self._publish(events)

    def _note(self, events: list[MarketEvent], now_us: int) -> None:
        self._stats.venue_events[self._venue.name] += len(events)
        is_heard = False
        for event in events:  # only what the venue sent counts: not what the adapter says by itself
            if type(event) is FeedStatus:
                self._follow(event, now_us)
            elif type(event) is Listing:
                self._list(event.instruments)
            elif type(event) is not market_events.Clock or not event.is_reckoned:
                is_heard = True
        if is_heard:
            self._heard(events, now_us)

    def _follow(self, status: FeedStatus, now_us: int) -> None:
        if status.symbol is None:
            self._said = status.feed
            if status.feed == "live":
                self._live_us = now_us
            else:  # what comes after is said of each symbol again
                self._not_live.clear()
            if status.reason == "ended":
                self._skip_counter.log_total()
        elif status.feed == "live":
            self._not_live.pop(status.symbol, None)
        else:
            self._not_live[status.symbol] = status

    def _heard(self, events: list[MarketEvent], now_us: int) -> None:
        self._stats.venue_last_us[self.name] = now_us
        if self._is_silent:
            self._is_silent = False
            back = FeedStatus(None, self._said, "heard", self._clock.stamp_us())
            events[:0] = [*self._not_live.values(), back]

    def _list(self, instruments: Sequence[Instrument]) -> None:
        """Nobody trades them here."""

    def _watch_silence(self, now_us: int) -> None:
        last_us = max(self._live_us, self._stats.venue_last_us.get(self._venue.name, 0))
        if self._said == "live" and not self._is_silent and now_us - last_us > self._stale_us:
            self._is_silent = True
            self._publish([FeedStatus(None, "stale", "silent", self._clock.stamp_us())])

    def _publish(self, events: Sequence[MarketEvent]) -> None:
        self._bus.publish(self._venue.name, events, self._clock.stamp_us())


class TradingFeed(VenueFeed):
    """A trading venue's. To the desk it is where commands are executed."""

    def __init__(
        self,
        venue: TradingVenue,
        bus: LocalBus,
        stats: Stats,
        clock: Clock,
        stale_us: int,
        desk: VenueListener,
    ) -> None:
        super().__init__(venue, bus, stats, clock, stale_us)
        self._trading = venue
        self._desk = desk
        self._unshown: list[VenueOutput] = []
        self._loop: asyncio.AbstractEventLoop | None = None

    def _time(self) -> int:
        self._trading.date(self._clock.offset_us)
        return self._clock.monotonic_us()

    def execute(self, command: Command) -> Sequence[Report]:
        """Execute the command; what the market shows of it is published soon, and in order.

        Soon: once for all commands of a turn of the loop, and after the turn went to the journal.
        """
        execution = self._trading.execute(command, self._time())
        if not self._unshown:
            self._loop = self._loop or asyncio.get_running_loop()  # asked once: it is a system call
            # A turn later: meanwhile the loop lets go of the interpreter's lock, and the journal's thread,
            # which has just been given this turn, begins. Measured: 10 us less until an order is durable.
            self._loop.call_soon(self._loop.call_soon, self._show)
        self._unshown += execution.outputs
        return execution.reports

    def _show(self) -> None:
        """Publish what commands made the market show."""
        before_us = self._wake_us
        unshown, self._unshown = self._unshown, []
        try:
            super()._take(unshown, self._clock.monotonic_us())
        except Exception as error:  # noqa: BLE001 - raised again where the venue is run
            self._fault = error
        if self._fault or (self._wake_us is not None and (before_us is None or self._wake_us < before_us)):
            self._is_due.set()

    def _take(self, outputs: Sequence[VenueOutput], now_us: int) -> None:
        if self._unshown:
            self._show()
        super()._take(outputs, now_us)

    def prices(self, symbol: str) -> Prices:
        """Return the symbol's prices; not live where the venue has fallen silent, or over."""
        prices = self._trading.prices(symbol)
        is_current = (self._is_up and not self._is_silent) or prices.feed != "live"
        return prices if is_current else msgspec.structs.replace(prices, feed="stale")

    def _started(self) -> None:
        self._desk.opened(self._trading.name)

    def _list(self, instruments: Sequence[Instrument]) -> None:
        self._desk.listed(instruments)

    def _report(self, reports: Sequence[Report]) -> None:
        self._desk.reported(reports)
