"""A client's book, rebuilt from messages alone, is the tracker's at every seq and every depth."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorwire.channels.book import CHANNEL, DEPTHS
from floorwire.core.market_events import BookChange, BookSnapshot, Level
from floorwire.protocol.channel_events import BookEvent, WireLevel
from tests.channels.book_client import BookClient
from tests.channels.stream_driver import BTC, Drive

from .market_event_strategies import BTC_USDT, changes, snapshots

View = tuple[tuple[WireLevel, ...], tuple[WireLevel, ...]]


class NaiveBook:
    """The whole book as two plain dictionaries, sorted anew for every look."""

    def __init__(self) -> None:
        self.bids: dict[int, int] = {}
        self.asks: dict[int, int] = {}
        self.known = False

    def apply(self, event: BookSnapshot | BookChange) -> None:
        if isinstance(event, BookSnapshot):
            self.known, self.bids, self.asks = True, {}, {}
        if not self.known:
            return
        before = dict(self.bids), dict(self.asks)
        self.bids.update(event.bids)
        self.asks.update(event.asks)
        self._drop_empty()
        while self.bids and self.asks and max(self.bids) >= min(self.asks):
            bid, ask = max(self.bids), min(self.asks)
            is_snapshot = isinstance(event, BookSnapshot)
            new_bid = is_snapshot or self.bids[bid] != before[0].get(bid)
            new_ask = is_snapshot or self.asks[ask] != before[1].get(ask)
            if new_bid or not new_ask:
                self.asks[ask] = 0
            if new_ask or not new_bid:
                self.bids[bid] = 0
            self._drop_empty()

    def _drop_empty(self) -> None:
        self.bids = {price: size for price, size in self.bids.items() if size}
        self.asks = {price: size for price, size in self.asks.items() if size}

    def view(self, depth: int) -> View:
        bids = sorted(self.bids.items(), reverse=True)[:depth]
        return _written(bids), _written(sorted(self.asks.items())[:depth])


def _written(levels: list[Level]) -> tuple[WireLevel, ...]:
    return tuple((f"{price / 100:.2f}", f"{size / 1000:.3f}") for price, size in levels)


def check(happened: list[BookSnapshot | BookChange], depths: tuple[int, ...]) -> None:
    """Let a client of each depth read along, and look at every seq."""
    tracker, naive = CHANNEL.tracker(BTC), NaiveBook()
    readers = [(depth, Drive(CHANNEL, depth, tracker), BookClient()) for depth in depths]
    for event in happened:
        tracker.apply(event)
        naive.apply(event)
        for depth, drive, client in readers:
            before = client.view()
            messages = drive.follow(event)
            for message in messages:
                client.read(message)
            assert client.view() == naive.view(depth)
            assert messages or before == client.view()


@given(st.lists(st.one_of(snapshots, changes), max_size=12))
def test_the_rebuilt_book_equals_the_naive_one_at_every_seq(
    happened: list[BookSnapshot | BookChange],
) -> None:
    check(happened, DEPTHS)


def big_market(seed: int) -> list[BookSnapshot | BookChange]:
    """Return a market of some 500 levels a side, so that the deepest windows over- and underflow."""
    random = Random(seed)

    def level(side: int) -> Level:
        price = 5000 + side * (1 + int(random.expovariate(1 / 250)))
        return max(1, price), random.choice((0, 0, 1, 2, 3))

    def event() -> BookChange:
        count = random.choice((1, 2, 5, 40))
        bids = tuple(level(-1) for _ in range(count))
        return BookChange(BTC_USDT, bids, tuple(level(1) for _ in range(count)), 1)

    bids = tuple((5000 - place, 1) for place in range(1, 490 + seed))
    asks = tuple((5000 + place, 1) for place in range(1, 510 + seed))
    return [BookSnapshot(BTC_USDT, bids, asks, 1), *(event() for _ in range(60))]


@pytest.mark.parametrize("seed", range(4))
def test_deep_windows_too(seed: int) -> None:
    check(big_market(seed), (100, 500))


@given(st.lists(st.one_of(changes, snapshots), min_size=1, max_size=12), st.data())
def test_a_client_that_joins_or_is_conflated_at_any_point_sees_what_the_others_see(
    happened: list[BookSnapshot | BookChange], data: st.DataObject
) -> None:
    depth = data.draw(st.sampled_from((1, 5, 10)))
    drive, steady, slow = Drive(CHANNEL, depth), BookClient(), BookClient()
    missed = 0
    for event in happened:
        messages = drive.feed(event)
        for message in messages:
            steady.read(message)
        if missed or data.draw(st.booleans(), "blocked"):
            missed += len(messages)
        else:
            for message in messages:
                slow.read(message)
        if missed and data.draw(st.booleans(), "writable"):
            state = drive.state(conflated=missed)
            assert isinstance(state, BookEvent)
            assert (state.seq, state.conflated) == (drive.seq, missed)
            slow.read(state)
            missed = 0
        if not missed:
            assert slow.view() == steady.view()


@given(st.lists(st.one_of(changes, snapshots)), snapshots, st.lists(st.one_of(changes, snapshots)))
def test_a_client_that_joins_late_reads_on_from_the_state(
    before: list[BookSnapshot | BookChange],
    known: BookSnapshot,
    after: list[BookSnapshot | BookChange],
) -> None:
    early, client = Drive(CHANNEL, 5), BookClient()
    early.feed(*before, known)
    late = Drive(CHANNEL, 5, early.tracker, seq=1)  # as when the first one subscribes: a new stream
    state = late.state()
    assert state is not None
    client.read(state)
    for message in late.feed(*after):
        client.read(message)
    now = late.state()
    assert isinstance(now, BookEvent)
    assert client.view() == (now.bids, now.asks)
