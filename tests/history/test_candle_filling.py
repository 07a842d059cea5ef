"""Candles of the venue fill holes: what is read then are the candles of all trades, each once."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from floorwire.core.candle_intervals import INTERVALS
from floorwire.core.market_events import FeedStatus, MissingTrade, Trade, VenueTime
from floorwire.core.market_history import MOST_US, StoredUnits
from floorwire.core.past_candles import PastCandle, PastPage
from floorwire.core.units import Scale
from floorwire.history import history_file
from floorwire.history.market_store import MarketStore
from floorwire.history.missing_past import SETTLED_US, Missing, MissingRange
from tests.history.market import (
    MINUTE_US,
    START_US,
    SYMBOL,
    begin,
    instrument,
    opened,
    publish,
    trade,
)

DAY_US = 1_440 * MINUTE_US
SECOND_US = 1_000_000
ASKED = ("1m", "15m", "2h", "1d")
OF = instrument()
UNITS = StoredUnits(OF.price, OF.size)


class Venue:
    """A venue with all its trades. What the store hears of them is up to the test."""

    def __init__(self, store: MarketStore) -> None:
        self.store = store
        self.all: list[Trade] = []
        self.late: list[Trade] = []
        """Those that were lost, and may come late."""
        self.now_us = START_US
        self.is_live = True
        for hours in range(60, 0, -1):  # the past
            self.all.append(trade(START_US - hours * 3_000_000_000 - 7, price=100 + hours % 7))

    def go_on(self, seconds: int) -> None:
        self.now_us += seconds * SECOND_US
        if self.is_live:
            publish(self.store, VenueTime(self.now_us))

    def trade(self, price: int, size: int) -> None:
        one = trade(self.now_us - 1, price=price, size=size, number=len(self.all) + 1)
        self.all.append(one)
        if self.is_live:
            publish(self.store, one)
        else:
            self.late.append(one)

    def lose(self) -> None:
        self.is_live = False
        publish(self.store, FeedStatus(SYMBOL, "stale", "link_lost", self.now_us))

    def regain(self) -> None:
        self.is_live = True
        publish(self.store, FeedStatus(SYMBOL, "live", "synced", self.now_us), VenueTime(self.now_us))

    def page(self, interval: str, from_us: int, to_us: int, refused: Sequence[int] = ()) -> PastPage:
        candles = [PastCandle(*one) for one in counted(self.all, interval) if from_us <= one[0] < to_us]
        kept = [one for one in candles if one.start_us not in refused]
        return PastPage(SYMBOL, interval, from_us, to_us, kept, refused, UNITS)

    async def fill(self, intervals: Sequence[str] = ASKED, pages: int = 1_000) -> None:
        """Fill what is missing, with so many pages at most."""
        for interval in intervals:
            missing = await self.store.missing(
                SYMBOL, interval, 0, 2 * DAY_US if interval == "1m" else MOST_US
            )
            for part in missing.ranges:
                pages -= 1
                if pages < 0:
                    return
                self.store.fill(self.page(interval, part.from_us, part.to_us))


Figures = tuple[int, int, int, int, int, int, int]


def counted(trades: Sequence[Trade], interval: str) -> list[Figures]:
    """Start, open, high, low, close, volume and number of trades of each candle, counted plainly."""
    by_start: dict[int, list[Trade]] = {}
    for one in trades:
        by_start.setdefault(INTERVALS[interval].start_of(one.ts_us), []).append(one)
    found = []
    for start_us, inside in sorted(by_start.items()):
        prices = [one.price_ticks for one in inside]
        volume = sum(one.size_lots for one in inside)
        found.append((start_us, prices[0], max(prices), min(prices), prices[-1], volume, len(inside)))
    return found


async def read(store: MarketStore, interval: str) -> tuple[list[Figures], set[int]]:
    """The candles with trades, and the starts of those that are incomplete."""
    found: list[Figures] = []
    incomplete: set[int] = set()
    to_us = MOST_US
    while page := await store.candles(SYMBOL, interval, to_us=to_us):
        for one in page:
            assert (one.units.price, one.units.size) == (OF.price, OF.size)
            if one.is_incomplete:
                incomplete.add(one.start_us)
            if one.trades:
                prices = one.open_units, one.high_units, one.low_units, one.close_units
                found.append((one.start_us, *prices, one.volume_units, one.trades))
        to_us = page[-1].start_us
    return found[::-1], incomplete


async def assert_right(store: MarketStore, venue: Venue, intervals: Sequence[str], from_us: int) -> None:
    """Check that each candle from this time on is whole, and counts all trades of the venue."""
    for interval in intervals:
        candles, incomplete = await read(store, interval)
        right = [one for one in counted(venue.all, interval) if one[0] >= from_us]
        assert [one for one in candles if one[0] >= from_us] == right, interval
        assert not {start_us for start_us in incomplete if start_us >= from_us}, interval


steps = st.lists(
    st.one_of(
        st.tuples(st.just("go"), st.integers(1, 900)),
        st.tuples(st.just("trade"), st.integers(1, 50)),
        st.tuples(st.just("lose"), st.just(0)),
        st.tuples(st.just("regain"), st.just(0)),
        st.tuples(st.just("fill"), st.integers(0, 3)),
        st.tuples(st.just("longer"), st.integers(1, 3)),
        st.tuples(st.just("write"), st.just(0)),
        st.tuples(st.just("late"), st.just(0)),
    ),
    max_size=40,
)


@settings(max_examples=25)
@given(steps)
def test_whatever_was_lost_and_fetched_each_trade_counts_once(plan: Sequence[tuple[str, int]]) -> None:
    asyncio.run(_follow(plan))


async def _follow(plan: Sequence[tuple[str, int]]) -> None:
    store = opened(None)
    venue = Venue(store)
    begin(store)
    for kind, number in plan:
        match kind:
            case "go":
                venue.go_on(number)
            case "trade":
                venue.go_on(1)
                venue.trade(100 + number, number)
            case "lose":
                venue.lose()
            case "regain":
                venue.regain()
            case "fill":
                await venue.fill(pages=number)
            case "longer":
                await venue.fill(ASKED[number:])
            case "write":
                await asyncio.to_thread(store.writer.write)
            case "late":
                await _tell_late(store, venue)
    venue.regain()
    venue.go_on(130)
    for _ in range(2):
        await venue.fill()
    await assert_right(store, venue, ("1m", "3m", "5m"), venue.now_us - 2 * DAY_US + 300 * SECOND_US)
    await assert_right(store, venue, ("15m", "30m", "1h", "2h", "4h", "6h", "12h", "1d", "3d"), 0)
    store.close()


async def _tell_late(store: MarketStore, venue: Venue) -> None:
    """Tell trades late of minutes that the venue has told already, as exchanges do after a lost link."""
    whole = {one[0] for one in (await read(store, "1m"))[0]} - (await read(store, "1m"))[1]
    told = [one for one in venue.late if one.ts_us - one.ts_us % MINUTE_US in whole]
    venue.late = [one for one in venue.late if one not in told]
    if told and venue.is_live:
        publish(store, *told)


async def test_what_was_counted_without_a_hole_is_not_replaced() -> None:
    store = opened(None)
    venue = Venue(store)
    begin(store)
    venue.go_on(120)
    venue.trade(7, 1)
    venue.go_on(120)
    start_us = venue.all[-1].ts_us // MINUTE_US * MINUTE_US
    wrong = PastCandle(start_us, 1, 1, 1, 1, 1, 1)
    store.fill(PastPage(SYMBOL, "1m", start_us, start_us + MINUTE_US, [wrong], (), UNITS))
    assert (start_us, 7, 7, 7, 7, 1, 1) in (await read(store, "1m"))[0]
    store.close()


async def test_a_candle_that_is_refused_stays_a_hole_and_the_others_fill_theirs() -> None:
    store = opened(None)
    venue = Venue(store)
    begin(store)
    for _ in range(6):
        venue.go_on(60)
        venue.trade(9, 1)
    venue.go_on(10)
    (only,) = (await store.missing(SYMBOL, "1m", START_US - 10 * MINUTE_US, MOST_US)).ranges
    refused_us = only.from_us + MINUTE_US
    store.fill(venue.page("1m", only.from_us, only.to_us, refused=(refused_us,)))
    first, *_ = await store.holes(SYMBOL, "1m", from_us=only.from_us)
    assert (first.from_us, first.to_us) == (refused_us, refused_us + MINUTE_US)
    store.close()


async def test_a_missing_trade_is_told_by_the_venue() -> None:
    store = opened(None)
    venue = Venue(store)
    begin(store)
    await venue.fill()
    venue.go_on(100)
    assert list(store.take_regained()) == [SYMBOL]
    venue.all.append(trade(venue.now_us - 1, price=77))
    publish(store, MissingTrade(SYMBOL, venue.now_us - 1))
    venue.go_on(100)
    await venue.fill()
    await assert_right(store, venue, ("1m", "15m"), START_US - DAY_US)
    assert list(store.take_regained()) == [SYMBOL]
    store.close()


async def test_finer_figures_of_the_past_stay_exact() -> None:
    store = opened(None)
    venue = Venue(store)
    begin(store)
    venue.go_on(200)
    start_us = START_US // MINUTE_US * MINUTE_US - 60 * MINUTE_US
    finer = StoredUnits(Scale.of("0.2"), Scale.of("0.0004"))
    candle = PastCandle(start_us, 3, 9, 1, 4, 7, 0)
    store.fill(PastPage(SYMBOL, "1m", start_us, start_us + MINUTE_US, [candle], (), finer))
    (one,) = await store.candles(SYMBOL, "1m", from_us=start_us, to_us=start_us + MINUTE_US)
    figures = [one.price(units) for units in (one.open_units, one.high_units, one.low_units, one.close_units)]
    assert (figures, one.volume) == (["0.6", "1.8", "0.2", "0.8"], "0.0028")
    store.close()


async def test_nothing_is_missing_of_a_symbol_that_is_unknown() -> None:
    store = opened(None)
    missing = await store.missing("v:NO-NO", "1m", 0, MOST_US)
    assert missing == Missing()
    store.fill(PastPage("v:NO-NO", "1m", 0, MINUTE_US, [], (), UNITS))
    assert not await store.candles("v:NO-NO", "1m")
    store.close()


async def test_the_minute_in_which_a_hole_ends_is_missing_until_it_has_settled() -> None:
    store = opened(None)
    venue = Venue(store)
    begin(store)
    venue.go_on(20)
    missing = await store.missing(SYMBOL, "1m", 0, DAY_US)
    minute_us = START_US - START_US % MINUTE_US
    assert missing.ranges[0].to_us == minute_us
    assert venue.now_us + missing.more_in_us == minute_us + MINUTE_US + SETTLED_US
    venue.now_us = minute_us + MINUTE_US + 2 * SECOND_US
    venue.go_on(0)
    assert not (await store.missing(SYMBOL, "1m", minute_us, DAY_US)).ranges
    venue.go_on(1)
    missing = await store.missing(SYMBOL, "1m", minute_us, DAY_US)
    assert missing == Missing([MissingRange(minute_us, minute_us + MINUTE_US)])
    store.close()


async def test_holes_far_from_each_other_are_fetched_apart_and_the_latest_first() -> None:
    store = opened(None)
    venue = Venue(store)
    begin(store)
    await venue.fill()
    for hours in (1, 5):
        venue.go_on(hours * 3_600)
        venue.lose()
        venue.go_on(30)
        venue.regain()
    venue.go_on(200)
    ranges = (await store.missing(SYMBOL, "1m", START_US + 10 * MINUTE_US, MOST_US)).ranges
    assert len(ranges) == 2
    assert ranges[0].from_us > ranges[1].to_us
    assert all(part.to_us - part.from_us <= 2 * MINUTE_US for part in ranges)
    store.close()


async def test_what_was_filled_is_filled_after_a_restart_and_is_not_told_twice(tmp_path: Path) -> None:
    store = opened(tmp_path / "market.db")
    venue = Venue(store)
    begin(store)
    venue.go_on(200)
    await venue.fill()
    before = await read(store, "1m")
    store.close()
    store = venue.store = opened(tmp_path / "market.db")
    assert await read(store, "1m") == before  # also of a symbol that is not listed yet
    begin(store, venue.now_us)
    venue.go_on(200)
    await venue.fill()
    await assert_right(store, venue, ("1m", "5m"), START_US - DAY_US)
    await assert_right(store, venue, ("15m", "1h", "2h", "1d"), 0)
    store.close()


async def test_a_file_of_the_first_version_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "market.db"
    store = opened(path)
    venue = Venue(store)
    begin(store)
    venue.go_on(100)
    venue.trade(5, 1)
    store.close()
    connection = sqlite3.connect(path)
    connection.executescript("DROP TABLE filled; PRAGMA user_version = 1;")
    connection.close()
    store = venue.store = opened(path)
    begin(store, venue.now_us)
    venue.go_on(200)
    await venue.fill()
    await assert_right(store, venue, ("1m", "5m"), START_US - DAY_US)
    store.close()
    assert history_file.open_to_read(path).execute("PRAGMA user_version").fetchone() == (3,)
