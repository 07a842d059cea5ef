"""The hub: topics, their subscribers, and the fan-out of each event.

In one turn of the event loop: events arrive; trackers and streams make messages; each message is encoded and
framed once per encoding. At the end of the turn the frames of a topic are joined to one chunk, and the chunks
of a connection are sent in one write. There is no timer. Events that arrive during the writes make the next
turn's batch, so batches grow with the load.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from floorwire.channels import Channel
from floorwire.clock import Clock
from floorwire.core.codes import CloseCode
from floorwire.core.dates import Moment
from floorwire.core.market_events import FeedStatus, Listing, MarketEvent, VenueTime
from floorwire.core.market_history import MarketHistory
from floorwire.core.notices import Notice, VenueFeedChanged
from floorwire.core.stream_interest import StreamInterest
from floorwire.core.venue_names import VenueNames
from floorwire.hub.direct_send import SendBatch, send_same, send_turn
from floorwire.hub.history_reads import HistoryReads
from floorwire.hub.market_state import HubEvent, MarketState, SymbolState
from floorwire.hub.peer import ListingSubscriber, Subscriber
from floorwire.hub.read_turns import ReadTurns
from floorwire.hub.resume_ring import ResumeRing
from floorwire.hub.symbol_list_cache import SymbolListCache
from floorwire.hub.topic import SubscriptionStart, Topic
from floorwire.hub.turn_queue import TurnQueue
from floorwire.ops.stats import Stats
from floorwire.protocol.channel_events import AnyEvent
from floorwire.protocol.cost_budget import SharedBudgets
from floorwire.protocol.event_stamps import EventStamp
from floorwire.protocol.outbox import OfferResult, OutboxSubscription
from floorwire.protocol.replies import VenueRow
from floorwire.protocol.requests import OnSlow, Resume
from floorwire.protocol.topic_names import TopicName

TURN_BYTES = 262_144
"""Pending messages of this size are sent before the turn ends. Bounds the size of one write."""
MOST_TO_FOLLOW = 64
"""After so many events the trackers that no stream reads follow, if nothing was sent meanwhile."""
RESUME_TOTAL_BYTES = 1_073_741_824
"""The most bytes of all resume rings together, unless told otherwise."""


class Hub:
    """Topics and their subscribers."""

    def __init__(
        self,
        channels: Mapping[str, Channel],
        *,
        epoch: str,
        resume_bytes: int,
        resume_us: int,
        clock: Clock,
        at_turn_end: Callable[[Callable[[], None]], object],
        stats: Stats,
        resume_total_bytes: int = RESUME_TOTAL_BYTES,
        names: VenueNames | None = None,
        venue_rows: Sequence[VenueRow] = (),
        interest: StreamInterest | None = None,
        history: MarketHistory | None = None,
        is_filling: Callable[[str], bool] = lambda _: False,
    ) -> None:
        """``interest``: learns which streams of the venues are wanted. ``history`` None: none is kept.

        ``is_filling``: returns whether a venue is asked for what its history lacks of a symbol.
        """
        self.is_filling = is_filling
        self.venue_rows = tuple(venue_rows)
        """What ``symbols`` says of the venues."""
        self.market = MarketState(channels, names or VenueNames(), [row.venue for row in venue_rows])
        self.symbol_lists = SymbolListCache(self.market)
        self.stats = stats
        self.subscribers: dict[Subscriber, None] = {}
        self.budgets = SharedBudgets()
        """How much work each key and address may cause."""
        self.moment: Callable[[], Moment] = clock.moment
        """Returns monotonic time and the dates, read together."""
        self.turns = TurnQueue(clock.monotonic_us, at_turn_end)
        """Long work of clients, cut into turns."""
        self.history_reads = HistoryReads(history, self.turns)
        """Reads history for subscriptions."""
        self.reads = ReadTurns(self.turns.add)
        """How much of each address is read in one turn."""
        self._by_fd: dict[int, Subscriber] = {}
        self._listing_followers: dict[str, dict[ListingSubscriber, None]] = {}
        """Venue -> who is told what it lists."""
        self._interest = interest or StreamInterest(0)
        self._topics: dict[TopicName, Topic] = {}
        self._by_event: dict[tuple[str | None, type[HubEvent]], list[Topic]] = {}
        self._epoch = epoch
        self._topics_opened = 0
        self._resume_bytes = resume_bytes
        self._resume_total_bytes = resume_total_bytes
        self._resume_us = resume_us
        self._clock = clock
        self._at_turn_end = at_turn_end
        self._pending_topics: dict[Topic, None] = {}
        self._to_follow: list[SymbolState] = []
        """Those that have to ``follow``: after the next flush, and without one when they are many."""
        self._states: dict[Topic, SymbolState] = {}
        """What each topic's stream reads."""
        self._pending_bytes = 0
        self._flush_is_due = False
        self._has_flushed = False
        """Whether ``flush_at_once`` has sent in this turn."""

    # --- events in ------------------------------------------------------------------------------

    def publish(self, venue: str, events: Sequence[MarketEvent], recv_us: int) -> None:
        """Apply a venue's events in order. Their messages are sent at the end of this turn.

        ``recv_us``: the date at which they were received, in microseconds.
        """
        at = self._clock.moment()
        for event in events:  # by type: isinstance takes four times as long where it is not
            if type(event) is Listing:
                self._list(venue, event)
                self._apply(None, self.market.shown_listing(event), recv_us, at)
            elif type(event) is VenueTime:
                for symbol in self.market.symbols_of(venue):
                    self._apply(symbol, event, recv_us, at)
            elif type(event) is FeedStatus:
                for turned in self.market.update_feed(venue, event):
                    self._apply(turned.symbol, turned, recv_us, at)
                self._apply(None, VenueFeedChanged(venue, self.market.shown_status(event)), recv_us, at)
            else:
                self._apply(event.symbol, event, recv_us, at)

    def _list(self, venue: str, listing: Listing) -> None:
        followers = list(self._listing_followers.get(venue, ()))
        listed = self.market.listed_by(listing) if followers else ()
        for symbol in self.market.update_instruments(listing):
            self._reopen_topics(symbol)
        if listed:
            for follower in followers:
                follower.listed(listed)

    def notify(self, notice: Notice) -> None:
        """Publish a notice of the gateway itself."""
        at = self._clock.moment()
        self._apply(None, notice, at.stamp_us, at)

    def _apply(self, symbol: str | None, event: HubEvent, recv_us: int, at: Moment) -> None:
        state = self.market.states.get(symbol)
        if state is None:
            return  # The venue never listed the symbol: nobody can have subscribed.
        state.apply(event)
        for topic in self._by_event.get((symbol, type(event)), ()):
            size = topic.apply(event, recv_us, at)
            if size:
                self._pending_topics[topic] = None
                self._pending_bytes += size
        if self._pending_bytes > TURN_BYTES:
            self.flush()
        elif self._pending_bytes and not self._flush_is_due:
            self._flush_is_due = True
            self._at_turn_end(self._end_turn)
        self._to_follow.append(state)
        if len(self._to_follow) == MOST_TO_FOLLOW:
            self._follow()

    def _end_turn(self) -> None:
        self._flush_is_due = self._has_flushed = False
        self.flush()

    # --- messages out ---------------------------------------------------------------------------

    def flush_at_once(self) -> None:
        """Send all pending messages before the turn ends, but only once a turn.

        An idle system so sends each message in the call that brought it. A busy one sends the rest of the
        turn's messages together, at its end.
        """
        if self._pending_topics and not self._has_flushed:
            self._has_flushed = True
            self.flush()

    def flush(self) -> None:
        """Send all pending messages, with one write for each connection. What nobody waits for comes then."""
        topics, self._pending_topics = self._pending_topics, {}
        self._pending_bytes = 0
        if topics:
            self._deliver(topics, is_all=True)
            since_us = min(topic.pending_since_us for topic in topics)
            self.stats.publish_to_write.observe(self.now_us() - since_us)
        self._follow()

    def _follow(self) -> None:
        states, self._to_follow = self._to_follow, []
        for state in states:
            state.follow()

    def _deliver(self, topics: Collection[Topic], *, is_all: bool) -> None:
        """Give each topic's chunk to its subscribers, and write.

        ``is_all``: no other topic has pending messages. The chunk of a single topic is then written at once,
        as there is nothing to join it with.
        """
        turn: SendBatch | None = None if is_all and len(topics) == 1 else []
        ready: list[Subscriber] = []
        for topic in topics:
            if topic.pending:
                self._deliver_topic(topic, turn, ready)
        if turn:
            self._push_remainders(send_turn(turn))
        for subscriber in ready:
            subscriber.flush()

    def _deliver_topic(self, topic: Topic, turn: SendBatch | None, ready: list[Subscriber]) -> None:
        messages = topic.pending
        overflown: list[Subscriber] = []
        for codec, subscriptions in topic.subscriptions.items():
            if not topic.pending_frames[codec]:
                continue
            chunk = topic.pop_pending(codec)
            if not subscriptions:
                continue
            direct, queued = topic.direct[codec], topic.queued[codec]
            first = topic.seq - messages + 1
            # Before the direct write: whoever it blocks is queued from then on, and has the chunk already.
            left_out = _queue_chunk(queued, chunk, first, topic.seq, ready) if queued else {}
            if not direct:
                pass
            elif turn is None:
                self._push_remainders(send_same(direct, chunk))
            else:
                turn.append((direct, chunk))
            for subscription, subscriber in left_out.items():
                self.stats.left_out_by_reason[subscription.on_slow] += messages
                if subscription.on_slow == "disconnect":
                    overflown.append(subscriber)
            delivered = len(subscriptions) - len(left_out)
            self.stats.delivered(delivered * messages, delivered * len(chunk))
        for subscriber in overflown:
            subscriber.close(CloseCode.SLOW_CONSUMER, f"outbox full on {topic.name.channel}")

    def _push_remainders(self, rests: Iterable[tuple[int, bytes]]) -> None:
        for fd, rest in rests:
            self._by_fd[fd].push(rest)

    # --- subscribers ----------------------------------------------------------------------------

    def now_us(self) -> int:
        """Return monotonic time."""
        return self._clock.monotonic_us()

    def add_connection(self, subscriber: Subscriber) -> None:
        """Count a new connection. The hub may write to its socket from now on."""
        self.subscribers[subscriber] = None
        self._by_fd[subscriber.fd] = subscriber
        self.stats.connections += 1

    def remove_connection(self, subscriber: Subscriber, code: int) -> None:
        """Forget a closed connection. ``code``: its close code."""
        del self.subscribers[subscriber]
        self._by_fd.pop(subscriber.fd, None)
        self.stats.connections -= 1
        self.stats.closed(code)

    def subscribe(
        self, subscriber: Subscriber, name: TopicName, on_slow: OnSlow, resume: Resume | None
    ) -> tuple[Topic, OutboxSubscription[Topic], SubscriptionStart]:
        """Subscribe to a topic, and open it if it is not open.

        Return the topic, the subscription, and the frames to send first. ``resume``: the last event that the
        client saw; ``Topic.decide_resume`` decides whether it can go on there. What does not fit into one
        slice is replayed: ``ClientTransport`` does that.
        """
        topic = self._topics.get(name) or self._open_topic(name)
        self.deliver_pending(topic)
        start = topic.decide_resume(resume, subscriber.codec, self.moment())
        subscription = OutboxSubscription(topic, on_slow)
        if start.last < topic.seq:
            subscription.start_replay(start.last + 1, topic.seq)
        topic.add_subscriber(subscriber, subscription)
        self.stats.subscriptions += 1
        if name.symbol is not None:
            self._interest.add(name.symbol, self.market.channels[name.channel].needs)
        return topic, subscription, start

    def unsubscribe(self, subscriber: Subscriber, name: TopicName) -> None:
        """Unsubscribe from a topic. It stays open until nobody can resume it."""
        topic = self._topics[name]
        subscription = topic.remove_subscriber(subscriber, self.now_us())
        if subscription is not None:
            subscriber.outbox.forget(subscription)
            self.stats.subscriptions -= 1
            if name.symbol is not None:
                needs = self.market.channels[name.channel].needs
                self._interest.remove(name.symbol, needs, self.now_us())

    def follow_listings(self, follower: ListingSubscriber, venue: str) -> None:
        """Call ``follower.listed`` with what the venue lists from now on."""
        self._listing_followers.setdefault(venue, {})[follower] = None

    def unfollow_listings(self, follower: ListingSubscriber, venue: str) -> None:
        """Tell the follower no more what the venue lists."""
        followers = self._listing_followers.get(venue, {})
        followers.pop(follower, None)
        if not followers:
            self._listing_followers.pop(venue, None)

    def deliver_pending(self, topic: Topic) -> None:
        """Send a topic's pending messages now, so that subscribers have seen all up to its ``seq``."""
        if topic.pending:
            self._deliver((topic,), is_all=False)

    def state(self, name: TopicName) -> AnyEvent | None:
        """Return the current state of a topic, which need not be open: as a message of no epoch."""
        symbol, at = self.market.states[name.symbol], self.moment()
        stream = symbol.stream(name.channel, name.option)
        try:
            return stream.state(EventStamp("", 0, at.stamp_us, at.stamp_us))
        finally:
            symbol.release(name.channel)

    def want(self, name: TopicName) -> None:
        """Let the venue stream what the topic is made of, for as long as after a subscription that ended."""
        if name.symbol is not None:
            needs = self.market.channels[name.channel].needs
            self._interest.keep(name.symbol, needs, self.now_us() + self._interest.linger_us)

    def topic(self, name: TopicName) -> Topic:
        """Return an open topic."""
        return self._topics[name]

    def _open_topic(self, name: TopicName) -> Topic:
        state = self.market.states.get(name.symbol)
        assert state is not None, f"the catalogue chose {name}, which was never listed"
        self._topics_opened += 1
        topic = Topic(
            name,
            f"{self._epoch}-{self._topics_opened}",
            state.stream(name.channel, name.option),
            ResumeRing(self._resume_bytes, self._resume_us),
            self.moment(),
            self.market.shown(name.symbol),
        )
        self._topics[name] = topic
        self._states[topic] = state
        for kind in self.market.channels[name.channel].event_types:
            self._by_event.setdefault((name.symbol, kind), []).append(topic)
        return topic

    def _reopen_topics(self, symbol: str) -> None:
        """Open a symbol's topics again under new epochs. Send the new state to their subscribers."""
        self.flush()
        for name in [name for name in self._topics if name.symbol == symbol]:
            old = self._topics[name]
            self._close_topic(old)
            topic = self._open_topic(name)
            for codec, subscriptions in old.subscriptions.items():
                if not subscriptions:
                    continue
                frames = topic.decide_resume(None, codec, self.moment()).frames  # once for all of them
                for subscriber, subscription in subscriptions.items():
                    subscription.catch_up()
                    subscriber.outbox.forget(subscription)
                    subscription.topic = topic
                    topic.add_subscriber(subscriber, subscription)
                    for frame in frames:
                        subscriber.outbox.put(frame)
                    subscriber.flush()

    def sweep(self) -> None:
        """Drop frames that are too old to resume from, and unused topics. Called once a second.

        A client may open topics by the thousand. If all rings together hold too much, each one keeps the same
        share of what it has.
        """
        now_us = self.now_us()
        resume_bytes = 0
        for topic in list(self._topics.values()):
            topic.trim(now_us)
            resume_bytes += topic.resume_bytes
            if not topic.subscribers and now_us - topic.idle_since_us > self._resume_us:
                self._close_topic(topic)
        if resume_bytes > self._resume_total_bytes:
            share = self._resume_total_bytes / resume_bytes
            for topic in self._topics.values():
                topic.shrink(int(topic.resume_bytes * share))
            resume_bytes = sum(topic.resume_bytes for topic in self._topics.values())
        self.stats.topics, self.stats.resume_bytes = len(self._topics), resume_bytes

    def _close_topic(self, topic: Topic) -> None:
        del self._topics[topic.name]
        self._pending_topics.pop(topic, None)
        self._states.pop(topic).release(topic.name.channel)
        for kind in self.market.channels[topic.name.channel].event_types:
            self._by_event[topic.name.symbol, kind].remove(topic)


def _queue_chunk(
    subscriptions: Mapping[Subscriber, OutboxSubscription[Topic]],
    chunk: bytes,
    first: int,
    last: int,
    ready: list[Subscriber],
) -> dict[OutboxSubscription[Topic], Subscriber]:
    """Queue the chunk for each subscriber that is not written to directly.

    A subscriber whose queue was empty is appended to ``ready``. Return the subscriptions that the chunk was
    left out of, because the outbox of a slow client is full.
    """
    left_out: dict[OutboxSubscription[Topic], Subscriber] = {}
    for subscriber, subscription in subscriptions.items():
        outbox = subscriber.outbox
        if outbox.blocked or subscription.lags:
            if outbox.offer(subscription, chunk, first, last) is not OfferResult.QUEUED:
                left_out[subscription] = subscriber
        else:
            queue = outbox.queue
            if not queue:  # Otherwise it is in ``ready``, or flushes at its end of read.
                ready.append(subscriber)
            queue.append(chunk)
    return left_out
