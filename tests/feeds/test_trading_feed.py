"""Trading feeds: what commands show is published in order, and prices are not current after a fault."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from floorwire.core.market_events import FeedStatus, VenueTime
from floorwire.core.order_commands import Cancel, Command
from floorwire.core.ports import (
    Execution,
    Open,
    Prices,
    VenueInput,
    VenueOutput,
    Wake,
)
from floorwire.feeds import venue_feed
from floorwire.feeds.trading_feed import TradingFeed
from tests.clocks import following
from tests.feeds.feed_harness import LIVE, SECOND_US, START_US, FeedHarness, ScriptedVenue, turn, until


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
