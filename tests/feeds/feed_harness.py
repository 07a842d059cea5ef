"""A feed of a venue whose outputs the test sets, and all that it publishes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from floorwire.bus.local import LocalBus
from floorwire.core.market_events import FeedStatus, MarketEvent, Trade
from floorwire.core.past_candles import PastWanted
from floorwire.core.past_trades import PastOutput
from floorwire.core.ports import (
    Close,
    Fetch,
    Frame,
    Open,
    Send,
    VenueInput,
    VenueOutput,
    Wanted,
    Woke,
)
from floorwire.core.stream_interest import StreamInterest
from floorwire.core.venue_traffic import VenueTraffic
from floorwire.feeds.venue_feed import VenueFeed
from floorwire.ops.stats import Stats
from tests.clocks import following

START_US = 1_800_000_000_000_000
SECOND_US = 1_000_000
LIVE = FeedStatus(None, "live", "synced", START_US)


class ScriptedVenue:
    """A venue whose outputs the test sets."""

    name = "puppet"

    def __init__(self, *first: VenueOutput) -> None:
        self.first: Sequence[VenueOutput] = first
        self.next: Sequence[VenueOutput] | Exception = ()
        self.starts = 0
        self.woke_us: list[int] = []

    def start(self, now_us: int) -> Sequence[VenueOutput]:
        """Say how it begins."""
        self.starts += 1
        return self.first

    def receive(self, happened: VenueInput, now_us: int) -> Sequence[VenueOutput]:
        """Say what comes next, once."""
        assert isinstance(happened, Woke | Frame)
        self.woke_us.append(now_us)
        outputs, self.next = self.next, ()
        if isinstance(outputs, Exception):
            raise outputs
        return outputs


class OnDemand(ScriptedVenue):
    """A venue that streams what is wanted."""

    streams_on_demand = True

    def __init__(self, *first: VenueOutput) -> None:
        super().__init__(*first)
        self.wanted: list[dict[str, set[str]]] = []

    def receive(self, happened: VenueInput, now_us: int) -> Sequence[VenueOutput]:
        """Note the wish, or say what comes next."""
        if not isinstance(happened, Wanted):
            return super().receive(happened, now_us)
        self.wanted.append({symbol: set(kinds) for symbol, kinds in happened.streams.items()})
        return ()


class TradesOfFrames(ScriptedVenue):
    """A venue that makes a trade of each frame."""

    def receive(self, happened: VenueInput, now_us: int) -> Sequence[VenueOutput]:
        """Say the trade."""
        if not isinstance(happened, Frame) or isinstance(self.next, Exception):
            return super().receive(happened, now_us)
        return (Trade("BTC-USDT", str(happened.data), 1, 1, "buy", now_us),)


class QueueOfFrames:
    """A connector. The test says what comes."""

    def __init__(self) -> None:
        self.traffic = VenueTraffic()
        self._queue: list[VenueInput] = []

    def start(self, on_input: Callable[[], None], on_frame: Callable[[Frame], bool] | None = None) -> None:
        assert on_frame is not None
        self._on_input, self._on_frame = on_input, on_frame

    def read(self, text: str) -> None:
        """Let one read bring this message."""
        if self._queue or not self._on_frame(Frame("a", text)):
            self.put(Frame("a", text))

    def put(self, happened: VenueInput) -> None:
        """Let something wait."""
        self._queue.append(happened)
        self._on_input()

    def next_input(self) -> VenueInput | None:
        return self._queue.pop(0) if self._queue else None

    def reset(self) -> None:
        self._queue.clear()

    async def close(self) -> None:
        self.reset()

    def carry_out(self, effect: Open | Send | Close | Fetch) -> None:
        raise NotImplementedError(effect)


class FeedHarness:
    """A feed of the venue, and all that it publishes."""

    def __init__(
        self, venue: ScriptedVenue, stale_us: int = 10 * SECOND_US, connector: QueueOfFrames | None = None
    ) -> None:
        self.pauses = 0
        self.now_us = START_US
        self.interest = StreamInterest(30 * SECOND_US)
        self.batches: list[tuple[str, list[MarketEvent], int]] = []
        self.stats = Stats()
        self.venue = venue
        self.bus = LocalBus()
        self.bus.subscribe(
            lambda venue, events, recv_us: self.batches.append((venue, list(events), recv_us)), self._pause
        )
        self._feed = VenueFeed(
            venue, self.bus, self.stats, following(lambda: self.now_us), stale_us, connector, self.interest
        )

    def _pause(self) -> None:
        self.pauses += 1

    def ask_past(self, wanted: PastWanted, answer: Callable[[PastOutput], None]) -> bool:
        """Ask the feed for the past of its venue."""
        return self._feed.ask_past(wanted, answer)

    def trades(self) -> list[list[str]]:
        """Return the ids of the trades of each batch that has some."""
        found = [
            [event.trade_id for event in events if isinstance(event, Trade)] for _, events, _ in self.batches
        ]
        return [ids for ids in found if ids]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run the feed."""
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(self._feed.run())
            await turn()
            yield
            running.cancel()

    @property
    def events(self) -> list[MarketEvent]:
        """Everything published so far."""
        return [event for _, events, _ in self.batches for event in events]


async def turn() -> None:
    """Let the feed run until it waits."""
    for _ in range(3):
        await asyncio.sleep(0)


async def until(is_so: Callable[[], bool]) -> None:
    """Wait until it is so."""
    async with asyncio.timeout(20):
        while not is_so():
            await asyncio.sleep(0.001)
