"""A subscription loses nothing in silence, whatever is cut, lost or skipped on its way."""

from __future__ import annotations

from collections import deque

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET, UnsetType

from floorwire.client.book_keeper import WrongBookError
from floorwire.client.stream_gap import StreamGap
from floorwire.client.subscription import State, StreamItem, Subscription, Topic
from floorwire.protocol.channel_events import SkippedNotice, Ticker, Trades
from floorwire.protocol.replies import Gap, Subscribed
from floorwire.protocol.requests import Resume, Subscribe
from tests.client.events import (
    SYMBOL,
    book,
    orders_snapshot,
    orders_update,
    skipped,
    subscribed,
    ticker,
    trade,
)


class Reader:
    """Keeps what it was told, and checks that nothing is missing."""

    def __init__(self) -> None:
        self.items: list[StreamItem] = []

    def __call__(self, item: StreamItem) -> None:
        self.items.append(item)

    def seqs(self) -> list[int | tuple[int, int, str]]:
        """Return the seq of each event, and (first, last, reason) of each gap."""
        return [
            (item.first, item.last, item.reason) if isinstance(item, StreamGap) else item.seq
            for item in self.items
        ]


def started(topic: Topic, reply: Subscribed) -> tuple[Subscription, Reader]:
    reader = Reader()
    subscription = Subscription(topic, reader)
    subscription.request()
    subscription.confirmed(reply)
    return subscription, reader


TICKER, TRADES, BOOK, ORDERS = (
    Topic("ticker", "btcusdt"),
    Topic("trades", SYMBOL),
    Topic("book", SYMBOL, 10),
    Topic("orders"),
)


def test_it_asks_as_it_was_written_and_is_named_as_the_server_says() -> None:
    subscription = Subscription(Topic("book", "btcusdt", 25), Reader(), on_slow="conflate")
    assert subscription.request() == Subscribe(channel="book", symbol="btcusdt", depth=25, on_slow="conflate")
    subscription.confirmed(subscribed("book", 5))
    assert subscription.name == Topic("book", SYMBOL, 25)
    candles = Subscription(Topic("candles", SYMBOL, "5m", True), Reader(), history=10)
    assert candles.request() == Subscribe(
        channel="candles", symbol=SYMBOL, interval="5m", closed_only=True, history=10
    )


def test_events_come_in_order_and_once() -> None:
    subscription, reader = started(TICKER, subscribed("ticker", 7))
    for seq in (7, 8, 8, 7, 9):
        assert subscription.receive(ticker(seq))
    assert reader.seqs() == [7, 8, 9]


def test_after_a_cut_it_resumes_where_its_readers_are() -> None:
    subscription, reader = started(TICKER, subscribed("ticker", 7))
    subscription.receive(ticker(7))
    subscription.cut()
    assert subscription.state is State.WANTED
    assert subscription.request().resume == Resume("a", 7)
    assert subscription.receive(ticker(9)), "events before the reply come again after it"
    subscription.confirmed(subscribed("ticker", 9))
    subscription.receive(ticker(8))
    subscription.receive(ticker(9))
    assert reader.seqs() == [7, 8, 9]


def test_a_gap_of_the_reply_is_told() -> None:
    subscription, reader = started(TRADES, subscribed("trades", 3))
    subscription.receive(trade(4))
    subscription.cut()
    subscription.request()
    subscription.confirmed(subscribed("trades", 9, gap=Gap(5, 9, "expired")))
    subscription.receive(trade(10))
    assert reader.seqs() == [4, (5, 9, "expired"), 10]
    subscription.cut()
    subscription.request()
    subscription.confirmed(subscribed("trades", 2, epoch="b", gap=Gap(1, 2, "epoch")))
    subscription.receive(trade(3, "b"))
    assert reader.seqs()[-2:] == [(1, 2, "epoch"), 3]


def test_claims_of_events_that_never_were_are_corrected() -> None:
    subscription, reader = started(TICKER, subscribed("ticker", 7))
    subscription.receive(ticker(7))
    subscription.cut()
    subscription.request()
    subscription.confirmed(subscribed("ticker", 4, gap=Gap(5, 7, "ahead")))
    subscription.receive(ticker(4))
    assert reader.seqs() == [7, (5, 7, "ahead"), 4]


def test_a_missing_event_is_asked_for() -> None:
    subscription, reader = started(TRADES, subscribed("trades", 0))
    subscription.receive(trade(1))
    assert not subscription.receive(trade(3))
    assert subscription.request().resume == Resume("a", 1)
    subscription.confirmed(subscribed("trades", 3))
    subscription.receive(trade(2))
    subscription.receive(trade(3))
    assert reader.seqs() == [1, 2, 3]


def test_only_the_first_event_may_leave_out_the_seq_of_the_reply() -> None:
    subscription, reader = started(TICKER, subscribed("ticker", 7))
    assert subscription.receive(ticker(8)), "there was no state yet"
    assert not subscription.receive(ticker(10))
    assert reader.seqs() == [8]


def test_conflated_events_and_skipped_ones_are_no_loss() -> None:
    subscription, reader = started(TICKER, subscribed("ticker", 1))
    subscription.receive(ticker(1))
    assert subscription.receive(ticker(5, conflated=3))
    assert not subscription.receive(ticker(8, conflated=1)), "one before is missing"
    trades, told = started(TRADES, subscribed("trades", 0))
    assert trades.skipped(skipped(1, 4))
    assert trades.receive(trade(5))
    assert trades.skipped(skipped(4, 5)), "known already"
    assert not trades.skipped(skipped(8, 9))
    assert told.seqs() == [(1, 4, "slow"), 5]
    assert reader.seqs() == [1, 5]


def test_new_steps_begin_a_new_epoch() -> None:
    subscription, reader = started(TICKER, subscribed("ticker", 7))
    subscription.receive(ticker(7))
    assert subscription.receive(ticker(1, "b"))
    assert subscription.receive(ticker(2, "b"))
    subscription.cut()
    assert subscription.request().resume == Resume("b", 2)
    assert reader.seqs() == [7, 1, 2]


def test_a_wrong_book_begins_anew_and_says_so() -> None:
    reader, wrong = Reader(), [2]

    def accept(item: StreamItem) -> None:
        if not isinstance(item, StreamGap) and item.seq in wrong:
            raise WrongBookError
        reader(item)

    subscription = Subscription(BOOK, accept)
    subscription.request()
    subscription.confirmed(subscribed("book", 1))
    assert subscription.receive(book(1))
    assert not subscription.receive(book(2, prev=1))
    assert subscription.request().resume is UNSET
    subscription.confirmed(subscribed("book", 5))
    assert subscription.receive(book(5))
    subscription.cut()
    assert subscription.request().resume == Resume("a", 5)
    assert reader.seqs() == [1, (2, 4, "restarted"), 5]


def test_a_book_without_a_snapshot_is_not_resumed() -> None:
    subscription, _ = started(BOOK, subscribed("book", 1))
    subscription.cut()
    assert subscription.request().resume is UNSET


def test_a_private_channel_resumes_only_after_its_whole_snapshot() -> None:
    subscription, reader = started(ORDERS, subscribed("orders", 4, "j", instrument=UNSET))
    subscription.receive(orders_snapshot(4, "a", more=True))
    subscription.cut()
    assert subscription.request().resume is UNSET
    subscription.confirmed(subscribed("orders", 4, "j", instrument=UNSET))
    subscription.receive(orders_snapshot(4, "a", more=True))
    subscription.receive(orders_snapshot(4, "b"))
    subscription.receive(orders_update(5, "a"))
    subscription.cut()
    assert subscription.request().resume == Resume("j", 5)
    assert reader.seqs() == [4, 4, 4, 5]


def test_hidden_events_count() -> None:
    subscription, reader = started(ORDERS, subscribed("orders", 4, "j", instrument=UNSET))
    subscription.receive(orders_snapshot(4))
    update = orders_update(8, "a")
    assert not subscription.receive(update)
    subscription, reader = started(ORDERS, subscribed("orders", 4, "j", instrument=UNSET))
    subscription.receive(orders_snapshot(4))
    assert subscription.receive(msgspec.structs.replace(update, hidden=3))
    assert reader.seqs() == [4, 8]


def test_a_state_that_comes_once_more_hides_nothing() -> None:
    subscription, reader = started(ORDERS, subscribed("orders", 4, "j", instrument=UNSET))
    subscription.receive(orders_snapshot(4))
    assert subscription.ask_for_state().resume is UNSET
    subscription.receive(orders_update(5, "a"))
    subscription.confirmed(subscribed("orders", 5, "j", instrument=UNSET))
    subscription.receive(orders_snapshot(5, "a"))
    subscription.receive(orders_update(6, "a"))
    assert reader.seqs() == [4, 5, 5, 6]


def test_ended_and_refused_are_for_good() -> None:
    subscription, reader = started(TICKER, subscribed("ticker", 7))
    subscription.end()
    subscription.receive(ticker(7))
    subscription.cut()
    assert subscription.state is State.ENDED
    assert reader.items == []


class Server:
    """A topic with a ring of its latest events, and one connection, in order, that may lose and be cut."""

    def __init__(self, has_state: bool) -> None:
        self.has_state = has_state
        self.epoch, self.seq = "a", 3
        self.ring = 4
        self.line: deque[Subscribed | Ticker | Trades | SkippedNotice] = deque()
        self.is_subscribed = False

    def event(self, seq: int) -> Ticker | Trades:
        return ticker(seq, self.epoch) if self.has_state else trade(seq, self.epoch)

    def publish(self) -> None:
        self.seq += 1
        if self.is_subscribed:
            self.line.append(self.event(self.seq))

    def subscribe(self, request: Subscribe) -> None:
        self.is_subscribed = True
        resume = request.resume
        gap: Gap | UnsetType = UNSET
        replay: list[int] = [self.seq] if self.has_state else []
        if not isinstance(resume, Resume):
            pass
        elif resume.epoch != self.epoch:
            gap = Gap(1, self.seq - self.has_state, "epoch")
        elif resume.seq < self.seq - self.ring:
            gap = Gap(resume.seq + 1, self.seq - self.has_state, "expired")
        else:
            replay = list(range(resume.seq + 1, self.seq + 1))
        channel = "ticker" if self.has_state else "trades"
        self.line.append(subscribed(channel, self.seq, self.epoch, gap))
        self.line.extend(self.event(seq) for seq in replay)

    def skip(self) -> None:
        """Leave out what waits, as for a slow client."""
        while self.line and isinstance(self.line[-1], Trades):
            self.line.pop()
        if self.is_subscribed and not self.has_state:
            waiting = [item.seq for item in self.line if not isinstance(item, Subscribed)]
            told = waiting[-1] if waiting else None
            if told is not None and told < self.seq:
                self.line.append(skipped(told + 1, self.seq, self.epoch))

    def restart(self) -> None:
        self.epoch, self.seq = self.epoch + "x", 2
        self.cut()

    def cut(self) -> None:
        self.line.clear()
        self.is_subscribed = False


ACTIONS = st.lists(
    st.sampled_from(
        ["publish", "publish", "deliver", "deliver", "deliver", "lose", "cut", "restart", "skip"]
    ),
    max_size=80,
)


@given(actions=ACTIONS, has_state=st.booleans())
def test_every_seq_comes_or_is_told_to_be_missing(actions: list[str], has_state: bool) -> None:
    server, reader = Server(has_state), Reader()
    subscription = Subscription(TICKER if has_state else TRADES, reader)
    server.subscribe(subscription.request())

    def deliver() -> None:
        item = server.line.popleft()
        if isinstance(item, Subscribed):
            subscription.confirmed(item)
        elif not (
            subscription.skipped(item) if isinstance(item, SkippedNotice) else subscription.receive(item)
        ):
            server.subscribe(subscription.request())

    def lose() -> None:
        """Lose an event, but never a reply: its connection would end by a time-out."""
        if not isinstance(server.line[0], Subscribed):
            server.line.popleft()

    for action in actions:
        if action == "publish":
            server.publish()
        elif action == "skip":
            server.skip()
        elif action in ("cut", "restart"):
            server.cut() if action == "cut" else server.restart()
            subscription.cut()
            server.subscribe(subscription.request())
        elif server.line:
            deliver() if action == "deliver" else lose()
    while server.line:
        deliver()
    server.publish()
    while server.line:
        deliver()
    check(reader.items)
    assert subscription.seq == server.seq
    assert subscription.epoch == server.epoch


def check(items: list[StreamItem]) -> None:
    """Require that each item begins where the last one ended, within an epoch."""
    epoch, last = "", 0
    for item in items:
        first, end = (item.first, item.last) if isinstance(item, StreamGap) else (item.seq, item.seq)
        if item.epoch == epoch:
            assert first == last + 1, items
        else:
            assert not epoch or isinstance(item, StreamGap), items
            epoch = item.epoch
        last = end
