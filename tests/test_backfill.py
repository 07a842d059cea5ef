"""What the backfill asks of a venue, when, and when it leaves it alone."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from floorwire import backfill
from floorwire.backfill import Backfill, PastOf, VenueBackfill
from floorwire.core.instrument import Instrument
from floorwire.core.market_events import Trade
from floorwire.core.market_history import MOST_US, HistoryUnavailableError, StoredUnits
from floorwire.core.microseconds import DAY_US
from floorwire.core.past_candles import PastCandle, PastEnded, PastPage, PastWanted
from floorwire.core.past_trades import PastOutput, PastTradesPage
from floorwire.history.missing_past import Missing, MissingRange
from tests.live.beside import beside
from tests.skipping_loop import SkippingLoop, run, running_clock

MINUTE = 60_000_000
OF = Instrument("v:A-B", "A", "B", "v", "1", "1")
UNITS = StoredUnits(OF.price, OF.size)


class Store:
    """Market history that lacks what the test says."""

    def __init__(self) -> None:
        self.regained: deque[str] = deque()
        self.missing_of: dict[tuple[str, str | None], Missing] = {}
        self.asked: list[tuple[str, str | None, int, int]] = []
        self.filled: list[PastPage | PastTradesPage] = []
        self.has_failed = False

    def take_regained(self) -> Sequence[str]:
        found = list(self.regained)
        self.regained.clear()
        return found

    def fill(self, page: PastPage | PastTradesPage) -> None:
        self.filled.append(page)

    async def missing(self, symbol: str, interval: str | None, first_us: int, back_us: int) -> Missing:
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
        self.replies: deque[Sequence[PastOutput]] = deque()
        self.times_us: list[int] = []
        self.answer: Callable[[PastOutput], None]
        """Gets what comes later."""

    def ask_past(self, wanted: PastWanted, answer: Callable[[PastOutput], None]) -> bool:
        if not self.is_up:
            return False
        self.asked.append(wanted)
        self.answer = answer
        self.times_us.append(running_clock().monotonic_us())
        replies = self.replies.popleft() if self.replies else [PastEnded(wanted.symbol, wanted.interval)]
        for reply in replies:
            answer(reply)
        return True


def page(symbol: str, first: int, last: int) -> PastPage:
    candles = [PastCandle(at * MINUTE, 1, 1, 1, 1, 1, 1) for at in range(first, last)]
    return PastPage(symbol, "1m", first * MINUTE, last * MINUTE, candles, (), UNITS)


def trades_page(symbol: str, first: int, last: int) -> PastTradesPage:
    trades = [Trade(symbol, str(at), 1, 1, "buy", at * MINUTE) for at in range(first, last)]
    return PastTradesPage(symbol, first * MINUTE, last * MINUTE, trades, (), UNITS)


def missing(*ranges: tuple[int, int], more_in_us: int = 0) -> Missing:
    return Missing([MissingRange(first * MINUTE, last * MINUTE) for first, last in ranges], more_in_us)


@asynccontextmanager
async def running(
    feed: Feed, store: Store, intervals: Sequence[str] = ("1m", "1d"), trades_us: int = 0
) -> AsyncIterator[Backfill]:
    backfill = Backfill([(feed, PastOf(intervals, 2 * DAY_US, trades_us))], store, running_clock())
    async with beside(backfill.run()):
        yield backfill


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
            store.missing_of["v:A", "1m"] = missing((3, 4), more_in_us=50_000_000)
            store.regained.append("v:A")
            await asyncio.sleep(5)
            store.missing_of["v:A", "1m"] = missing((4, 5))
            await asyncio.sleep(70)
        assert [one.from_us // MINUTE for one in feed.asked] == [3, 4]
        assert 50_000_000 < feed.times_us[1] - feed.times_us[0] < 56_000_000
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
        async with running(feed, store, ("1m",)) as venues:
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
    venue = VenueBackfill(Feed(), PastOf(("1m",), DAY_US, DAY_US), Store(), loop.clock())
    loop.close()
    for number in range(backfill.MOST_WAITING + 5):
        venue.add(f"v:{number}")
    assert venue.figures().waiting == backfill.MOST_WAITING


def test_trades_come_after_the_candles_of_all_symbols() -> None:
    async def scenario() -> None:
        store, feed = Store(), Feed()
        async with running(feed, store, ("1m",), 15 * MINUTE) as venues:
            for symbol in ("v:A", "v:B"):
                store.missing_of[symbol, "1m"] = missing((3, 4))
                store.missing_of[symbol, None] = missing((5, 9))
            feed.replies += [[PastEnded("v:A", "1m")], [PastEnded("v:B", "1m")]]
            feed.replies.append([trades_page("v:A", 7, 9), trades_page("v:A", 5, 7), PastEnded("v:A", None)])
            store.regained += ["v:A", "v:B"]
            await asyncio.sleep(5)
            assert venues.figures()["v"].trades == 4
        assert [(one.symbol, one.interval) for one in feed.asked] == [
            ("v:A", "1m"), ("v:B", "1m"), ("v:A", None), ("v:B", None),
        ]  # fmt: skip
        assert ("v:A", None, 0, 15 * MINUTE) in store.asked
        assert store.filled == [trades_page("v:A", 7, 9), trades_page("v:A", 5, 7)]

    run(scenario())


def test_trades_give_way_to_candles_and_go_on_after_them() -> None:
    async def scenario() -> None:
        store, feed = Store(), Feed()
        async with running(feed, store, ("1m",), 15 * MINUTE):
            store.missing_of["v:A", None] = missing((5, 9))
            feed.replies.append([trades_page("v:A", 7, 9)])  # and more later
            store.regained.append("v:A")
            await asyncio.sleep(2)
            store.regained.append("v:B")
            await asyncio.sleep(2)
            store.missing_of["v:A", None] = missing((5, 7))
            feed.answer(trades_page("v:A", 6, 7))
            await asyncio.sleep(5)
        assert [(one.symbol, one.interval) for one in feed.asked] == [("v:A", None), ("v:A", None)]
        assert feed.asked[1].to_us == 7 * MINUTE
        assert ("v:B", "1m") in [(symbol, interval) for symbol, interval, _, _ in store.asked]

    run(scenario())


def test_trades_that_do_not_join_are_asked_for_again_later_and_later() -> None:
    class Unfilled(Store):
        async def missing(self, symbol: str, interval: str | None, first_us: int, back_us: int) -> Missing:
            return missing((5, 9))

    async def scenario() -> None:
        store, feed = Unfilled(), Feed()
        for _ in range(4):
            feed.replies.append([trades_page("v:A", 5, 9), PastEnded("v:A", None)])
        async with running(feed, store, (), 15 * MINUTE) as venues:
            store.regained.append("v:A")
            await asyncio.sleep(460)
            assert venues.figures()["v"].given_up == len(feed.asked) == 4
        waits = [
            (later - one) / 1_000_000 for one, later in zip(feed.times_us, feed.times_us[1:], strict=False)
        ]
        assert [round(wait / 60) for wait in waits] == [1, 2, 4]

    run(scenario())


def test_trades_of_the_end_of_a_hole_are_asked_for_when_they_have_settled() -> None:
    async def scenario() -> None:
        store, feed = Store(), Feed()
        async with running(feed, store, (), 15 * MINUTE):
            store.missing_of["v:A", None] = missing(more_in_us=3_000_000)
            store.regained.append("v:A")
            await asyncio.sleep(2)
            store.missing_of["v:A", None] = missing((5, 9))
            await asyncio.sleep(5)
        assert [(one.from_us, one.to_us) for one in feed.asked] == [(5 * MINUTE, 9 * MINUTE)]

    run(scenario())


def test_it_ends_without_noise_when_market_history_has_failed() -> None:
    async def scenario() -> None:
        store, feed = Store(), Feed()
        store.has_failed = True
        async with running(feed, store):
            store.regained.append("v:A")
            await asyncio.sleep(5)
        assert not feed.asked

    run(scenario())
