"""Feeds: what a venue says is published in order; its silence and its faults are told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import pytest

from floorwire import feeds
from floorwire.bus.local import LocalBus
from floorwire.core.market_events import Clock, FeedStatus, MarketEvent, Trade
from floorwire.core.order_commands import Cancel, Command
from floorwire.core.ports import Activity, Execution, Open, Prices, VenueInput, VenueOutput, Wake, Woke
from floorwire.feeds import TradingFeed, VenueFeed
from floorwire.ops.stats import Stats
from tests.clocks import following

START_US = 1_800_000_000_000_000
SECOND_US = 1_000_000
LIVE = FeedStatus(None, "live", "synced", START_US)


class Puppet:
    """A venue that says what the test lets it say."""

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
        assert isinstance(happened, Woke)
        self.woke_us.append(now_us)
        said, self.next = self.next, ()
        if isinstance(said, Exception):
            raise said
        return said


class Stage:
    """A feed of the puppet, and all that it publishes."""

    def __init__(self, puppet: Puppet, stale_us: int = 10 * SECOND_US) -> None:
        self.now_us = START_US
        self.batches: list[tuple[str, list[MarketEvent], int]] = []
        self.stats = Stats()
        self.puppet = puppet
        self.bus = LocalBus()
        self.bus.subscribe(lambda venue, events, recv_us: self.batches.append((venue, list(events), recv_us)))
        self._feed = VenueFeed(puppet, self.bus, self.stats, following(lambda: self.now_us), stale_us)

    @asynccontextmanager
    async def playing(self) -> AsyncIterator[None]:
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
def _impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "IDLE_S", 0.001)
    monkeypatch.setattr(feeds, "RESTART_S", 0.001)


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
    stage = Stage(Puppet(LIVE, Wake(START_US + SECOND_US), Clock(START_US)))
    async with stage.playing():
        assert stage.batches == [("puppet", [LIVE, Clock(START_US)], START_US)]
    assert stage.stats.venue_events == {"puppet": 2}
    assert stage.stats.venue_last_us == {"puppet": START_US}


async def test_a_venue_is_woken_when_it_asked_and_once() -> None:
    puppet = Puppet(LIVE, Wake(START_US + 9 * SECOND_US), Wake(START_US + SECOND_US))
    stage = Stage(puppet)
    puppet.next = [Clock(START_US + SECOND_US)]
    async with stage.playing():
        stage.now_us += SECOND_US - 1
        await asyncio.sleep(0.01)
        assert puppet.woke_us == []
        stage.now_us += 1
        await until(lambda: bool(puppet.woke_us))
        stage.now_us += 20 * SECOND_US
        await asyncio.sleep(0.01)
        assert puppet.woke_us == [START_US + SECOND_US], "the later request took the place of the earlier"
        assert Clock(START_US + SECOND_US) in stage.events


async def test_nothing_to_say_is_nothing_published() -> None:
    puppet = Puppet(LIVE, Wake(START_US))
    stage = Stage(puppet)
    async with stage.playing():
        await until(lambda: bool(puppet.woke_us))
        assert len(stage.batches) == 1


# --- silence ----------------------------------------------------------------------------------------


async def test_silence_is_told_once_and_so_is_its_end() -> None:
    puppet = Puppet(LIVE, Wake(START_US + 60 * SECOND_US))
    stage = Stage(puppet, stale_us=10 * SECOND_US)
    puppet.next = [Clock(START_US + 60 * SECOND_US)]
    async with stage.playing():
        stage.now_us += 10 * SECOND_US
        await asyncio.sleep(0.01)
        assert stage.events == [LIVE], "not longer than it may be"
        stage.now_us += 1
        await until(lambda: len(stage.events) == 2)
        silent_us = stage.now_us
        stage.now_us += 20 * SECOND_US
        await asyncio.sleep(0.01)
        stage.now_us = START_US + 60 * SECOND_US
        await until(lambda: bool(puppet.woke_us))
        assert stage.events == [
            LIVE,
            FeedStatus(None, "stale", "silent", silent_us),
            FeedStatus(None, "live", "heard", stage.now_us),
            Clock(START_US + 60 * SECOND_US),
        ]


async def test_a_venue_that_is_not_live_may_be_silent() -> None:
    connecting = FeedStatus(None, "connecting", "start", START_US)
    stage = Stage(Puppet(connecting))
    async with stage.playing():
        stage.now_us += 100 * SECOND_US
        await asyncio.sleep(0.01)
        assert stage.events == [connecting]


async def test_what_is_said_of_one_symbol_is_not_said_of_the_venue() -> None:
    of_symbol = FeedStatus("BTC-USDT", "stale", "sequence_gap", START_US)
    stage = Stage(Puppet(LIVE, of_symbol), stale_us=SECOND_US)
    async with stage.playing():
        stage.now_us += 2 * SECOND_US
        await until(lambda: len(stage.events) == 3)
        assert stage.events[-1] == FeedStatus(None, "stale", "silent", stage.now_us)


async def test_a_clock_that_the_adapter_reckons_is_no_sign_of_the_venue() -> None:
    puppet = Puppet(LIVE, Wake(START_US + SECOND_US))
    stage = Stage(puppet, stale_us=10 * SECOND_US)
    async with stage.playing():
        for second in range(1, 13):
            puppet.next = [
                Clock(START_US + second * SECOND_US, is_reckoned=True),
                Wake(START_US + (second + 1) * SECOND_US),
            ]
            stage.now_us += SECOND_US
            await until(lambda: len(puppet.woke_us) == second)  # noqa: B023 - waited for here
            await turn()
        await until(lambda: FeedStatus(None, "stale", "silent", START_US + 11 * SECOND_US) in stage.events)
        assert stage.stats.venue_last_us == {}


async def test_what_a_venue_sends_that_shows_nothing_counts_as_heard() -> None:
    puppet = Puppet(LIVE, Wake(START_US + 20 * SECOND_US))
    puppet.next = [Activity(("link",), ("BTC-USDT",))]
    stage = Stage(puppet, stale_us=10 * SECOND_US)
    async with stage.playing():
        stage.now_us += 11 * SECOND_US
        await until(lambda: len(stage.events) == 2)
        stage.now_us += 9 * SECOND_US
        await until(lambda: len(stage.events) == 3)
        assert stage.events[-1] == FeedStatus(None, "live", "heard", stage.now_us)
        assert stage.stats.venue_last_us == {"puppet": stage.now_us}
        assert stage.stats.link_last_us == {("puppet", "link"): stage.now_us}
        assert stage.stats.symbol_last_us == {("puppet", "BTC-USDT"): stage.now_us}


async def test_the_end_of_silence_does_not_make_a_symbol_current_that_was_not() -> None:
    lost = FeedStatus("BTC-USDT", "stale", "sequence_gap", START_US)
    puppet = Puppet(LIVE, lost, Wake(START_US + 20 * SECOND_US))
    puppet.next = [Trade("ETH-USDT", "1", 1, 1, "buy", START_US)]
    stage = Stage(puppet, stale_us=10 * SECOND_US)
    async with stage.playing():
        stage.now_us += 11 * SECOND_US
        await until(lambda: len(stage.events) == 3)
        stage.now_us += 9 * SECOND_US
        await until(lambda: len(stage.events) == 6)
        assert stage.events[3:5] == [lost, FeedStatus(None, "live", "heard", stage.now_us)]


# --- faults -----------------------------------------------------------------------------------------


async def test_a_fault_is_told_and_the_venue_starts_again(capsys: pytest.CaptureFixture[str]) -> None:
    puppet = Puppet(LIVE, Wake(START_US))
    puppet.next = ZeroDivisionError("in the adapter")
    stage = Stage(puppet)
    async with stage.playing():
        await until(lambda: puppet.starts == 2)
        await turn()
        assert stage.events[:3] == [LIVE, FeedStatus(None, "stale", "fault", START_US), LIVE]
    assert "ZeroDivisionError" in capsys.readouterr().out


async def test_what_cannot_be_done_yet_is_a_fault(capsys: pytest.CaptureFixture[str]) -> None:
    puppet = Puppet(Open("public", "wss://exchange.example"))
    stage = Stage(puppet)
    async with stage.playing():
        await until(lambda: puppet.starts == 2)
    assert "wss://exchange.example" in capsys.readouterr().out


async def test_the_end_of_the_gateway_is_no_fault() -> None:
    stage = Stage(Puppet(LIVE))
    async with stage.playing():
        pass
    assert stage.events == [LIVE]


# --- the bus ----------------------------------------------------------------------------------------


def test_every_consumer_gets_every_batch() -> None:
    bus, first, second = LocalBus(), list[tuple[str, int]](), list[tuple[str, int]]()
    bus.subscribe(lambda venue, events, recv_us: first.append((venue, recv_us)))
    bus.subscribe(lambda venue, events, recv_us: second.append((venue, recv_us)))
    bus.publish("sim", [Clock(1)], 5)
    bus.publish("sim", [Clock(2)], 6)
    assert first == second == [("sim", 5), ("sim", 6)]


# --- commands ---------------------------------------------------------------------------------------


class Trader(Puppet):
    """A puppet that takes orders: each command makes its market show one event."""

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


class Clerk:
    """Stands for the desk, which is told of the opening and nothing else here."""

    def opened(self, venue: str) -> None:
        """All is well."""


class TradingStage(Stage):
    """A trading feed of the puppet."""

    def __init__(self, trader: Trader) -> None:
        super().__init__(trader)
        clock = following(lambda: self.now_us)
        self.feed = TradingFeed(trader, self.bus, self.stats, clock, SECOND_US, Clerk())  # type: ignore[arg-type]
        self._feed = self.feed

    def command(self, *shows: VenueOutput) -> None:
        """Have a command executed that makes the market show these."""
        assert isinstance(self.puppet, Trader)
        self.puppet.shows = shows
        self.feed.execute(Cancel("BTC-USDT", 1))


async def test_what_commands_of_one_turn_show_is_published_once_and_after_it() -> None:
    stage = TradingStage(Trader(LIVE))
    async with stage.playing():
        stage.command(Clock(START_US + 1))
        stage.command(Clock(START_US + 2))
        assert stage.events == [LIVE]
        await turn()
        assert stage.batches[1:] == [("puppet", [Clock(START_US + 1), Clock(START_US + 2)], START_US)]


async def test_what_a_command_shows_is_published_before_what_the_venue_says_next() -> None:
    trader = Trader(LIVE, Wake(START_US))
    trader.next = [Clock(START_US + 2)]
    stage = TradingStage(trader)
    said = trader.receive

    def receive(happened: VenueInput, now_us: int) -> Sequence[VenueOutput]:
        if not trader.woke_us:
            stage.command(Clock(START_US + 1))
        return said(happened, now_us)

    trader.receive = receive  # type: ignore[method-assign]
    async with stage.playing():
        await until(lambda: len(stage.events) == 3)
        assert stage.events == [LIVE, Clock(START_US + 1), Clock(START_US + 2)]


async def test_a_command_may_have_the_venue_woken_earlier() -> None:
    trader = Trader(LIVE, Wake(START_US + 9 * SECOND_US))
    stage = TradingStage(trader)
    async with stage.playing():
        stage.command(Wake(START_US))
        await until(lambda: trader.woke_us == [START_US])


async def test_where_publishing_fails_the_venue_is_started_again() -> None:
    trader = Trader(LIVE)
    stage = TradingStage(trader)
    async with stage.playing():
        stage.command(Open("wss://nowhere", "a"))
        await until(lambda: trader.starts == 2)
        assert FeedStatus(None, "stale", "fault", START_US) in stage.events


async def test_prices_of_a_venue_that_has_failed_are_not_live_until_it_has_started_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trader = Trader(LIVE, Wake(START_US))
    monkeypatch.setattr(trader, "prices", lambda _: Prices(99, 101, 100, "live"))
    monkeypatch.setattr(feeds, "RESTART_S", 60)
    stage = TradingStage(trader)
    async with stage.playing():
        assert stage.feed.prices("BTC-USDT").feed == "live"
        trader.next = ZeroDivisionError("a venue's bug")
        await until(lambda: FeedStatus(None, "stale", "fault", START_US) in stage.events)
        assert stage.feed.prices("BTC-USDT") == Prices(99, 101, 100, "stale")
    stage.batches.clear()
    async with stage.playing():
        assert stage.feed.prices("BTC-USDT").feed == "live"
