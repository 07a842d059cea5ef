"""Trades of the venue fill holes: what is read then are all its trades, each once and in order."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorwire.core.market_events import FeedStatus, MissingTrade, Trade, VenueTime
from floorwire.core.market_history import MOST_US, Hole, StoredUnits
from floorwire.core.past_candles import PastCandle, PastPage
from floorwire.core.past_trades import PastTradesPage
from floorwire.history.market_store import MarketStore
from tests.history import market
from tests.history.market import MINUTE_US, SECOND_US, START_US, SYMBOL, begin, instrument, opened, publish

OF = instrument()
UNITS = StoredUnits(OF.price, OF.size)
BACK_US = 20 * MINUTE_US
MS = 1_000


class Venue:
    """A venue with all its trades, of which it tells the past. What the store hears is up to the test.

    ``batch_us``: so late its trades come, after the time that it tells.
    """

    def __init__(self, store: MarketStore, at_us: int = START_US, batch_us: int = 0) -> None:
        self.store = store
        self.now_us = at_us
        self.is_live = True
        self.batch_us = batch_us
        self.all = [
            market.trade(at_us - n * 7 * SECOND_US, price=50 + n, number=301 - n) for n in range(200, 0, -1)
        ]
        self.coming: list[Trade] = []
        self.lost: list[Trade] = []

    def go_on(self, passed_us: int) -> None:
        self.now_us += passed_us
        ready = [one for one in self.coming if one.ts_us + self.batch_us <= self.now_us]
        self.coming = [one for one in self.coming if one not in ready]
        if self.is_live:
            publish(self.store, *ready, VenueTime(self.now_us))
        else:
            self.lost += ready

    def trade(self, price: int, size: int) -> None:
        one = Trade(
            SYMBOL, str(len(self.all) + 101), price, size, "buy" if price % 2 else "sell",
            self.now_us - self.now_us % MS,
        )  # fmt: skip
        self.all.append(one)
        self.coming.append(one)

    def lose(self) -> None:
        self.is_live = False
        self.lost += self.coming
        self.coming = []
        publish(self.store, FeedStatus(SYMBOL, "stale", "link_lost", self.now_us))

    def regain(self) -> None:
        self.is_live = True
        publish(self.store, FeedStatus(SYMBOL, "live", "synced", self.now_us), VenueTime(self.now_us))

    def page(self, from_us: int, to_us: int) -> PastTradesPage:
        inside = [one for one in self.all if from_us <= one.ts_us < to_us]
        return PastTradesPage(SYMBOL, from_us, to_us, inside, (), UNITS)

    async def fill(self, cuts: int = 1, pages: int = 1_000) -> None:
        """Fill what is missing, each time in so many pages; stop after some."""
        missing = await self.store.missing(SYMBOL, None, 0, BACK_US)
        for part in missing.ranges:
            edges = [part.from_us + (part.to_us - part.from_us) * cut // cuts for cut in range(cuts + 1)]
            for from_us, to_us in list(pairwise(edges))[::-1]:
                pages -= 1
                if pages < 0:
                    return
                if from_us < to_us:
                    self.store.fill(self.page(from_us, to_us))

    async def fill_minutes(self) -> None:
        """Fill the candles of minutes, as the venue counts them."""
        for part in (await self.store.missing(SYMBOL, "1m", 0, BACK_US)).ranges:
            candles = [
                PastCandle(start_us, first, high, low, last, volume, count)
                for start_us, first, high, low, last, volume, count in counted(self.all, MINUTE_US)
                if part.from_us <= start_us < part.to_us
            ]
            self.store.fill(PastPage(SYMBOL, "1m", part.from_us, part.to_us, candles, (), UNITS))


def counted(trades: Sequence[Trade], length_us: int) -> list[tuple[int, ...]]:
    """Start, open, high, low, close, volume and number of trades of each candle, counted plainly."""
    by_start: dict[int, list[Trade]] = {}
    for one in trades:
        by_start.setdefault(one.ts_us - one.ts_us % length_us, []).append(one)
    found: list[tuple[int, ...]] = []
    for start_us, inside in sorted(by_start.items()):
        prices = [one.price_ticks for one in inside]
        volume = sum(one.size_lots for one in inside)
        found.append((start_us, prices[0], max(prices), min(prices), prices[-1], volume, len(inside)))
    return found


async def candles(store: MarketStore, interval: str, from_us: int) -> list[tuple[int, ...]]:
    """The candles with trades from a time on. None of them is incomplete."""
    found: list[tuple[int, ...]] = []
    while page := await store.candles(SYMBOL, interval, from_us=from_us, newest_first=False):
        for one in page:
            assert not one.is_incomplete
            if one.trades:
                prices = one.open_units, one.high_units, one.low_units, one.close_units
                found.append((one.start_us, *prices, one.volume_units, one.trades))
        from_us = page[-1].end_us
    return found


async def assert_right(venue: Venue, from_us: int) -> None:
    """Check that from this time on each trade is stored, once and in order, and counts in its candles."""
    store = venue.store
    told = [one for one in venue.all if one not in venue.coming]
    right = [one.trade_id for one in told if one.ts_us >= from_us]
    assert [one.trade_id for one in await market.all_trades(store) if one.ts_us >= from_us] == right
    page = await store.trades(SYMBOL, from_us=from_us)
    assert [one.trade_id for one in page] == right[::-1][:1_000]
    assert not [hole for hole in await store.holes(SYMBOL, None) if (hole.to_us or MOST_US) > from_us]
    second_us = from_us + SECOND_US - from_us % SECOND_US
    assert await candles(store, "1s", second_us) == [
        one for one in counted(told, SECOND_US) if one[0] >= second_us
    ]


steps = st.lists(
    st.one_of(
        st.tuples(st.just("go"), st.sampled_from([1, MS, 300 * MS, SECOND_US, 20 * SECOND_US])),
        st.tuples(st.just("trade"), st.integers(1, 50)),
        st.tuples(st.just("trade"), st.integers(1, 50)),
        st.tuples(st.just("lose"), st.just(0)),
        st.tuples(st.just("regain"), st.just(0)),
        st.tuples(st.just("fill"), st.integers(1, 5)),
        st.tuples(st.just("part"), st.integers(1, 3)),
        st.tuples(st.just("minutes"), st.just(0)),
        st.tuples(st.just("write"), st.just(0)),
        st.tuples(st.just("late"), st.just(0)),
    ),
    max_size=60,
)


@given(steps, st.sampled_from([0, 250 * MS]))
def test_whatever_was_lost_and_fetched_each_trade_is_there_once(
    plan: Sequence[tuple[str, int]], batch_us: int
) -> None:
    asyncio.run(_follow(plan, batch_us))


async def _follow(plan: Sequence[tuple[str, int]], batch_us: int) -> None:
    store = opened(None)
    venue = Venue(store, batch_us=batch_us)
    begin(store)
    for kind, number in plan:
        match kind:
            case "go":
                venue.go_on(number)
            case "trade":
                venue.go_on(number * MS // 7)
                venue.trade(100 + number, number)
            case "lose":
                venue.lose()
            case "regain":
                venue.regain()
            case "fill":
                await venue.fill(cuts=number)
            case "part":
                await venue.fill(cuts=4, pages=number)
            case "minutes":
                await venue.fill_minutes()
            case "write":
                await asyncio.to_thread(store.writer.write)
            case "late" if venue.is_live:  # what was fetched already comes live
                holes = await store.holes(SYMBOL, None)
                told = [one for one in venue.lost if not any(_has(hole, one.ts_us) for hole in holes)]
                publish(store, *told)
                venue.lost = [one for one in venue.lost if one not in told]
    venue.regain()
    venue.go_on(5 * SECOND_US)
    await venue.fill(cuts=3)
    venue.go_on(70 * SECOND_US)
    await venue.fill_minutes()
    await assert_right(venue, venue.now_us - BACK_US + 100 * SECOND_US)
    minute_us = START_US - START_US % MINUTE_US + MINUTE_US
    right = [one for one in counted(venue.all, MINUTE_US) if one[0] >= minute_us]
    assert await candles(store, "1m", minute_us) == right
    store.close()


def _has(hole: Hole, ts_us: int) -> bool:
    return hole.from_us - SECOND_US <= ts_us and (hole.to_us is None or hole.to_us > ts_us)


async def test_a_first_subscription_has_the_last_minutes(tmp_path: Path) -> None:
    store = opened(tmp_path / "market.db")
    venue = Venue(store)
    begin(store)
    venue.go_on(SECOND_US)
    assert (await store.missing(SYMBOL, None, 0, BACK_US)).more_in_us == 3 * SECOND_US
    venue.trade(7, 1)
    venue.go_on(3 * SECOND_US)
    (part,) = (await store.missing(SYMBOL, None, 0, BACK_US)).ranges
    assert (part.from_us, part.to_us) == (venue.now_us - BACK_US, START_US + SECOND_US)
    assert part.before_id == venue.all[-1].trade_id
    await venue.fill(cuts=4)
    await assert_right(venue, part.from_us)
    first, *_ = await store.holes(SYMBOL, None)
    assert (first.from_us, first.to_us) == (0, part.from_us)
    store.close()


async def test_after_a_restart_what_was_lost_is_asked_for_and_nothing_is_twice(tmp_path: Path) -> None:
    path = tmp_path / "market.db"
    store = opened(path)
    venue = Venue(store)
    begin(store)
    venue.go_on(10 * SECOND_US)
    await venue.fill()
    for price in range(20):
        venue.trade(price + 1, 1)
        venue.go_on(SECOND_US)
    store.close()
    for price in range(20):
        venue.now_us += SECOND_US
        venue.trade(price + 1, 1)
    venue.coming = venue.coming[-3:]
    store = venue.store = opened(path)
    begin(store, venue.now_us)
    publish(store, *venue.all[-25:-22])  # the venue repeats some
    venue.go_on(5 * SECOND_US)
    await venue.fill(cuts=2)
    await assert_right(venue, venue.now_us - BACK_US + 100 * SECOND_US)
    store.close()


async def test_a_page_that_lacks_a_trade_that_came_live_changes_nothing() -> None:
    store = opened(None)
    venue = Venue(store)
    begin(store)
    venue.go_on(400 * MS)
    venue.trade(9, 1)
    venue.go_on(10 * SECOND_US)
    (part,) = (await store.missing(SYMBOL, None, 0, BACK_US)).ranges
    lagging = venue.page(part.from_us, part.to_us)
    store.fill(PastTradesPage(SYMBOL, part.from_us, part.to_us, lagging.trades[:-1], (), UNITS))
    assert (await store.missing(SYMBOL, None, 0, BACK_US)).ranges == [part]
    assert len(await store.trades(SYMBOL)) == 1
    store.fill(lagging)
    await assert_right(venue, part.from_us)
    store.close()


async def test_the_second_of_a_trade_that_is_refused_stays_a_hole() -> None:
    store = opened(None)
    venue = Venue(store)
    begin(store)
    venue.go_on(10 * SECOND_US)
    (part,) = (await store.missing(SYMBOL, None, 0, BACK_US)).ranges
    refused = venue.all.pop(-3)
    page = venue.page(part.from_us, part.to_us)
    store.fill(PastTradesPage(SYMBOL, part.from_us, part.to_us, page.trades, (refused.ts_us,), UNITS))
    second_us = refused.ts_us - refused.ts_us % SECOND_US
    holes = [(hole.from_us, hole.to_us) for hole in await store.holes(SYMBOL, None)]
    assert holes == [(0, part.from_us), (second_us, second_us + SECOND_US)]
    store.close()


async def test_a_late_missing_trade_within_an_old_hole_hides_nothing_of_it() -> None:
    store = opened(None)
    begin(store)
    publish(store, VenueTime(START_US + 10 * SECOND_US))
    publish(store, FeedStatus(SYMBOL, "stale", "link_lost", START_US))
    publish(store, FeedStatus(SYMBOL, "live", "synced", START_US), VenueTime(START_US + 50 * SECOND_US))
    publish(store, VenueTime(START_US + 90 * SECOND_US), FeedStatus(SYMBOL, "stale", "silent", START_US))
    publish(store, MissingTrade(SYMBOL, START_US + 30 * SECOND_US))
    await asyncio.to_thread(store.writer.write)
    late_us = START_US + 40 * SECOND_US
    (hole,) = await store.holes(SYMBOL, "1m", from_us=late_us, to_us=late_us + SECOND_US)
    assert hole.reason == "link_lost"
    assert (hole.from_us, hole.to_us) == (START_US + 10 * SECOND_US, START_US + 51 * SECOND_US)
    store.close()


async def test_a_reader_that_began_before_sees_each_trade_once(tmp_path: Path) -> None:
    """A page is read while trades are put in before those that were in memory when it began."""
    store = opened(tmp_path / "market.db")
    venue = Venue(store)
    begin(store)
    venue.go_on(SECOND_US)
    for price in range(30):
        venue.trade(price + 1, 1)
        venue.go_on(50 * MS)
    venue.go_on(10 * SECOND_US)
    reads = [asyncio.ensure_future(store.trades(SYMBOL, newest_first=n % 2 == 0)) for n in range(4)]
    await asyncio.sleep(0)
    await venue.fill(cuts=3)
    for one in reads:
        ids = [trade.trade_id for trade in await one]
        assert len(ids) == len(set(ids))
        assert set(ids) >= {trade.trade_id for trade in venue.all[-30:]}
    await assert_right(venue, venue.now_us - BACK_US + SECOND_US)
    store.close()


async def fill_until_killed(path: Path, start_us: int) -> None:
    """Fill holes for ever, and print how many there were."""
    store = opened(path)
    venue = Venue(store, start_us)
    begin(store, start_us)
    for number in range(1, 10_000):
        venue.lose()
        for price in range(30):
            venue.trade(price + 1, 1)
            venue.now_us += 100 * MS
        venue.coming = []
        venue.regain()
        venue.go_on(5 * SECOND_US)
        await venue.fill(cuts=3)
        await store.extent(SYMBOL)
        print(number, flush=True)


@pytest.mark.slow
async def test_a_kill_while_holes_are_filled(tmp_path: Path) -> None:
    path, start_us = tmp_path / "market.db", START_US
    for round_ in range(5):
        start_us += 3_600 * SECOND_US
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.history.test_trade_filling", str(path), str(start_us), stdout=-1
        )
        assert process.stdout is not None
        for _ in range(3 + round_ % 3):
            await process.stdout.readline()
        await asyncio.sleep(0.003 * round_)
        process.send_signal(signal.SIGKILL)
        await process.wait()
        store = opened(path)
        begin(store, start_us + 1_800 * SECOND_US)
        trades = await market.all_trades(store)
        mine = [one for one in trades if one.ts_us >= start_us - BACK_US]
        ids = [int(one.trade_id) for one in mine]
        assert ids == sorted(set(ids))
        holes = await store.holes(SYMBOL, None)
        for one, later in pairwise(mine):
            if int(later.trade_id) != int(one.trade_id) + 1:
                assert any(
                    hole.from_us - SECOND_US < later.ts_us and (hole.to_us or MOST_US) > one.ts_us
                    for hole in holes
                )
        seconds = [one for one in market.counted(trades, "1s") if one[0] >= start_us]
        assert await market.stored(store, "1s", [one[0] for one in seconds]) == seconds
        store.close()


if __name__ == "__main__":
    asyncio.run(fill_until_killed(Path(sys.argv[1]), int(sys.argv[2])))
