"""Feeds: a venue's events are published in order; so are its silence and its faults."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from floorwire.bus.local import LocalBus
from floorwire.core.market_events import FeedStatus, Trade, VenueTime
from floorwire.core.past_candles import PastEnded, PastWanted
from floorwire.core.past_trades import PastOutput
from floorwire.core.ports import (
    Activity,
    Frame,
    Open,
    VenueInput,
    VenueOutput,
    Wake,
    Woke,
)
from tests.feeds.feed_harness import (
    LIVE,
    SECOND_US,
    START_US,
    FeedHarness,
    OnDemand,
    QueueOfFrames,
    ScriptedVenue,
    TradesOfFrames,
    turn,
    until,
)


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


class TellsPast(ScriptedVenue):
    """A venue that is asked for its past."""

    def __init__(self, *first: VenueOutput) -> None:
        super().__init__(*first)
        self.asked: list[PastWanted] = []

    def receive(self, happened: VenueInput, now_us: int) -> Sequence[VenueOutput]:
        """Note what is asked, and say what comes next."""
        if isinstance(happened, PastWanted):
            self.asked.append(happened)
            happened = Woke()
        return super().receive(happened, now_us)


async def test_who_asks_for_the_past_gets_it_until_somebody_else_asks() -> None:
    venue, first, second = TellsPast(LIVE), list[PastOutput](), list[PastOutput]()
    of_candles, of_trades = PastEnded("BTC-USDT", "1m"), PastEnded("BTC-USDT", None)
    harness = FeedHarness(venue)
    candles, trades = PastWanted("BTC-USDT", "1m", 1, 2), PastWanted("BTC-USDT", None, 1, 2)
    assert not harness.ask_past(candles, first.append), "it has not started"
    async with harness.running():
        venue.next = [of_candles]
        assert harness.ask_past(candles, first.append)
        assert (venue.asked, first) == ([candles], [of_candles])
        venue.next = [of_trades]
        assert harness.ask_past(trades, second.append)
        assert (first, second) == ([of_candles], [of_trades])


async def test_a_fault_of_an_answer_about_the_past_starts_the_venue_again() -> None:
    venue = TellsPast(LIVE)
    harness = FeedHarness(venue)
    wanted = PastWanted("BTC-USDT", "1m", 1, 2)
    async with harness.running():
        venue.next = ValueError("a fault of ours")
        assert harness.ask_past(wanted, lambda _: None)
        assert not harness.ask_past(wanted, lambda _: None), "it has failed"
        await until(lambda: venue.starts == 2)
        assert harness.ask_past(wanted, lambda _: None)


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
