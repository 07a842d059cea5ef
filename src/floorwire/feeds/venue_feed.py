"""Runs one venue: gives it what happened, publishes its market events, and starts it again after a fault."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import get_args

import msgspec
import structlog

from floorwire.bus.local import LocalBus
from floorwire.clock import Clock
from floorwire.core import market_events
from floorwire.core.connector_port import Connector
from floorwire.core.execution_reports import Report
from floorwire.core.instrument import Instrument
from floorwire.core.market_events import FeedStatus, Listing, MarketEvent, StreamsEnded
from floorwire.core.past_candles import PastEnded, PastPage, PastWanted
from floorwire.core.past_trades import PastOutput, PastTradesPage
from floorwire.core.ports import (
    Activity,
    Close,
    Fetch,
    Frame,
    Open,
    Prices,
    Reported,
    Send,
    StreamsOnDemand,
    Venue,
    VenueOutput,
    Wake,
    Wanted,
    Woke,
)
from floorwire.core.replay_controls import PlaysRecording, ReplayControl, ReplayPosition
from floorwire.core.stream_interest import StreamInterest, Streams
from floorwire.feeds.feed_silence import FeedSilence
from floorwire.ops.skips import VenueSkipCounter
from floorwire.ops.stats import Stats

PUBLISHED = frozenset(get_args(MarketEvent))
PRICES = PUBLISHED - {FeedStatus, Listing, StreamsEnded, market_events.VenueTime}
RESTART_S = 1.0
IDLE_S = 1.0
ENDED_FOR_GOOD = ("unwanted", "replaced")
"""Reasons of links that are not opened again. Their age is not told any more."""
INPUTS_A_TURN = 128
"""So many frames and answers of a venue are handled in one turn of the event loop. Others go between."""

log = structlog.get_logger("floorwire.venue_feed")


class VenueFeed:
    """Runs one venue until cancelled.

    ``stale_us``: the longest silence in microseconds. After it the feed is published as stale.
    ``connector``: does what the venue asks for; None: the venue needs no links. ``interest``: what clients
    want.
    """

    def __init__(
        self,
        venue: Venue,
        bus: LocalBus,
        stats: Stats,
        clock: Clock,
        stale_us: int,
        connector: Connector | None = None,
        interest: StreamInterest | None = None,
    ) -> None:
        self.name = venue.name
        self._venue = venue
        self._bus = bus
        self._stats = stats
        self._clock = clock
        self._wake_us: int | None = None
        self._is_due = asyncio.Event()
        self._silence = FeedSilence(stale_us)
        self._is_up = False
        self._fault: Exception | None = None
        self._skip_counter = VenueSkipCounter(venue, stats)
        self._connector = connector
        self._loop: asyncio.AbstractEventLoop | None = None
        """Looked up once: that is a system call."""
        self._is_turn_due = False
        """Whether a turn that handles inputs is scheduled."""
        self._has_read = False
        """Whether inputs were handled as they came, since the last scheduled turn."""
        self._interest = interest if isinstance(venue, StreamsOnDemand) and venue.streams_on_demand else None
        """What clients want of the venue. None: it streams whatever it has."""
        self._on_past: Callable[[PastOutput], None] | None = None
        """Gets what was asked for last of the past."""
        self._told: Streams | None = None
        """What the venue was last told to stream."""

    async def run(self) -> None:
        """Run the venue. If its code fails, publish the feed as stale and start the venue again."""
        if self._connector is None:
            await self._run_venue()
            return
        self._connector.start(self._on_input, self._on_frame)
        try:
            await self._run_venue()
        finally:
            self._is_up = False
            await self._connector.close()

    async def _run_venue(self) -> None:
        while True:
            try:
                await self._run()
            except Exception:  # One venue's fault must not stop the gateway.
                self._is_up = False
                if self._connector is not None:
                    self._connector.reset()
                log.exception("venue failed", venue=self._venue.name)
                self._publish([FeedStatus(None, "stale", "fault", self._clock.stamp_us())])
                await asyncio.sleep(RESTART_S)

    async def _run(self) -> None:
        now_us = self._time()
        self._handle(self._venue.start(now_us), now_us)
        self._told = None
        if self._interest is not None:
            self._interest.on_change(self.name, self._is_due.set)
            self._tell_wanted(now_us)
        self._is_up = True
        self._on_started()
        while True:
            await self._pause()
            if self._fault is not None:
                fault, self._fault = self._fault, None
                raise fault
            now_us = self._time()
            if self._wake_us is not None and now_us >= self._wake_us:
                self._wake_us = None
                self._handle(self._venue.receive(Woke(), now_us), now_us)
            self._tell_wanted(now_us)
            self._check_silence(now_us)
            self._skip_counter.poll(now_us)

    def control(self, control: ReplayControl) -> ReplayPosition | None:
        """Do what an operator asks of a replay; return where it stands then. None: the venue plays none.

        Raises SeekError, SpeedError.
        """
        if not isinstance(self._venue, PlaysRecording) or not self._is_up:
            return None
        now_us = self._time()
        self._handle(self._venue.control(control, now_us), now_us)
        self._is_due.set()
        return self._venue.position(now_us)

    def position(self) -> ReplayPosition | None:
        """Return where a replay stands; None if the venue plays none, or has not started."""
        if not isinstance(self._venue, PlaysRecording) or not self._is_up:
            return None
        return self._venue.position(self._time())

    def ask_past(self, wanted: PastWanted, answer: Callable[[PastOutput], None]) -> bool:
        """Ask the venue for its past; call ``answer`` with what comes. Return whether it runs.

        What was asked before gets nothing more.
        """
        if not self._is_up or self._fault is not None:
            return False
        self._on_past = answer
        before_us = self._wake_us
        now_us = self._time()
        try:
            self._handle(self._venue.receive(wanted, now_us), now_us)
        except Exception as error:  # noqa: BLE001 - _run() raises it again
            self._fault = error
        self._hurry(before_us)
        return True

    def _tell_wanted(self, now_us: int) -> None:
        """Tell the venue what clients want, if that is not what it was told."""
        if self._interest is None:
            return
        wanted = self._interest.wanted(self.name, now_us)
        if wanted == self._told:
            return
        if not self._told:
            self._silence.count_from(now_us)  # It was not silent: nothing was wanted of it.
        self._told = wanted
        self._handle(self._venue.receive(Wanted(wanted), now_us), now_us)

    def _on_input(self) -> None:
        """Handle the venue's inputs at the end of this turn, all together."""
        if not self._is_turn_due:
            self._is_turn_due = True
            self._loop = self._loop or asyncio.get_running_loop()
            self._loop.call_soon(self._receive_turn)

    def _on_frame(self, frame: Frame) -> bool:
        """Handle a frame in the call that brought it, and let what comes of it be sent.

        Only one in a turn of the event loop. So a venue takes at most two such steps of a turn, and what
        comes fast is sent in fewer writes. Return whether it was handled.
        """
        if self._has_read or not self._is_up or self._fault is not None:
            return False
        self._has_read = True
        before_us = self._wake_us
        try:
            now_us = self._time()
            self._publish_earlier()
            events: list[MarketEvent] = []
            self._apply(self._venue.receive(frame, now_us), events, now_us)
            self._publish_and_clear(events, now_us)
        except Exception as error:  # noqa: BLE001 - _run() raises it again
            self._fault = error
        self._bus.pause()
        self._on_input()
        self._hurry(before_us)
        return True

    def _receive_turn(self) -> None:
        self._is_turn_due = self._has_read = False
        if not self._is_up or self._fault is not None:
            return
        before_us = self._wake_us
        try:
            self._receive_waiting()
        except Exception as error:  # noqa: BLE001 - _run() raises it again
            self._fault = error
        self._bus.pause()
        self._hurry(before_us)

    def _hurry(self, before_us: int | None) -> None:
        """Let ``_run`` see a fault at once, and a wake-up that is earlier than the one before."""
        if self._fault or (self._wake_us is not None and (before_us is None or self._wake_us < before_us)):
            self._is_due.set()

    def _receive_waiting(self) -> None:
        """Handle what came, and publish once what comes of it."""
        assert self._connector is not None, "only it has inputs"
        happened = self._connector.next_input()
        if happened is None:
            return
        now_us = self._time()
        self._publish_earlier()
        events: list[MarketEvent] = []
        left = INPUTS_A_TURN
        while happened is not None:
            self._apply(self._venue.receive(happened, now_us), events, now_us)
            left -= 1
            if not left:
                self._on_input()
                break
            happened = self._connector.next_input()
        self._publish_and_clear(events, now_us)

    def _publish_earlier(self) -> None:
        """Do nothing: nothing waits to be published."""

    def _time(self) -> int:
        """Return monotonic time, which venues use."""
        return self._clock.monotonic_us()

    def _on_started(self) -> None:
        """Do nothing: this venue is not traded on."""

    async def _pause(self) -> None:
        """Wait until the venue's next wake-up, but at most IDLE_S."""
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

    def _handle(self, outputs: Sequence[VenueOutput], now_us: int) -> None:
        self._publish_earlier()
        events: list[MarketEvent] = []
        self._apply(outputs, events, now_us)
        self._publish_and_clear(events, now_us)

    def _apply(self, outputs: Sequence[VenueOutput], events: list[MarketEvent], now_us: int) -> None:
        """Carry out the effects among the outputs. Add the market events to ``events``."""
        for output in outputs:
            if type(output) in PUBLISHED:  # Most are. isinstance takes four times as long if it is not.
                events.append(output)  # type: ignore[arg-type] # its type says so; cast is a call
            elif type(output) is Wake:
                self._wake_us = output.at_us
            elif type(output) is Reported:
                self._publish_and_clear(events, now_us)
                self._on_reported(output.reports)
            elif type(output) is Activity:
                self._publish_and_clear(events, now_us)
                self._record_receipt(output, now_us)
            elif type(output) is PastPage or type(output) is PastTradesPage or type(output) is PastEnded:
                if self._on_past is not None:
                    self._on_past(output)
            elif isinstance(output, Open | Send | Close | Fetch) and self._connector is not None:
                if type(output) is Close and output.reason in ENDED_FOR_GOOD:
                    self._stats.link_last_us.pop((self.name, output.link), None)
                self._connector.carry_out(output)
            else:
                raise NotImplementedError(f"{self._venue.name} asks for {output}: it has no links")

    def _publish_and_clear(self, events: list[MarketEvent], now_us: int) -> None:
        if events:
            count = len(events)
            self._observe(events, now_us)
            self._bus.publish(self.name, events, self._clock.stamp_us())
            self._stats.venue_events[self.name] += count
            events.clear()

    def _on_reported(self, reports: Sequence[Report]) -> None:
        raise NotImplementedError(f"{self._venue.name} reports {reports}, and nobody trades there")

    def _record_receipt(self, heard: Activity, now_us: int) -> None:
        """Record when each link and symbol last got data, even if no market event came of it."""
        for link in heard.links:
            self._stats.link_last_us[self.name, link] = now_us
        for symbol in heard.symbols:
            self._stats.symbol_last_us[self.name, symbol] = now_us
        self._stats.venue_last_us[self.name] = now_us
        if self._silence.has_begun:
            events: list[MarketEvent] = []
            self._end_silence(events)
            self._publish(events)

    def _observe(self, events: list[MarketEvent], now_us: int) -> None:
        is_from_venue = False
        for event in events:  # Only what the venue sent ends a silence, not what the adapter made by itself.
            if type(event) in PRICES:
                is_from_venue = True
            elif type(event) is FeedStatus:
                self._update_status(event, now_us)
            elif type(event) is Listing:
                self._on_listed(event.instruments)
            elif type(event) is market_events.VenueTime and not event.is_reckoned:
                is_from_venue = True
        if is_from_venue:
            self._stats.venue_last_us[self.name] = now_us
            if self._silence.has_begun:
                self._end_silence(events)

    def _update_status(self, status: FeedStatus, now_us: int) -> None:
        self._silence.update(status, now_us)
        if status.symbol is None:
            if status.reason == "ended":
                self._skip_counter.log_total()
        elif status.reason == "unwanted" and status.feed != "live":
            self._stats.symbol_last_us.pop((self.name, status.symbol), None)

    def _end_silence(self, events: list[MarketEvent]) -> None:
        """Tell before these events that the venue is heard again."""
        events[:0] = self._silence.end(self._clock.stamp_us())

    def _on_listed(self, instruments: Sequence[Instrument]) -> None:
        """Do nothing: they are not traded on this venue."""

    def _check_silence(self, now_us: int) -> None:
        is_expected = self._interest is None or bool(self._told)
        heard_us = self._stats.venue_last_us.get(self._venue.name, 0)
        if is_expected and self._silence.begins(heard_us, now_us):
            self._publish([FeedStatus(None, "stale", "silent", self._clock.stamp_us())])

    def _if_current(self, prices: Prices) -> Prices:
        """Return the prices: stale ones, if the venue is silent or has failed."""
        is_current = (self._is_up and not self._silence.has_begun) or prices.feed != "live"
        return prices if is_current else msgspec.structs.replace(prices, feed="stale")

    def _publish(self, events: Sequence[MarketEvent]) -> None:
        self._bus.publish(self._venue.name, events, self._clock.stamp_us())
