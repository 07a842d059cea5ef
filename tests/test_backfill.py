"""What the backfill asks of a venue, when, and when it leaves it alone."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from floorwire import backfill
from floorwire.backfill import Backfill, VenueBackfill
from floorwire.core.candle_intervals import DAY_US
from floorwire.core.instrument import Instrument
from floorwire.core.market_history import MOST_US, HistoryUnavailableError, StoredUnits
from floorwire.core.past_candles import PastCandle, PastEnded, PastPage, PastWanted
from floorwire.history.candle_filling import Missing
from tests.live.beside import beside
from tests.skipping_loop import SkippingLoop, run, running_clock

MINUTE = 60_000_000
OF = Instrument("v:A-B", "A", "B", "v", "1", "1")
UNITS = StoredUnits(OF.price, OF.size)


class Store:
    """Market history that lacks what the test says."""

    def __init__(self) -> None:
        self.regained: deque[str] = deque()
        self.missing_of: dict[tuple[str, str], Missing] = {}
        self.asked: list[tuple[str, str, int, int]] = []
        self.filled: list[PastPage] = []
        self.has_failed = False

    def take_regained(self) -> Sequence[str]:
        found = list(self.regained)
        self.regained.clear()
        return found

    def fill(self, page: PastPage) -> None:
        self.filled.append(page)

    async def missing(self, symbol: str, interval: str, first_us: int, back_us: int) -> Missing:
        if self.has_failed:
            raise HistoryUnavailableError("the disk is full")
        self.asked.append((symbol, interval, first_us, back_us))
        return self.missing_of.pop((symbol, interval), Missing())


class Feed:
    """The feed of a venue. ``replies``: what it says to the next requests, each at once."""

    def __init__(self, name: str = "v") -> None:
        self.name = name
        self.asked: list[PastWanted] = []
        self.is_up = True
        self.replies: deque[Sequence[PastPage | PastEnded]] = deque()
        self.times_us: list[int] = []

    def ask_past(self, wanted: PastWanted, answer: Callable[[PastPage | PastEnded], None]) -> bool:
        if not self.is_up:
            return False
        self.asked.append(wanted)
        self.times_us.append(running_clock().monotonic_us())
        replies = self.replies.popleft() if self.replies else [PastEnded(wanted.symbol, wanted.interval)]
        for reply in replies:
            answer(reply)
        return True


def page(symbol: str, first: int, last: int) -> PastPage:
    candles = [PastCandle(at * MINUTE, 1, 1, 1, 1, 1, 1) for at in range(first, last)]
    return PastPage(symbol, "1m", first * MINUTE, last * MINUTE, candles, (), UNITS)


def missing(*ranges: tuple[int, int], is_more_soon: bool = False) -> Missing:
    return Missing([(first * MINUTE, last * MINUTE) for first, last in ranges], is_more_soon)


@asynccontextmanager
async def running(feed: Feed, store: Store, intervals: Sequence[str] = ("1m", "1d")) -> AsyncIterator[None]:
    async with beside(Backfill([(feed, intervals)], 2, store, running_clock()).run()):
        yield


def test_a_symbol_of_which_a_hole_ended_is_filled_interval_by_interval() -> None:
    async def scenario() -> None:
        store, feed = Store(), Feed()
        async with running(feed, store):
            store.missing_of["v:A", "1m"] = missing((50, 60), (3, 4))
            store.missing_of["v:A", "1d"] = missing((0, 1_440))
            feed.replies.append([page("v:A", 50, 60), PastEnded("v:A", "1m")])
            store.regained += ["v:A", "other:A"]
            await asyncio.sleep(5)
        assert [(one.interval, one.from_us // MINUTE, one.to_us // MINUTE) for one in feed.asked] == [
            ("1m", 50, 60), ("1m", 3, 4), ("1d", 0, 1_440),
        ]  # fmt: skip
        assert store.filled == [page("v:A", 50, 60)]
        assert store.asked == [("v:A", "1m", 0, 2 * DAY_US), ("v:A", "1d", 0, MOST_US)]

    run(scenario())


def test_the_minute_in_which_a_hole_ended_is_filled_when_it_has_ended() -> None:
    async def scenario() -> None:
        store, feed = Store(), Feed()
        async with running(feed, store, ("1m",)):
            store.missing_of["v:A", "1m"] = missing((3, 4), is_more_soon=True)
            store.regained.append("v:A")
            await asyncio.sleep(5)
            store.missing_of["v:A", "1m"] = missing((4, 5))
            await asyncio.sleep(70)
        assert [one.from_us // MINUTE for one in feed.asked] == [3, 4]
        assert feed.times_us[1] - feed.times_us[0] <= 68_000_000
        assert feed.times_us[1] % MINUTE > 3_000_000
        assert len(store.asked) == 2

    run(scenario())


def test_a_venue_that_gave_up_is_asked_again_after_half_an_hour_or_the_next_hole() -> None:
    async def scenario() -> None:
        store, feed = Store(), Feed()
        async with running(feed, store):
            for wait_s in (5, 1_790, 20):
                store.missing_of["v:A", "1m"] = missing((3, 4))
                feed.replies.append([PastEnded("v:A", "1m", "status 503")])
                if wait_s == 5:
                    store.regained.append("v:A")
                await asyncio.sleep(wait_s)
            assert len(feed.asked) == 2
            store.missing_of["v:A", "1m"] = missing((3, 4))
            store.regained.append("v:A")
            await asyncio.sleep(5)
            assert len(feed.asked) == 3
        assert not any(interval == "1d" for _, interval, _, _ in store.asked)

    run(scenario())


def test_a_venue_that_says_nothing_holds_no_other_symbol_for_ever() -> None:
    async def scenario() -> None:
        store, feed = Store(), Feed()
        async with running(feed, store, ("1m",)):
            for symbol in ("v:A", "v:B"):
                store.missing_of[symbol, "1m"] = missing((3, 4))
            feed.replies.append([])
            store.regained += ["v:A", "v:B"]
            await asyncio.sleep(backfill.STALLED_S - 5)
            assert [one.symbol for one in feed.asked] == ["v:A"]
            await asyncio.sleep(10)
            assert [one.symbol for one in feed.asked] == ["v:A", "v:B"]

    run(scenario())


def test_a_venue_that_does_not_run_is_not_waited_for() -> None:
    async def scenario() -> None:
        store, feed = Store(), Feed()
        feed.is_up = False
        async with running(feed, store, ("1m",)):
            store.missing_of["v:A", "1m"] = missing((3, 4))
            store.regained.append("v:A")
            await asyncio.sleep(5)
            feed.is_up = True
            store.missing_of["v:A", "1m"] = missing((3, 4))
            store.regained.append("v:A")
            await asyncio.sleep(5)
        assert len(feed.asked) == 1

    run(scenario())


def test_what_the_venue_does_not_have_is_not_asked_for_again() -> None:
    async def scenario() -> None:
        store, feed = Store(), Feed()
        async with running(feed, store, ("1m",)):
            store.missing_of["v:A", "1m"] = missing((0, 60))
            feed.replies.append([page("v:A", 40, 60), page("v:A", 30, 40), PastEnded("v:A", "1m")])
            store.regained.append("v:A")
            await asyncio.sleep(5)
            store.regained.append("v:A")
            await asyncio.sleep(5)
        assert [first_us // MINUTE for _, _, first_us, _ in store.asked] == [0, 30]

    run(scenario())


def test_pages_candles_and_what_waits_are_counted() -> None:
    async def scenario() -> None:
        store, feed = Store(), Feed()
        venues = Backfill([(feed, ("1m",))], 2, store, running_clock())
        async with beside(venues.run()):
            store.missing_of["v:A", "1m"] = missing((50, 60))
            store.missing_of["v:B", "1m"] = missing((50, 60))
            feed.replies.append([page("v:A", 55, 60), page("v:A", 52, 55), PastEnded("v:A", "1m")])
            feed.replies.append([page("v:B", 58, 60), PastEnded("v:B", "1m", "status 503")])
            store.regained += ["v:A", "v:B"]
            await asyncio.sleep(5)
            figures = venues.figures()["v"]
            assert (figures.pages, figures.candles, figures.given_up, figures.waiting) == (3, 10, 1, 1)

    run(scenario())


def test_symbols_beyond_the_bound_do_not_wait() -> None:
    loop = SkippingLoop()
    venue = VenueBackfill(Feed(), ("1m",), 2, Store(), loop.clock())
    loop.close()
    for number in range(backfill.MOST_WAITING + 5):
        venue.add(f"v:{number}")
    assert len(venue._waiting) == backfill.MOST_WAITING


def test_it_ends_without_noise_when_market_history_has_failed() -> None:
    async def scenario() -> None:
        store, feed = Store(), Feed()
        store.has_failed = True
        async with running(feed, store):
            store.regained.append("v:A")
            await asyncio.sleep(5)
        assert not feed.asked

    run(scenario())
