"""Feeds: runs one venue, publishes what it says, and notices when it says nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import structlog

from floorwire.bus.local import LocalBus
from floorwire.core.market import Feed, FeedStatus, MarketEvent
from floorwire.core.ports import Close, Fetch, Open, Send, Venue, VenueOutput, Wake, Woke
from floorwire.ops.stats import Stats

RESTART_S = 1.0
IDLE_S = 1.0

log = structlog.get_logger("floorwire.feeds")


class VenueFeed:
    """One venue, from its first output until it is cancelled."""

    def __init__(
        self, venue: Venue, bus: LocalBus, stats: Stats, clock: Callable[[], int], stale_us: int
    ) -> None:
        self._venue = venue
        self._bus = bus
        self._stats = stats
        self._clock = clock
        self._stale_us = stale_us
        self._wake_us: int | None = None
        self._said: Feed = "connecting"
        self._is_silent = False

    async def run(self) -> None:
        """Run the venue; where its code fails, say so, and start it again."""
        while True:
            try:
                await self._run()
            except Exception:  # one venue's fault must not take the gateway down
                log.exception("venue failed", venue=self._venue.name)
                self._publish([FeedStatus(None, "stale", "fault", self._clock())])
                await asyncio.sleep(RESTART_S)

    async def _run(self) -> None:
        now_us = self._clock()
        self._take(self._venue.start(now_us), now_us)
        while True:
            await asyncio.sleep(self._pause_s())
            now_us = self._clock()
            if self._wake_us is not None and now_us >= self._wake_us:
                self._wake_us = None
                self._take(self._venue.receive(Woke(), now_us), now_us)
            self._watch_silence(now_us)

    def _pause_s(self) -> float:
        if self._wake_us is None:
            return IDLE_S
        return min(IDLE_S, max(0, self._wake_us - self._clock()) / 1_000_000)

    def _take(self, outputs: Sequence[VenueOutput], now_us: int) -> None:
        events: list[MarketEvent] = []
        for output in outputs:
            match output:
                case Wake(at_us):
                    self._wake_us = at_us
                case Open() | Send() | Close() | Fetch():
                    raise NotImplementedError(f"{self._venue.name} asks for {output}: no live links yet")
                case _:
                    events.append(output)
        if events:
            self._note(events, now_us)
            self._publish(events)

    def _note(self, events: list[MarketEvent], now_us: int) -> None:
        self._stats.venue_events[self._venue.name] += len(events)
        self._stats.venue_last_us[self._venue.name] = now_us
        for event in events:
            if isinstance(event, FeedStatus) and event.symbol is None:
                self._said = event.feed
        if self._is_silent:
            self._is_silent = False
            events.insert(0, FeedStatus(None, self._said, "heard", now_us))

    def _watch_silence(self, now_us: int) -> None:
        last_us = self._stats.venue_last_us.get(self._venue.name, now_us)
        if self._said == "live" and not self._is_silent and now_us - last_us > self._stale_us:
            self._is_silent = True
            self._publish([FeedStatus(None, "stale", "silent", now_us)])

    def _publish(self, events: Sequence[MarketEvent]) -> None:
        self._bus.publish(self._venue.name, events, self._clock())
