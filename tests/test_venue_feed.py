"""Feeds: a venue's events are published in order; so are its silence and its faults."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import pytest

from floorwire import venue_feed
from floorwire.bus.local import LocalBus
from floorwire.core.market_events import FeedStatus, MarketEvent, Trade, VenueTime
from floorwire.core.order_commands import Cancel, Command
from floorwire.core.ports import (
    Activity,
    Close,
    Execution,
    Fetch,
    Frame,
    Open,
    Prices,
    Send,
    VenueInput,
    VenueOutput,
    Wake,
    Wanted,
    Woke,
)
from floorwire.core.stream_interest import StreamInterest
from floorwire.core.venue_traffic import VenueTraffic
from floorwire.ops.stats import Stats
from floorwire.venue_feed import TradingFeed, VenueFeed
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


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(venue_feed, "IDLE_S", 0.001)
    monkeypatch.setattr(venue_feed, "RESTART_S", 0.001)


async def turn() -> None:
    """Let the feed run until it waits."""
    for _ in range(3):
        await asyncio.sleep(0)


async def until(is_so: Callable[[], bool]) -> None:
    """Wait until it is so."""
    async with asyncio.timeout(20):
        while not is_so():
            await asyncio.sleep(0.001)


async def test_what_a_venue_says_is_published_in_one_batch_with_its_name_and_the_time() -> None:
    harness = FeedHarness(ScriptedVenue(LIVE, Wake(START_US + SECOND_US), VenueTime(START_US)))
    async with harness.running():
        assert harness.batches == [("puppet", [LIVE, VenueTime(START_US)], START_US)]
    assert harness.stats.venue_events == {"puppet": 2}
    assert harness.stats.venue_last_us == {"puppet": START_US}


async def test_a_frame_is_published_at_once_and_more_of_the_turn_at_its_end() -> None:
    connector = QueueOfFrames()
    harness = FeedHarness(TradesOfFrames(LIVE), connector=connector)
    async with harness.running():
        connector.read("1")
        assert (harness.trades(), harness.pauses) == ([["1"]], 1)
        connector.read("2")
        connector.read("3")
        assert harness.trades() == [["1"]]
        await turn()
        assert (harness.trades(), harness.pauses) == ([["1"], ["2", "3"]], 2)
        connector.read("4")
        assert harness.trades()[2:] == [["4"]], "another turn"
        await turn()
        connector.put(Frame("a", "5"))
        connector.read("6")
        assert len(harness.trades()) == 3, "what waits comes first"
        await turn()
        assert harness.trades()[3:] == [["5", "6"]]


async def test_a_fault_of_a_frame_starts_the_venue_again() -> None:
    connector, venue = QueueOfFrames(), TradesOfFrames(LIVE)
    harness = FeedHarness(venue, connector=connector)
    async with harness.running():
        venue.next = ValueError("a fault of ours")
        connector.read("1")
        await until(lambda: venue.starts == 2)
        connector.read("2")
        assert harness.trades() == [["2"]]


async def test_a_venue_hears_what_is_wanted_at_its_start_and_whenever_that_changes() -> None:
    venue = OnDemand(LIVE)
    harness = FeedHarness(venue)
    async with harness.running():
        assert venue.wanted == [{}], "before anything else"
        harness.interest.add("puppet:BTC-USDT", ("book",))
        await until(lambda: len(venue.wanted) == 2)
        harness.interest.add("puppet:BTC-USDT", ("book",))
        harness.interest.add("other:BTC-USDT", ("book",))
        await asyncio.sleep(0.01)
        assert venue.wanted[1:] == [{"puppet:BTC-USDT": {"book"}}]
        for _ in range(2):
            harness.interest.remove("puppet:BTC-USDT", ("book",), harness.now_us)
        harness.now_us += 30 * SECOND_US
        await until(lambda: len(venue.wanted) == 3)
        assert venue.wanted[2] == {}


async def test_a_venue_that_starts_again_hears_the_whole_wish() -> None:
    venue = OnDemand(LIVE, Wake(START_US))
    harness = FeedHarness(venue)
    harness.interest.add("puppet:BTC-USDT", ("book",))
    venue.next = RuntimeError("a fault")
    async with harness.running():
        await until(lambda: venue.starts == 2 and len(venue.wanted) == 2)
        assert venue.wanted == [{"puppet:BTC-USDT": {"book"}}] * 2


async def test_a_venue_of_which_nothing_is_wanted_is_not_silent() -> None:
    venue = OnDemand(LIVE)
    harness = FeedHarness(venue)
    async with harness.running():
        harness.now_us += 60 * SECOND_US
        await asyncio.sleep(0.01)
        assert harness.events == [LIVE]
        harness.interest.add("puppet:BTC-USDT", ("book",))
        await until(lambda: len(venue.wanted) == 2)
        harness.now_us += 10 * SECOND_US
        await asyncio.sleep(0.01)
        assert harness.events == [LIVE], "it has as long as any other"
        harness.now_us += SECOND_US
        await until(lambda: len(harness.events) == 2)
        assert harness.events[1] == FeedStatus(None, "stale", "silent", harness.now_us)


async def test_a_venue_is_woken_when_it_asked_and_once() -> None:
    venue = ScriptedVenue(LIVE, Wake(START_US + 9 * SECOND_US), Wake(START_US + SECOND_US))
    harness = FeedHarness(venue)
    venue.next = [VenueTime(START_US + SECOND_US)]
    async with harness.running():
        harness.now_us += SECOND_US - 1
        await asyncio.sleep(0.01)
        assert venue.woke_us == []
        harness.now_us += 1
        await until(lambda: bool(venue.woke_us))
        harness.now_us += 20 * SECOND_US
        await asyncio.sleep(0.01)
        assert venue.woke_us == [START_US + SECOND_US], "the later request took the place of the earlier"
        assert VenueTime(START_US + SECOND_US) in harness.events


async def test_nothing_to_say_is_nothing_published() -> None:
    venue = ScriptedVenue(LIVE, Wake(START_US))
    harness = FeedHarness(venue)
    async with harness.running():
        await until(lambda: bool(venue.woke_us))
        assert len(harness.batches) == 1


# --- silence ----------------------------------------------------------------------------------------


async def test_silence_is_told_once_and_so_is_its_end() -> None:
    venue = ScriptedVenue(LIVE, Wake(START_US + 60 * SECOND_US))
    harness = FeedHarness(venue, stale_us=10 * SECOND_US)
    venue.next = [VenueTime(START_US + 60 * SECOND_US)]
    async with harness.running():
        harness.now_us += 10 * SECOND_US
        await asyncio.sleep(0.01)
        assert harness.events == [LIVE], "not longer than it may be"
        harness.now_us += 1
        await until(lambda: len(harness.events) == 2)
        silent_us = harness.now_us
        harness.now_us += 20 * SECOND_US
        await asyncio.sleep(0.01)
        harness.now_us = START_US + 60 * SECOND_US
        await until(lambda: bool(venue.woke_us))
        assert harness.events == [
            LIVE,
            FeedStatus(None, "stale", "silent", silent_us),
            FeedStatus(None, "live", "heard", harness.now_us),
            VenueTime(START_US + 60 * SECOND_US),
        ]


async def test_a_venue_that_is_not_live_may_be_silent() -> None:
    connecting = FeedStatus(None, "connecting", "start", START_US)
    harness = FeedHarness(ScriptedVenue(connecting))
    async with harness.running():
        harness.now_us += 100 * SECOND_US
        await asyncio.sleep(0.01)
        assert harness.events == [connecting]


async def test_what_is_said_of_one_symbol_is_not_said_of_the_venue() -> None:
    of_symbol = FeedStatus("BTC-USDT", "stale", "sequence_gap", START_US)
    harness = FeedHarness(ScriptedVenue(LIVE, of_symbol), stale_us=SECOND_US)
    async with harness.running():
        harness.now_us += 2 * SECOND_US
        await until(lambda: len(harness.events) == 3)
        assert harness.events[-1] == FeedStatus(None, "stale", "silent", harness.now_us)


async def test_a_clock_that_the_adapter_reckons_is_no_sign_of_the_venue() -> None:
    venue = ScriptedVenue(LIVE, Wake(START_US + SECOND_US))
    harness = FeedHarness(venue, stale_us=10 * SECOND_US)
    async with harness.running():
        for second in range(1, 13):
            venue.next = [
                VenueTime(START_US + second * SECOND_US, is_reckoned=True),
                Wake(START_US + (second + 1) * SECOND_US),
            ]
            harness.now_us += SECOND_US
            await until(lambda: len(venue.woke_us) == second)  # noqa: B023 - waited for here
            await turn()
        await until(lambda: FeedStatus(None, "stale", "silent", START_US + 11 * SECOND_US) in harness.events)
        assert harness.stats.venue_last_us == {}


async def test_what_a_venue_sends_that_shows_nothing_counts_as_heard() -> None:
    venue = ScriptedVenue(LIVE, Wake(START_US + 20 * SECOND_US))
    venue.next = [Activity(("link",), ("BTC-USDT",))]
    harness = FeedHarness(venue, stale_us=10 * SECOND_US)
    async with harness.running():
        harness.now_us += 11 * SECOND_US
        await until(lambda: len(harness.events) == 2)
        harness.now_us += 9 * SECOND_US
        await until(lambda: len(harness.events) == 3)
        assert harness.events[-1] == FeedStatus(None, "live", "heard", harness.now_us)
        assert harness.stats.venue_last_us == {"puppet": harness.now_us}
        assert harness.stats.link_last_us == {("puppet", "link"): harness.now_us}
        assert harness.stats.symbol_last_us == {("puppet", "BTC-USDT"): harness.now_us}


async def test_the_end_of_silence_does_not_make_a_symbol_current_that_was_not() -> None:
    lost = FeedStatus("BTC-USDT", "stale", "sequence_gap", START_US)
    venue = ScriptedVenue(LIVE, lost, Wake(START_US + 20 * SECOND_US))
    venue.next = [Trade("ETH-USDT", "1", 1, 1, "buy", START_US)]
    harness = FeedHarness(venue, stale_us=10 * SECOND_US)
    async with harness.running():
        harness.now_us += 11 * SECOND_US
        await until(lambda: len(harness.events) == 3)
        harness.now_us += 9 * SECOND_US
        await until(lambda: len(harness.events) == 6)
        assert harness.events[3:5] == [lost, FeedStatus(None, "live", "heard", harness.now_us)]


# --- faults -----------------------------------------------------------------------------------------


async def test_a_fault_is_told_and_the_venue_starts_again(capsys: pytest.CaptureFixture[str]) -> None:
    venue = ScriptedVenue(LIVE, Wake(START_US))
    venue.next = ZeroDivisionError("in the adapter")
    harness = FeedHarness(venue)
    async with harness.running():
        await until(lambda: venue.starts == 2)
        await turn()
        assert harness.events[:3] == [LIVE, FeedStatus(None, "stale", "fault", START_US), LIVE]
    assert "ZeroDivisionError" in capsys.readouterr().out


async def test_what_cannot_be_done_yet_is_a_fault(capsys: pytest.CaptureFixture[str]) -> None:
    venue = ScriptedVenue(Open("public", "wss://exchange.example"))
    harness = FeedHarness(venue)
    async with harness.running():
        await until(lambda: venue.starts == 2)
    assert "wss://exchange.example" in capsys.readouterr().out


async def test_the_end_of_the_gateway_is_no_fault() -> None:
    harness = FeedHarness(ScriptedVenue(LIVE))
    async with harness.running():
        pass
    assert harness.events == [LIVE]


# --- the bus ----------------------------------------------------------------------------------------


def test_every_consumer_gets_every_batch() -> None:
    bus, first, second = LocalBus(), list[tuple[str, int]](), list[tuple[str, int]]()
    bus.subscribe(lambda venue, events, recv_us: first.append((venue, recv_us)))
    bus.subscribe(lambda venue, events, recv_us: second.append((venue, recv_us)))
    bus.publish("sim", [VenueTime(1)], 5)
    bus.publish("sim", [VenueTime(2)], 6)
    assert first == second == [("sim", 5), ("sim", 6)]


# --- commands ---------------------------------------------------------------------------------------


class ScriptedTradingVenue(ScriptedVenue):
    """A venue that takes orders: each command makes its market show one event."""

    def __init__(self, *first: VenueOutput) -> None:
        super().__init__(*first)
        self.shows: Sequence[VenueOutput] = ()

    def date(self, offset_us: int) -> None:
        """The date is the time here."""

    def execute(self, command: Command, now_us: int) -> Execution:
        """Say what the test lets it say."""
        return Execution((), self.shows)

    def prices(self, symbol: str) -> Prices:
        """Nobody asks."""
        raise AssertionError(symbol)


class FakeDesk:
    """Stands for the desk, which is told of the opening and nothing else here."""

    def opened(self, venue: str) -> None:
        """All is well."""


class TradingFeedHarness(FeedHarness):
    """A trading feed of the venue."""

    def __init__(self, trader: ScriptedTradingVenue) -> None:
        super().__init__(trader)
        clock = following(lambda: self.now_us)
        self.feed = TradingFeed(trader, self.bus, self.stats, clock, SECOND_US, FakeDesk())  # type: ignore[arg-type]
        self._feed = self.feed

    def command(self, *shows: VenueOutput) -> None:
        """Have a command executed that makes the market show these."""
        assert isinstance(self.venue, ScriptedTradingVenue)
        self.venue.shows = shows
        self.feed.execute(Cancel("BTC-USDT", 1))


async def test_what_commands_of_one_turn_show_is_published_once_and_after_it() -> None:
    harness = TradingFeedHarness(ScriptedTradingVenue(LIVE))
    async with harness.running():
        harness.command(VenueTime(START_US + 1))
        harness.command(VenueTime(START_US + 2))
        assert harness.events == [LIVE]
        await turn()
        assert harness.batches[1:] == [
            ("puppet", [VenueTime(START_US + 1), VenueTime(START_US + 2)], START_US)
        ]


async def test_what_a_command_shows_is_published_before_what_the_venue_says_next() -> None:
    trader = ScriptedTradingVenue(LIVE, Wake(START_US))
    trader.next = [VenueTime(START_US + 2)]
    harness = TradingFeedHarness(trader)
    receive_before = trader.receive

    def receive(happened: VenueInput, now_us: int) -> Sequence[VenueOutput]:
        if not trader.woke_us:
            harness.command(VenueTime(START_US + 1))
        return receive_before(happened, now_us)

    trader.receive = receive  # type: ignore[method-assign]
    async with harness.running():
        await until(lambda: len(harness.events) == 3)
        assert harness.events == [LIVE, VenueTime(START_US + 1), VenueTime(START_US + 2)]


async def test_a_command_may_have_the_venue_woken_earlier() -> None:
    trader = ScriptedTradingVenue(LIVE, Wake(START_US + 9 * SECOND_US))
    harness = TradingFeedHarness(trader)
    async with harness.running():
        harness.command(Wake(START_US))
        await until(lambda: trader.woke_us == [START_US])


async def test_where_publishing_fails_the_venue_is_started_again() -> None:
    trader = ScriptedTradingVenue(LIVE)
    harness = TradingFeedHarness(trader)
    async with harness.running():
        harness.command(Open("wss://nowhere", "a"))
        await until(lambda: trader.starts == 2)
        assert FeedStatus(None, "stale", "fault", START_US) in harness.events


async def test_prices_of_a_venue_that_has_failed_are_not_live_until_it_has_started_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trader = ScriptedTradingVenue(LIVE, Wake(START_US))
    monkeypatch.setattr(trader, "prices", lambda _: Prices(99, 101, 100, "live"))
    monkeypatch.setattr(venue_feed, "RESTART_S", 60)
    harness = TradingFeedHarness(trader)
    async with harness.running():
        assert harness.feed.prices("BTC-USDT").feed == "live"
        trader.next = ZeroDivisionError("a venue's bug")
        await until(lambda: FeedStatus(None, "stale", "fault", START_US) in harness.events)
        assert harness.feed.prices("BTC-USDT") == Prices(99, 101, 100, "stale")
    harness.batches.clear()
    async with harness.running():
        assert harness.feed.prices("BTC-USDT").feed == "live"
