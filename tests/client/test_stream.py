"""A stream's queue is bounded, and what gives way is told."""

from __future__ import annotations

import asyncio
import gc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorwire.client.book_keeper import Book, BookKeeper
from floorwire.client.errors import ClientClosedError, SlowReaderError
from floorwire.client.stream import ItemQueue, OnFull, Stream
from floorwire.client.stream_gap import StreamGap
from floorwire.client.subscription import StreamItem
from floorwire.protocol.channel_events import Ticker
from tests.client.events import book, ticker, trade
from tests.client.test_subscription import check


def all_of(queue: ItemQueue) -> list[StreamItem | Book]:
    """Return what waits."""
    items = []
    while queue.is_ready():
        items.append(queue.pop())
    return items


def test_skip_tells_which_ones_gave_way() -> None:
    queue = ItemQueue(3, "skip")
    for seq in range(1, 8):
        queue.put(trade(seq))
    gap, *rest = all_of(queue)
    assert gap == StreamGap("trades", "BTC-USDT", "a", 1, 4, "slow")
    assert rest == [trade(5), trade(6), trade(7)]


def test_conflate_counts_what_the_newest_stands_for() -> None:
    queue = ItemQueue(2, "conflate")
    for seq in range(1, 6):
        queue.put(ticker(seq))
    assert all_of(queue) == [ticker(5, conflated=4)]


def test_a_gap_is_never_conflated_away() -> None:
    queue = ItemQueue(2, "conflate")
    queue.put(ticker(1))
    queue.put(StreamGap("ticker", "BTC-USDT", "a", 2, 5, "expired"))
    queue.put(ticker(6))
    gap, newest = all_of(queue)
    assert isinstance(gap, StreamGap)
    assert (gap.last, newest) == (5, ticker(6))


def test_end_delivers_what_waits_and_then_raises() -> None:
    queue = ItemQueue(2, "end")
    for seq in (1, 2, 3, 4):
        queue.put(ticker(seq))
    assert [queue.pop(), queue.pop()] == [ticker(1), ticker(2)]
    with pytest.raises(SlowReaderError):
        queue.pop()


def test_a_queue_has_room_for_one_at_least() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        ItemQueue(0, "skip")


def test_of_a_book_only_the_latest_waits() -> None:
    queue, keeper = ItemQueue(1, "conflate"), BookKeeper()
    keeper.apply(book(1, (("1", "1"),)))
    queue.put_book(keeper)
    keeper.apply(book(2, (("2", "1"),)))
    queue.put_book(keeper)
    (only,) = all_of(queue)
    assert isinstance(only, Book)
    assert only.seq == 2


@given(
    steps=st.lists(st.sampled_from(["put", "put", "put", "gap", "pop"]), max_size=60),
    on_slow=st.sampled_from(["skip", "conflate"]),
    size=st.integers(1, 4),
)
def test_every_seq_is_delivered_or_told(steps: list[str], on_slow: OnFull, size: int) -> None:
    queue, seq = ItemQueue(size, on_slow), 0
    items: list[StreamItem] = []
    for step in steps:
        if step == "pop":
            items += [queue.pop()] if queue.is_ready() else []  # type: ignore[list-item]
        elif step == "gap":
            queue.put(StreamGap("ticker", "BTC-USDT", "a", seq + 1, seq + 2, "expired"))
            seq += 2
        else:
            seq += 1
            queue.put(ticker(seq))
    items += all_of(queue)  # type: ignore[arg-type]
    told: list[StreamItem] = []
    for item in items:  # a conflated event stands for those before it
        conflated = getattr(item, "conflated", 0) or 0
        if conflated:
            told.append(StreamGap("ticker", None, "a", item.seq - conflated, item.seq - 1, "conflated"))  # type: ignore[union-attr]
        told.append(item)
    check(told)
    if told:
        last = told[-1]
        assert (last.last if isinstance(last, StreamGap) else last.seq) == seq


class Source:
    """Subscribes a queue, and notes when that ends."""

    def __init__(self) -> None:
        self.queue = ItemQueue(10, "skip")
        self.begun = 0
        self.ended = 0

    def begin(self, queue: ItemQueue) -> object:
        self.begun += 1

        def end() -> None:
            self.ended += 1

        return end

    def stream(self) -> Stream[StreamItem]:
        return Stream(self.queue, self.begin)  # type: ignore[arg-type]


async def test_it_subscribes_when_it_is_read() -> None:
    source = Source()
    stream = source.stream()
    assert source.begun == 0
    reading = asyncio.create_task(anext(stream))
    await asyncio.sleep(0)
    assert source.begun == 1
    source.queue.put(trade(1))
    source.queue.put(trade(2))
    assert [await reading, await anext(stream)] == [trade(1), trade(2)]
    await stream.aclose()
    await stream.aclose()
    assert source.ended == 1
    with pytest.raises(StopAsyncIteration):
        await anext(stream)


async def test_a_stream_that_nobody_holds_ends() -> None:
    source = Source()
    source.queue.put(trade(1))
    async for item in source.stream():
        assert item == trade(1)
        break
    gc.collect()
    assert source.ended == source.begun
    async with source.stream():
        assert source.begun == source.ended + 1
    assert source.ended == source.begun


async def test_a_reader_that_gives_up_disturbs_nobody() -> None:
    source = Source()
    stream = source.stream()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await anext(stream)
    source.queue.put(trade(1))
    assert await anext(stream) == trade(1)
    source.queue.end(ClientClosedError("over"))
    with pytest.raises(ClientClosedError):
        await anext(stream)


def test_of_many_symbols_the_newest_of_each_waits_beyond_the_size() -> None:
    queue = ItemQueue(2, "conflate")
    for seq in range(1, 5):
        for symbol in ("A", "B", "C"):
            queue.put(ticker(seq, symbol=symbol))
    newest: dict[str, tuple[int, int]] = {}
    for item in all_of(queue):
        assert isinstance(item, Ticker)
        seq, stands_for = newest.get(item.symbol, (0, 0))
        newest[item.symbol] = (item.seq, stands_for + 1 + (item.conflated or 0))
    assert newest == {"A": (4, 4), "B": (4, 4), "C": (4, 4)}


def test_conflating_many_symbols_is_bounded_by_their_number() -> None:
    queue = ItemQueue(1, "conflate")
    for seq in range(1, 200):
        for symbol in "ABCDE":
            queue.put(ticker(seq, symbol=symbol))
            assert len(queue.items) <= 10


def test_skipped_items_are_told_by_symbol() -> None:
    queue = ItemQueue(1, "skip")
    for seq in (1, 2):
        for symbol in ("A", "B"):
            queue.put(ticker(seq, symbol=symbol))
    assert all_of(queue) == [
        StreamGap("ticker", "A", "a", 1, 2, "slow"),
        StreamGap("ticker", "B", "a", 1, 1, "slow"),
        ticker(2, symbol="B"),
    ]


def test_of_several_books_each_waits_once() -> None:
    queue, keepers = ItemQueue(1, "conflate"), (BookKeeper(), BookKeeper())
    for seq in (1, 2):
        for keeper in keepers:
            keeper.apply(book(seq, ((str(seq), "1"),)))
            queue.put_book(keeper)
    queue.put(StreamGap("book", "BTC-USDT", "a", 3, 4, "slow"))
    assert [item.seq for item in all_of(queue) if isinstance(item, Book)] == [2, 2]
