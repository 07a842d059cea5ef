"""Whatever happens on paper: nothing fills that the market did not show or trade, and everybody in turn."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import msgspec
from hypothesis import event, given, settings
from hypothesis import strategies as st

from floorwire.core.codes import Code
from floorwire.core.execution_reports import Amended, Ended, Filled, Refused, Report, Working
from floorwire.core.instrument import Side
from floorwire.core.market_events import BookChange, BookSnapshot, Feed, Trade
from floorwire.core.order_commands import Amend, Cancel, Command, Place
from floorwire.engine.paper_matching import PaperMatching
from floorwire.engine.unattributed_decreases import LATE_US
from tests.engine.naive_paper import OTHER, NaivePaper

S = "BTC-USDT"
LOW, HIGH = 97, 103


@dataclass(frozen=True)
class Move:
    """The market outside moves: bids below the middle, asks from it on, some sizes new."""

    middle: int
    sizes: dict[int, int]
    whole: bool
    delay_us: int


@dataclass(frozen=True)
class Print:
    """A trade is told, perhaps after what it did to the book."""

    taker: Side
    price: int
    lots: int
    delay_us: int


@dataclass(frozen=True)
class Pause:
    us: int


sides = st.sampled_from(("buy", "sell"))
prices = st.integers(LOW - 1, HIGH + 1)
order_ids = st.integers(0, 40)
tifs = st.sampled_from(("gtc", "gtc", "gtc", "ioc", "fok"))
places = st.builds(
    lambda side, lots, price, tif, post_only: Place(
        S, 0, 1, side, lots, price, tif, post_only and tif == "gtc"
    ),
    sides, st.integers(1, 30), prices, tifs, st.booleans(),
)  # fmt: skip
amends = st.builds(
    lambda order_id, price, lots: Amend(S, order_id, price, lots),
    order_ids, st.none() | prices, st.none() | st.integers(1, 30),
)  # fmt: skip
moves = st.builds(
    Move,
    st.integers(LOW + 1, HIGH),
    st.dictionaries(st.integers(LOW, HIGH), st.integers(0, 20), max_size=4),
    st.booleans(),
    st.integers(0, 3),
)
delays = st.integers(0, 6) | st.just(LATE_US)
prints = st.builds(Print, sides, prices, st.integers(1, 40), delays)
pauses = st.builds(Pause, st.sampled_from((LATE_US // 2, LATE_US)))
cancels = st.builds(Cancel, st.just(S), order_ids, st.sampled_from((None, Code.DEADMAN)))
steps = st.one_of(
    places, places, places, moves, moves, prints, prints, amends, cancels, pauses, st.booleans()
)  # fmt: skip
openings = st.lists(st.integers(1, 20), min_size=HIGH - LOW + 1, max_size=HIGH - LOW + 1)
Step = Place | Amend | Cancel | Move | Print | Pause | bool


class Twin:
    """The paper market and the naive one, told the same; what they say is compared and judged."""

    def __init__(self) -> None:
        self.paper, self.naive = PaperMatching(), NaivePaper()
        self.now_us = 0
        self.sizes: dict[Side, dict[int, int]] = {"buy": {}, "sell": {}}
        self.placed = 0
        self.terms: dict[int, Place] = {}
        self.told: list[Report] = []
        self.filled: Counter[int] = Counter()
        self.offered: Counter[Side] = Counter()
        """All lots that ever came to a side: the first sizes, and what levels grew by."""
        self.out_of_book: Counter[Side] = Counter()
        """All lots of a side that our orders took."""

    def step(self, step: Step) -> None:
        if isinstance(step, Amend | Cancel) and self.placed:  # one that there is, or was
            step = msgspec.structs.replace(step, order_id=1 + step.order_id % self.placed)
        self.now_us += 1
        self.naive.now_us = self.now_us
        before = {order_id: (order.price_ticks, order.ahead) for order_id, order in self.paper.orders.items()}
        reports, expected = self.do(step)
        assert reports == expected
        self.told += reports
        self.judge(step, reports)
        self.judge_queue(step, before)

    def do(self, step: Step) -> tuple[list[Report], list[Report]]:
        match step:
            case bool():
                feed: Feed = "live" if step else "stale"
                return self.paper.set_feed(feed, self.now_us), self.naive.follow(step)
            case Move():
                return self.move(step)
            case Pause(us):
                self.now_us += us
                return [], []
            case Print(taker, price, lots, delay_us):
                trade_id, ts_us = f"t{self.now_us}", self.now_us - delay_us
                reports = self.paper.apply_trade(Trade(S, trade_id, price, lots, taker, ts_us), self.now_us)
                return reports, self.naive.trade(taker, price, lots, trade_id, ts_us)
            case _:
                command: Command = step
                if isinstance(step, Place):
                    self.placed += 1
                    side, tif = step.side, step.time_in_force
                    command = Place(S, self.placed, 1, side, step.lots, step.price_ticks, tif, step.post_only)
                    self.terms[self.placed] = command
                return self.paper.execute(command, self.now_us), self.naive.execute(command)

    def move(self, move: Move) -> tuple[list[Report], list[Report]]:
        before = {side: dict(sizes) for side, sizes in self.sizes.items()}
        after: dict[Side, dict[int, int]] = {"buy": {}, "sell": {}}
        for price in range(LOW, HIGH + 1):
            side: Side = "buy" if price < move.middle else "sell"
            size = move.sizes.get(price, before[side].get(price, 0))
            if size:
                after[side][price] = size
        self.sizes = after
        ts_us = max(0, self.now_us - move.delay_us)
        event: BookSnapshot | BookChange
        if move.whole:
            event = BookSnapshot(S, tuple(after["buy"].items()), tuple(after["sell"].items()), ts_us)
        else:
            bids, asks = (
                tuple(
                    (price, after[side].get(price, 0))
                    for price in range(LOW, HIGH + 1)
                    if after[side].get(price, 0) != before[side].get(price, 0)
                )
                for side in OTHER
            )
            event = BookChange(S, bids, asks, ts_us)
        reports = self.paper.apply_book(event, self.now_us)
        for one in OTHER:
            self.naive.show(one, after[one], ts_us)
            for price, size in after[one].items():
                self.offered[one] += max(0, size - before[one].get(price, 0))
        self.naive.cross()
        return reports, self.naive.tell()

    # --- what has to be true of each step

    def judge(self, step: Step, reports: list[Report]) -> None:
        fills = [report for report in reports if isinstance(report, Filled)]
        assert not fills or self.paper.prices().feed == "live"
        for report in reports:
            if isinstance(report, Amended):
                place = self.terms[report.order_id]
                self.terms[report.order_id] = Place(
                    S, place.order_id, 1, place.side, report.lots, report.price_ticks, place.time_in_force
                )
        for fill in fills:
            place = self.terms[fill.order_id]
            assert place.price_ticks is not None
            limit = place.price_ticks
            assert fill.price_ticks <= limit if place.side == "buy" else fill.price_ticks >= limit
            if fill.liquidity == "maker":
                assert fill.price_ticks == limit  # never better than it asked for
            self.filled[fill.order_id] += fill.lots
            assert fill.left_lots == place.lots - self.filled[fill.order_id] >= 0
        if isinstance(step, Print):
            assert sum(fill.lots for fill in fills) <= step.lots
            assert {self.terms[fill.order_id].side for fill in fills} <= {OTHER[step.taker]}
        for side in OTHER:
            shown = sum(self.naive.book[side].values())
            taken = [self.naive.taken(side, price) for price in self.naive.book[side]]
            assert sum(taken) <= shown
            assert min(taken, default=0) >= 0
        for fill in fills:
            if fill.trade_id.startswith("paper-"):
                self.out_of_book[OTHER[self.terms[fill.order_id].side]] += fill.lots
        assert all(lots <= self.offered[side] for side, lots in self.out_of_book.items())

    def judge_queue(self, step: Step, before: dict[int, tuple[int, int]]) -> None:
        moved = step.order_id if isinstance(step, Amend) else None
        for order_id, order in self.paper.orders.items():
            price, ahead = before.get(order_id, (order.price_ticks, order.ahead))
            assert order.ahead >= 0
            if order_id != moved:
                assert (order.price_ticks, order.ahead) <= (price, ahead)
        asleep = {mine.order_id for mine in self.naive.orders if mine.sleeps}
        awake = [mine for mine in self.naive.orders if mine.order_id not in asleep]
        for mine in awake:
            assert self.paper.orders[mine.order_id].ahead == mine.ahead
        for side in OTHER:  # whoever came first at a price has no more ahead
            for price in {mine.price for mine in awake if mine.side == side}:
                line = [mine.ahead for mine in awake if (mine.side, mine.price) == (side, price)]
                assert line == sorted(line)


def run(sizes: list[int], taken: list[Step]) -> Twin:
    """Do all of it, in a market that is open with these sizes from the lowest price up."""
    twin = Twin()
    for step in (Move(100, dict(enumerate(sizes, LOW)), whole=True, delay_us=0), True, *taken):
        twin.step(step)
    return twin


@given(openings, st.lists(steps, min_size=20, max_size=60))
def test_paper_does_what_the_naive_one_does_and_fills_nothing_that_was_not_there(
    sizes: list[int], taken: list[Step]
) -> None:
    twin = run(sizes, taken)
    event(f"fills: {min(3, len(twin.filled))}")
    closed = Counter(
        report.order_id
        for report in twin.told
        if isinstance(report, Ended)
        or (isinstance(report, Filled) and not report.left_lots)
        or (isinstance(report, Refused) and report.action == "place")
    )
    working = {report.order_id for report in twin.told if isinstance(report, Working)}
    refused = {
        report.order_id for report in twin.told if isinstance(report, Refused) and report.action == "place"
    }
    assert set(closed.values()) <= {1}
    assert working | refused == set(twin.terms)
    assert set(twin.paper.orders) == set(twin.terms) - set(closed)


@settings(max_examples=30)
@given(openings, st.lists(steps, max_size=40))
def test_the_same_again_gives_the_same(sizes: list[int], taken: list[Step]) -> None:
    assert run(sizes, taken).told == run(sizes, taken).told


@given(
    st.lists(st.integers(0, 5) | st.integers(0, 1_000), min_size=1, max_size=30),
    st.booleans(),
    st.lists(st.booleans(), min_size=30, max_size=30),
)
def test_who_takes_all_gets_each_lot_that_was_ever_shown_once(
    sizes: list[int], rests: bool, live: list[bool]
) -> None:
    """A buy without end at a level that flickers gets the level's growth, whether the feed is live or not."""
    paper, bought, offered, before, is_live = PaperMatching(), 0, 0, 0, True
    paper.set_feed("live", 1)
    told: list[Report] = []
    for now_us, (size, stays) in enumerate(zip(sizes, live, strict=False), 2):
        if rests and now_us == 2:
            told += paper.execute(Place(S, 1, 1, "buy", 1 << 40, 100, "gtc"), now_us)
        told += paper.apply_book(BookChange(S, (), ((100, size),), now_us), now_us)
        if rests and stays != is_live:
            told += paper.set_feed("live" if stays else "stale", now_us)
            is_live = stays
        if not rests:
            told += paper.execute(Place(S, now_us, 1, "buy", 1 << 40, 100, "ioc"), now_us)
        offered, before = offered + max(0, size - before), size
        bought = sum(report.lots for report in told if isinstance(report, Filled))
        assert bought <= offered
        if not rests or all(live):
            assert bought == offered
