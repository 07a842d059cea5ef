"""A topic: how a subscription begins, and what the ring gives back."""

from __future__ import annotations

import msgspec
import pytest

from floorwire import channels
from floorwire.core.market_events import BookSnapshot, MarketEvent, Trade
from floorwire.hub.resume_ring import ResumeRing
from floorwire.hub.topic import Topic
from floorwire.protocol.codec import JSON, MSGPACK, Codec
from floorwire.protocol.frames import split
from floorwire.protocol.replies import Gap
from floorwire.protocol.requests import Resume
from floorwire.protocol.topic_names import TopicName
from tests.clocks import moment
from tests.scripted import events, listing, snapshot

NOW_US = 1_800_000_000_000_000
NOW = moment(NOW_US)
SYMBOL = "BTC-USDT"


class Feed:
    """A topic of the symbol with its tracker; ``opened_at`` events happened before it was opened."""

    def __init__(self, channel: str, opened_at: int = 0, ring_bytes: int = 100_000) -> None:
        self._channel = channels.discover()[channel]
        self._tracker = self._channel.tracker(listing(SYMBOL))
        self._count = 0
        self._topic: Topic | None = None
        self._tell(snapshot(SYMBOL, NOW_US))
        self.happen(opened_at)
        name = TopicName(channel, SYMBOL, self._channel.option(None, None))
        stream = self._tracker.stream(name.option)
        self.topic = self._topic = Topic(name, "epoch", stream, ResumeRing(ring_bytes, 1_000_000), NOW)

    def happen(self, times: int) -> None:
        """Let the symbol's next events happen, each the end of a turn."""
        for _ in range(times):
            self._count += 1
            for event in events(SYMBOL, self._count, NOW_US):
                self._tell(event)
            if self._topic is not None:
                self._topic.pop_pending(JSON)
                self._topic.pop_pending(MSGPACK)

    def _tell(self, event: MarketEvent) -> None:
        if isinstance(event, self._channel.event_types):
            self._tracker.apply(event)
            if self._topic is not None:
                self._topic.apply(event, NOW_US, NOW)

    def open(
        self, seq: int | None, epoch: str = "epoch", codec: Codec = JSON
    ) -> tuple[Gap | None, list[int]]:
        """Return the gap and the seqs that a new subscriber is sent; None: it does not resume."""
        resume = None if seq is None else Resume(epoch, seq)
        start = self.topic.decide_resume(resume, codec, NOW)
        return start.gap, [message["seq"] for message in read(start.frames, codec)]


def read(frames: list[bytes], codec: Codec) -> list[dict[str, int]]:
    """Return the messages in the frames."""
    decode = msgspec.json.decode if codec is JSON else msgspec.msgpack.decode
    return [decode(payload, type=dict) for _, payload in split(b"".join(frames))]


# --- how a topic begins -----------------------------------------------------------------------------


def test_what_has_a_state_begins_with_it() -> None:
    feed = Feed("trades", opened_at=2)
    assert (feed.topic.seq, feed.open(None)) == (0, (None, []))
    feed = Feed("ticker", opened_at=2)
    assert (feed.topic.seq, feed.open(None)) == (1, (None, [1]))
    assert feed.open(0) == (None, [1]), "the state it began with can be resumed from"


def test_whoever_comes_gets_the_state_of_the_current_seq() -> None:
    feed = Feed("book")
    feed.happen(3)
    assert feed.open(None) == (None, [feed.topic.seq])


# --- resume -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("codec", [JSON, MSGPACK])
def test_resume_replays_exactly_what_was_missed(codec: Codec) -> None:
    feed = Feed("trades")
    feed.happen(5)
    assert feed.open(2, codec=codec) == (None, [3, 4, 5])
    assert feed.open(4, codec=codec) == (None, [5])


def test_resume_at_the_end_sends_nothing() -> None:
    feed = Feed("ticker")
    feed.happen(5)
    assert feed.open(feed.topic.seq) == (None, [])


def test_a_replay_is_the_same_in_both_encodings() -> None:
    feed = Feed("book")
    feed.happen(5)
    json = feed.topic.decide_resume(Resume("epoch", 2), JSON, NOW).frames
    msgpack = feed.topic.decide_resume(Resume("epoch", 2), MSGPACK, NOW).frames
    assert read(json, JSON) == read(msgpack, MSGPACK)
    assert len(json) == 4


def test_what_is_no_longer_kept_is_a_gap_up_to_where_the_stream_goes_on() -> None:
    trades = Feed("trades", ring_bytes=500)
    trades.happen(9)
    assert trades.open(1) == (Gap(2, 9, "expired"), [])
    book = Feed("book", ring_bytes=500)
    book.happen(8)
    assert book.topic.seq == 9
    assert book.open(1) == (Gap(2, 8, "expired"), [9]), "the state stands for seq 9"


def test_a_state_that_is_all_that_was_missed_is_no_gap() -> None:
    book = Feed("book", ring_bytes=1)
    book.happen(8)
    assert book.open(8) == (None, [9])
    trades = Feed("trades", ring_bytes=1)
    trades.happen(8)
    assert trades.open(7) == (Gap(8, 8, "expired"), [])


def test_another_epoch_is_a_gap_of_all_of_this_one() -> None:
    trades, book = Feed("trades"), Feed("book")
    trades.happen(4)
    book.happen(4)
    assert trades.open(2, epoch="old") == (Gap(1, 4, "epoch"), [])
    assert book.open(2, epoch="old") == (Gap(1, 4, "epoch"), [5])
    assert Feed("trades").open(2, epoch="old") == (Gap(1, 0, "epoch"), []), "nothing of it is missed yet"


def test_events_that_never_were_are_a_gap_too() -> None:
    trades, book = Feed("trades"), Feed("book")
    trades.happen(4)
    book.happen(4)
    assert trades.open(7) == (Gap(5, 7, "ahead"), [])
    assert book.open(7) == (Gap(6, 7, "ahead"), [5])


# --- encodings --------------------------------------------------------------------------------------


def test_messages_are_gathered_and_taken_once() -> None:
    feed = Feed("trades")
    for number in (1, 2):
        size = feed.topic.apply(Trade(SYMBOL, str(number), 1, 1, "buy", NOW_US), NOW_US, NOW)
        assert size > 0
    assert (feed.topic.pending, feed.topic.seq) == (2, 2)
    chunk = feed.topic.pop_pending(JSON)
    assert [message["seq"] for message in read([chunk], JSON)] == [1, 2]
    assert (feed.topic.pending, feed.topic.pop_pending(JSON)) == (0, b"")


def test_nothing_is_encoded_for_nobody() -> None:
    feed = Feed("trades")
    feed.topic.apply(Trade(SYMBOL, "1", 1, 1, "buy", NOW_US), NOW_US, NOW)
    assert feed.topic.pop_pending(MSGPACK) == b""


def test_what_changes_nothing_is_no_message() -> None:
    feed = Feed("book")
    book = BookSnapshot(SYMBOL, (), (), NOW_US)
    assert feed.topic.apply(book, NOW_US, NOW) > 0
    assert feed.topic.apply(events(SYMBOL, 1, NOW_US)[1], NOW_US, NOW) == 0
