"""A stream as its reader sees it: a bounded queue, and what gives way when the reader is slow."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final, Generic, Literal, Protocol, Self, TypeAlias, TypeVar

import msgspec
from msgspec import UNSET

from floorwire.client.book_keeper import Book
from floorwire.client.errors import ClientError, SlowReaderError
from floorwire.client.stream_gap import StreamGap
from floorwire.client.subscription import StreamItem
from floorwire.protocol.channel_events import Event
from floorwire.protocol.private_events import PrivateEvent

OnFull: TypeAlias = Literal["conflate", "skip", "end"]
QUEUE: Final = 1_000
ItemT = TypeVar("ItemT")


class BookSource(Protocol):
    """Gives the book of now."""

    def book(self) -> Book:
        """Return the book. There is one."""
        ...


class ItemQueue:
    """What waits for one reader, at most ``size`` items. ``on_slow`` says what gives way beyond that."""

    def __init__(self, size: int, on_slow: OnFull) -> None:
        if size < 1:
            raise ValueError(f"queue: {size}, has to be at least 1")
        self.items: deque[StreamItem | BookSource] = deque()
        self._size = size
        self._most = size
        """More items than that give way: of many symbols, the newest of each has room beyond the size."""
        self._on_slow = on_slow
        self.missed: dict[str | None, StreamGap] = {}
        """By symbol, what stands for items that gave way. These gaps come before the items that wait."""
        self._changed: set[BookSource] = set()
        """Books among the items."""
        self._ending: ClientError | None = None
        """Why the stream ends after what waits."""
        self._waiter: asyncio.Future[None] | None = None

    def put(self, item: StreamItem) -> None:
        """Add an item. It never waits."""
        if self._ending is not None:
            return
        if len(self.items) >= self._most:
            self._give_way(item)
        else:
            self.items.append(item)
        if self._changed and isinstance(item, StreamGap):
            self._changed.clear()  # books that change now come once more, after the gap
        if self._waiter is not None:
            self._wake()

    def put_book(self, source: BookSource) -> None:
        """Note that the book has changed. Several changes in a row are one: the reader gets the latest."""
        if self._ending is None and source not in self._changed:
            self._changed.add(source)
            self.items.append(source)
            if self._waiter is not None:
                self._wake()

    def end(self, error: ClientError) -> None:
        """Let the stream end with this error, after what waits."""
        if self._ending is None:
            self._ending = error
        if self._waiter is not None:
            self._wake()

    def is_ready(self) -> bool:
        """Return whether ``pop`` returns an item or raises the error, at once."""
        return bool(self.items or self.missed) or self._ending is not None

    def pop(self) -> StreamItem | Book:
        """Return the next item. Raises the error that the stream ends with."""
        if self.missed:
            return self.missed.pop(next(iter(self.missed)))
        if self.items:
            item = self.items.popleft()
            return item if isinstance(item, msgspec.Struct) else self.take_book(item)
        assert self._ending is not None
        raise self._ending

    def take_book(self, source: BookSource) -> Book:
        """Return the book of now, of a source that was among the items."""
        self._changed.discard(source)
        return source.book()

    async def wait(self) -> None:
        """Wait until ``is_ready``."""
        while not self.is_ready():
            assert self._waiter is None, "a stream has one reader"
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None

    def _wake(self) -> None:
        assert self._waiter is not None
        if not self._waiter.done():
            self._waiter.set_result(None)

    def _give_way(self, item: StreamItem) -> None:
        if self._on_slow == "end":
            self.end(SlowReaderError(f"{self._size} items waited for the reader"))
        elif self._on_slow == "skip":
            self._skip(self.items.popleft())
            self.items.append(item)
        else:
            self._conflate(item)

    def _skip(self, oldest: StreamItem | BookSource) -> None:
        gap = oldest if isinstance(oldest, StreamGap) else _gap_of(oldest)
        if gap is not None:
            before = self.missed.get(gap.symbol)
            self.missed[gap.symbol] = gap if before is None else before.joined(gap)

    def _conflate(self, item: StreamItem) -> None:
        """Let the newest of each symbol stand for all of it. A gap is told first, with what was before it."""
        newest: dict[str | BookSource | None, StreamItem | BookSource] = {}
        for one in (*self.items, item):
            if isinstance(one, StreamGap):
                before = newest.pop(one.symbol, None)
                if before is not None:
                    self._skip(before)
                self._skip(one)
            elif isinstance(one, Event):
                symbol = getattr(one, "symbol", None)
                before = newest.pop(symbol, None)
                count = 1 + _count(before) if isinstance(before, Event) else 0
                newest[symbol] = msgspec.structs.replace(one, conflated=count + _count(one) or UNSET)
            elif not isinstance(one, msgspec.Struct):
                newest[one] = one
        self.items = deque(newest.values())
        self._most = max(self._size, 2 * len(self.items) - 1)


def _count(event: Event) -> int:
    return event.conflated if isinstance(event.conflated, int) else 0


def _gap_of(item: StreamItem | BookSource) -> StreamGap | None:
    """Return the gap that stands for an event. Rows of the past have no seq of their own: None."""
    if isinstance(item, PrivateEvent):
        channel, symbol, first = item.__struct_config__.tag, None, item.seq
    elif isinstance(item, Event):
        channel, symbol = item.__struct_config__.tag, getattr(item, "symbol", None)
        first = item.seq - _count(item)
    else:
        return None
    assert isinstance(channel, str)
    return StreamGap(channel, symbol, item.epoch, first, item.seq, "slow")


class Stream(Generic[ItemT]):
    """An asynchronous iterator of one topic. It subscribes when it is first read, or by ``async with``.

    One task reads it. It ends with ``aclose``, at the end of ``async with``, or when nobody holds it.
    """

    def __init__(self, queue: ItemQueue, begin: Callable[[ItemQueue], Callable[[], None]]) -> None:
        """``begin`` subscribes the queue, and returns what ends that."""
        self._queue = queue
        self._begin = begin
        self._end: Callable[[], None] | None = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> ItemT:
        queue = self._queue
        if queue.items and not queue.missed:  # the most of all, so it goes the shortest way
            item = queue.items.popleft()
            return item if isinstance(item, msgspec.Struct) else queue.take_book(item)  # type: ignore[return-value]
        if not queue.is_ready():
            if self._end is _nothing:
                raise StopAsyncIteration
            self.start()
            await queue.wait()
        return queue.pop()  # type: ignore[return-value] # of the topic that the maker of the stream chose

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def start(self) -> None:
        """Subscribe, if that is not done. Events wait in the queue from then on."""
        if self._end is None:
            self._end = self._begin(self._queue)

    async def aclose(self) -> None:
        """End the subscription, if no other stream shares it."""
        self.stop()

    def stop(self) -> None:
        """End the subscription at once. It works in the thread of the event loop only."""
        if self._end is not None:
            end, self._end = self._end, _nothing
            end()

    def __del__(self) -> None:
        self.stop()


def _nothing() -> None:
    """Do nothing: the stream has ended."""
