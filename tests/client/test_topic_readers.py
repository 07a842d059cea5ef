"""Several readers of one topic: each gets every item, and a state to begin with."""

from __future__ import annotations

from floorwire.client.book_keeper import Book
from floorwire.client.errors import ClientClosedError
from floorwire.client.stream import ItemQueue
from floorwire.client.stream_gap import StreamGap
from floorwire.client.subscription import StreamItem, Topic
from floorwire.client.topic_readers import TopicReaders
from floorwire.protocol.market_replies import TradeHistory
from tests.client.events import SYMBOL, book, orders_snapshot, orders_update, subscribed, ticker, trade
from tests.client.test_stream import all_of


def live(channel: str, option: int | None = None) -> TopicReaders:
    """Return the readers of a subscription that is live, from seq 1 on."""
    readers = TopicReaders(Topic(channel, None if channel == "orders" else SYMBOL, option))
    readers.subscription.request()
    readers.subscription.confirmed(subscribed(channel, 0 if channel in ("trades", "orders") else 1))
    return readers


def queue(readers: TopicReaders) -> ItemQueue:
    """Add a reader."""
    made = ItemQueue(10, "end")
    readers.add(made)
    return made


def test_each_reader_gets_each_item_and_a_later_one_the_state() -> None:
    readers = live("ticker")
    first = queue(readers)
    readers.subscription.receive(ticker(1))
    second = queue(readers)
    readers.subscription.receive(ticker(2))
    readers.remove(first)
    readers.subscription.receive(ticker(3))
    assert (all_of(first), all_of(second)) == ([ticker(1), ticker(2)], [ticker(1), ticker(2), ticker(3)])
    assert readers.count == 1


def test_a_later_reader_of_trades_begins_with_the_next_one() -> None:
    readers = live("trades")
    queue(readers)
    readers.subscription.receive(trade(1))
    later = queue(readers)
    readers.subscription.receive(trade(2))
    assert all_of(later) == [trade(2)]


def past(seq: int) -> TradeHistory:
    return TradeHistory(symbol=SYMBOL, epoch="a", seq=seq, trades=[], holes=[], sent=0)


def test_a_later_reader_gets_rows_of_the_past_of_its_own() -> None:
    readers = live("trades")
    first = queue(readers)
    readers.subscription.receive(trade(1))
    later = ItemQueue(10, "end")
    assert readers.add(later, history=1), "the server is asked once more"
    asked = readers.subscription.ask_for_state()
    assert asked.history == 1
    readers.subscription.receive(trade(2))
    readers.subscription.confirmed(subscribed("trades", 2))
    readers.subscription.past(past(2))
    readers.subscription.receive(trade(3))
    assert all_of(first) == [trade(1), trade(2), trade(3)]
    assert all_of(later) == [past(2), trade(3)]


def test_where_no_past_comes_a_later_reader_goes_on_without() -> None:
    readers = live("trades")
    first = queue(readers)
    later = ItemQueue(10, "end")
    assert readers.add(later, history=1)
    readers.subscription.ask_for_state()
    readers.subscription.confirmed(subscribed("trades", 0))
    readers.subscription.receive(trade(1))
    readers.remove(first)
    readers.subscription.receive(trade(2))
    assert all_of(later) == [trade(1), trade(2)]
    assert readers.count == 1


def test_a_later_reader_of_a_book_begins_with_the_book() -> None:
    readers = live("book", 10)
    queue(readers)
    readers.subscription.receive(book(1, (("10", "1"),)))
    (seen,) = all_of(queue(readers))
    assert isinstance(seen, Book)
    assert seen.seq == 1
    assert not readers.subscription.receive(book(2, (("11", "1"),), prev=1)), "its checksum is another book's"
    assert all_of(queue(readers)) == [], "there is no book until the next snapshot"


def test_after_a_gap_all_readers_of_a_private_channel_need_a_snapshot() -> None:
    readers = live("orders")
    one, other = queue(readers), queue(readers)
    gap: StreamItem = StreamGap("orders", None, "j", 1, 2, "epoch")
    for item in (orders_snapshot(0), orders_update(1, "a"), gap, orders_snapshot(2), orders_update(3, "a")):
        readers.accept(item)
    expected = [orders_snapshot(0), orders_update(1, "a"), gap, orders_snapshot(2), orders_update(3, "a")]
    assert (all_of(one), all_of(other)) == (expected, expected)


def test_the_end_is_told_to_all() -> None:
    readers = live("ticker")
    queues = [queue(readers), queue(readers)]
    readers.end(ClientClosedError("over"))
    assert all(one.is_ready() for one in queues)
