"""One client's connection. It carries out what its session decides; ``client_transport`` writes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from functools import partial
from typing import NamedTuple

from msgspec import UNSET, UnsetType

from floorwire.access.authenticator import Authenticator
from floorwire.auth.client_address import network_of
from floorwire.core.authorization import Principal
from floorwire.core.codes import CloseCode, Code
from floorwire.core.refusal import Refusal
from floorwire.hub import subscription_replies as replies
from floorwire.hub.client_transport import ClientTransport
from floorwire.hub.held_messages import HeldMessages
from floorwire.hub.history_reads import HistoryMessage, HistoryRequest
from floorwire.hub.hub import Hub
from floorwire.hub.liveness import Liveness
from floorwire.hub.peer import Wire
from floorwire.hub.topic import Topic
from floorwire.protocol.channel_events import Candles, ListedNotice
from floorwire.protocol.cost_budget import (
    KIB_US,
    PAGE_US,
    ROW_US,
    STATE_US,
    SYMBOL_US,
    TRANSCODE_US,
    ClientBudget,
    CostBudget,
)
from floorwire.protocol.desk_ports import DeskPort, Reply
from floorwire.protocol.outbox import OutboxSubscription
from floorwire.protocol.replies import (
    EncodedSymbolList,
    Error,
    HeldSubscription,
    SubscriptionList,
    SymbolList,
    Unsubscribed,
    VenueRow,
)
from floorwire.protocol.requests import Login, OnSlow, Resume, Subscriptions, Symbols
from floorwire.protocol.session import (
    Authenticate,
    CloseConnection,
    ListSubscriptions,
    ListSymbols,
    PassToDesk,
    SendReply,
    Session,
    SubscribePrivate,
    SubscribeTopics,
    UnsubscribePrivate,
    UnsubscribeTopics,
)
from floorwire.protocol.topic import TopicChoice, VenueTopics

RECORDED = frozenset({Code.FORBIDDEN.value, Code.UNAUTHENTICATED.value})
"""Refusals that go into the audit log."""
TOPICS_AT_ONCE = 8
"""A request that subscribes to more topics is carried out in turns, one topic a step."""
ROWS_AT_ONCE = 100
"""A list with more rows is made in turns, so many rows a step."""
RESUME_US = 1_000
"""Price of the first step of a resume: a slice, of which 64 events may have to be made in MessagePack."""
LIST_US = 100
"""Price of the first step of a list."""
COSTLY_US = 100
"""After a request of this price, the next ones wait for later turns. One read may hold 64 requests."""
DONE = object()


class WaitingForHistory(NamedTuple):
    """A subscription that begins with history, and its first frames, which come after that."""

    topic: Topic
    subscription: OutboxSubscription[Topic]
    first_frames: list[bytes]


class Connection(ClientTransport):
    """A client: the peer of one wire, and a client of the desk."""

    __slots__ = (
        "_authenticator",
        "_desk",
        "_held",
        "_is_reading",
        "_listed",
        "_liveness",
        "_session",
        "_waiting",
        "_work",
    )

    def __init__(
        self,
        hub: Hub,
        session: Session,
        liveness: Liveness,
        authenticator: Authenticator,
        desk: DeskPort,
        outbox_bytes: int,
    ) -> None:
        super().__init__(hub, session.codec, outbox_bytes)
        self._desk = desk
        self._authenticator = authenticator
        self._session = session
        self._liveness = liveness
        self._is_reading = False
        """Whether messages are carried out: from ``opened`` to ``closed``, but not while a login waits."""
        self._held: HeldMessages | None = None
        """The messages behind a login that waits for the keys or the disk. Made at the first one."""
        self._work: Iterator[None] | None = None
        """The rest of a long request. The wire passes no other message on until it is done."""
        self._waiting: WaitingForHistory | None = None
        """The subscription that waits for its history. Until then no other message is carried out."""
        self._listed: dict[str, None] = {}
        """Symbols that a followed venue listed and that are not subscribed to yet, each once."""

    # --- called by the wire ---------------------------------------------------------------------

    def opened(self, wire: Wire) -> None:
        """The handshake is done."""
        self._wire = wire
        self._is_reading = True
        self.fd = wire.fd
        if wire.is_blocked:
            self.outbox.block()
        self._hub.add_connection(self)
        self._session.share(self._authenticator.add_session(self, self._session.principal))
        self._session.budget = ClientBudget(self._shared_budget(wire))
        self._liveness.add(self, self._hub.now_us())

    def received(self, data: bytes, binary: bool) -> None:
        """Carry out what the session decides about one message."""
        self.is_alive = True
        if not self._is_reading:
            self._hold(data, binary)
            return
        hub = self._hub
        hub.stats.received_messages += 1
        at = hub.moment()
        decision = self._session.receive(data, binary, at.now_us, at.wall_us)
        if type(decision) is PassToDesk:  # Orders come first: each ``case`` before it would cost 60 ns.
            self._desk.submit(self, decision.request, at)
            return
        match decision:
            case SendReply() as send:
                self._answer(send)
            case Authenticate(request):
                self._login(request)
            case SubscribeTopics() as join:
                self._subscribe(join)
            case UnsubscribeTopics() as leave:
                self._unsubscribe(leave)
            case SubscribePrivate(request, channel):
                self._desk.subscribe(self, request, channel)
            case UnsubscribePrivate(request, channel):
                self._desk.unsubscribe(self, channel)
                self._send(Unsubscribed(id=request.id, channel=channel))
            case ListSubscriptions(request):
                self._start_work(self._list_subscriptions(request), LIST_US)
            case ListSymbols(request):
                self._start_work(self._list_symbols(request), LIST_US)
            case CloseConnection() as close:
                self._answer(close)

    def work(self) -> bool:
        """Go on with a long request. Return whether there is more to do."""
        work = self._work
        if work is None or self._wire is None:
            return False
        if next(work, DONE) is DONE:
            self._work = None
            if self._held is not None:
                self._read_on()
        return self._work is not None  # None, too, if the step closed the connection.

    end_of_read = ClientTransport.flush
    """Write the replies to all messages of this read, in one write."""

    def peer_is_alive(self) -> None:
        """Something came from the peer."""
        self.is_alive = True

    def closed(self, code: int) -> None:
        """The connection is gone: release all that it holds."""
        if self._wire is None:
            return
        self._wire = self._work = None
        self._is_reading = False
        self._held = self._waiting = None
        self._desk.on_disconnect(self)
        self._hub.remove_connection(self, code)
        self._authenticator.remove_session(self, self._session.principal)
        self._liveness.discard(self)
        for name in self._subscriptions:
            self._hub.unsubscribe(self, name)
        for venue in self._session.followed_venues:
            self._hub.unfollow_listings(self, venue.venue)
        self.fd = -1  # The kernel may give the number to another socket.
        self._subscriptions.clear()
        self._session.held.clear()
        self._session.followed.clear()
        self._session.followed_venues.clear()
        self._listed.clear()
        self.outbox.queue.clear()

    # --- called by the desk ---------------------------------------------------------------------

    @property
    def principal(self) -> Principal:
        """Who is signed in on this connection now."""
        return self._session.principal

    def answer(self, reply: Reply) -> None:
        """Queue the reply to a request."""
        if self._wire is None:
            return
        if isinstance(reply, Error):
            self._record_error(reply)
        self._send(reply)

    # --- the session's decisions ----------------------------------------------------------------

    def _answer(self, answer: SendReply | CloseConnection) -> None:
        match answer:
            case SendReply(reply):
                if isinstance(reply, Error):
                    self._record_error(reply)
                self._send(reply)
            case CloseConnection(code, reason):
                self.close(code, reason)

    def _record_error(self, error: Error) -> None:
        self._hub.stats.refused_requests[error.code] += 1
        if error.code in RECORDED and self._wire is not None:
            principal, address = self._session.principal, self._wire.address
            self._authenticator.record_refusal(principal, "websocket", error.code, error.message, address)

    def _login(self, request: Login) -> None:
        assert self._wire is not None, "received came before opened"
        resume = partial(self._resume_login, request)
        if self._authenticator.read_before_login(request, self._wire.address, resume):
            self._is_reading = False
        else:
            self._prove_login(request)

    def _resume_login(self, request: Login) -> None:
        """The keys have been read once more. Carry out the login, and what came after it."""
        if self._wire is None:
            return
        self._is_reading = True
        self._prove_login(request)
        if self._is_reading:  # otherwise the login waits until it is durable
            self._read_on()
        else:
            self.flush()

    def _prove_login(self, request: Login) -> None:
        assert self._wire is not None, "checked by the callers"
        try:
            principal = self._authenticator.login(request, self._wire.address)
        except Refusal as refusal:
            self._refuse_login(request, refusal)
            return
        if request.signature is UNSET:
            self._sign_in(request, principal)
        else:
            self._is_reading = False
            self._authenticator.when_durable(partial(self._end_login, request, principal))

    def _end_login(self, request: Login, principal: Principal, is_durable: bool) -> None:
        """The signed login is durable, or could not be made durable."""
        if self._wire is None:
            return
        if not is_durable:
            refusal = Refusal(Code.INTERNAL, "the login could not be written; try again")
            self._authenticator.record_refusal(
                principal, "signature", refusal.code, refusal.message, self._wire.address
            )
            self._refuse_login(request, refusal)
        elif not self._authenticator.is_current(principal):
            self._refuse_login(request, Refusal(Code.BAD_SIGNATURE, Code.BAD_SIGNATURE.meaning))
        else:
            self._sign_in(request, principal)
        self._read_on()

    def _read_on(self) -> None:
        """Carry out what came behind the login. Called in a later turn than the login, so it also writes."""
        self._is_reading = self._wire is not None
        # A login or a long request among them: the others wait for that.
        while self._held is not None and self._is_reading and self._work is None:
            if self._held:
                self.received(*self._held.pop())
            else:
                self._held = None
        if self._held is not None:
            self._is_reading = False
        self.flush()

    def _sign_in(self, request: Login, principal: Principal) -> None:
        session, authenticator, before = self._session, self._authenticator, self._session.principal
        try:
            if principal.key != before.key and not authenticator.has_room(principal):
                raise Refusal(Code.RATE_LIMITED, "too many connections of this key")
            answer = session.sign_in(principal, request, self._hub.moment().wall_us)
        except Refusal as refusal:
            self._refuse_login(request, refusal)
            return
        authenticator.remove_session(self, before)
        session.share(authenticator.add_session(self, principal))
        if session.budget is not None and self._wire is not None:
            session.budget.share(self._shared_budget(self._wire))
        self._answer(answer)

    def _refuse_login(self, request: Login, refusal: Refusal) -> None:
        self._answer(self._session.refuse(refusal, request, self._hub.moment().now_us))

    def _hold(self, data: bytes, binary: bool) -> None:
        """Keep a message until the login before it is done. Too many close the connection (4013)."""
        if self._wire is None:
            return
        if self._held is None:
            self._held = HeldMessages()
        if not self._held.add(data, binary):
            self.close(CloseCode.RATE, "too many requests before the login was answered")

    def _start_work(self, work: Iterator[None], cost_us: int) -> None:
        """Do the first step of a request's work, and the others in later turns.

        ``cost_us``: the price of the first step. If this turn has no room for it, all steps come later.
        """
        self._work = work
        is_more = self.work() if self._hub.turns.admits(cost_us) else True
        if is_more and self._wire is not None:
            self._wire.defer()

    def _shared_budget(self, wire: Wire) -> CostBudget:
        subject = self._session.principal.key or network_of(wire.address)
        return self._hub.budgets.of(subject, self._hub.now_us())

    def _charge(self, cost_us: int) -> None:
        if self._session.budget is not None:
            self._session.budget.charge(cost_us, self._hub.now_us())
        if cost_us >= COSTLY_US and self._wire is not None:
            self._wire.defer()

    def _charge_slice(self, frames: list[bytes], made: int) -> None:
        self._charge(KIB_US * sum(map(len, frames)) // 1024 + TRANSCODE_US * made)

    def _list_symbols(self, request: Symbols) -> Iterator[None]:
        """Reply with the instruments. Whoever may see all of them gets the list that was made before."""
        cache, codec, revision = self._hub.symbol_lists, self.codec, self._hub.market.revision
        halted, rows, sees_all = self._desk.halted_symbols(), [], self.principal.symbols is None
        encoded = cache.find(codec, halted) if sees_all else None
        if encoded is not None:
            self._charge(KIB_US * len(encoded) // 1024)
            self._send(EncodedSymbolList(id=request.id, symbols=encoded, venues=self._venue_rows(None)))
            return
        for row in replies.symbol_rows(self._hub.market, self.principal, halted):
            rows.append(row)
            if len(rows) % ROWS_AT_ONCE == 0:
                yield
        self._charge(ROW_US * len(rows))
        if sees_all:
            encoded = codec.encode(rows)
            cache.keep(codec, halted, encoded, revision)
            self._send(EncodedSymbolList(id=request.id, symbols=encoded, venues=self._venue_rows(None)))
        else:
            seen = {row.venue for row in rows}
            self._send(SymbolList(id=request.id, symbols=rows, venues=self._venue_rows(seen)))

    def _venue_rows(self, seen: Collection[str] | None) -> list[VenueRow] | UnsetType:
        """Return the venues that are seen; None: all of them."""
        rows = [row for row in self._hub.venue_rows if seen is None or row.venue in seen]
        return rows or UNSET

    def _subscribe(self, join: SubscribeTopics) -> None:
        resume = None if join.request.resume is UNSET else join.request.resume
        if join.venue is not None:
            self._charge(SYMBOL_US * len(join.choices))
            self._hub.follow_listings(self, join.venue.venue)
        if join.request.history is not UNSET and self._wire is not None:
            self._is_reading = False
            self._hub.history_reads.start(
                network_of(self._wire.address),
                partial(self._join_before_history, join, join.request.history, resume),
                self._end_history,
            )
        elif len(join.choices) > TOPICS_AT_ONCE:
            self._start_work(self._subscribe_in_turns(join), STATE_US * TOPICS_AT_ONCE)
        elif resume is not None:
            self._start_work(self._resume_topic(join, resume), RESUME_US)
        else:
            self._start_work(self._subscribe_in_one(join), STATE_US * len(join.choices))

    def _resume_topic(self, join: SubscribeTopics, resume: Resume) -> Iterator[None]:
        """Subscribe, and send what the client missed: a slice in each step, while it reads.

        If it does not read, the rest stays in the resume ring, and ``writable`` goes on.
        """
        choice = join.choices[0]
        held, subscription, frames = self._join(choice, join.contract(choice), resume)
        self._send(replies.subscribed(join, [held]))
        self._send_first_frames(subscription, frames)
        yield from self._send_missed(subscription)

    def _send_missed(self, subscription: OutboxSubscription[Topic]) -> Iterator[None]:
        """Send what the resume ring has: a slice in each step, while the client reads."""
        while subscription.is_replaying:
            if self.outbox.blocked:
                self.outbox.add_lagging(subscription)
                return
            yield
            if subscription.is_replaying and not self.outbox.blocked:
                self._catch_up(subscription)
                self.flush()

    def _join_before_history(
        self, join: SubscribeTopics, count: int, resume: Resume | None
    ) -> HistoryRequest | None:
        """Subscribe, reply, and return what to read. Events wait in the resume ring until that is sent.

        Who can resume needs no history: None.
        """
        if self._wire is None:
            return None
        hub, choice = self._hub, join.choices[0]
        held, subscription, frames = self._join(choice, join.contract(choice), resume)
        self._send(replies.subscribed(join, [held]))
        if resume is not None and held.gap is UNSET:
            self._send_first_frames(subscription, frames)
            if subscription.is_replaying:
                self._start_work(self._send_missed(subscription), RESUME_US)
            return None
        if choice.topic not in self._subscriptions:  # closed: the reply was too much for a slow client
            return None
        topic = subscription.topic
        subscription.start_replay(topic.seq + 1, topic.seq)
        topic.update_direct(self)
        self._waiting = WaitingForHistory(topic, subscription, frames)
        state = hub.state(choice.topic)
        self.flush()
        return HistoryRequest(
            topic=choice.topic,
            shown_symbol=topic.shown_symbol or "",
            epoch=topic.epoch,
            seq=topic.seq,
            count=count,
            before_us=state.start if isinstance(state, Candles) else None,
            sent_us=hub.moment().stamp_us,
        )

    def _end_history(self, message: HistoryMessage | None) -> None:
        """Send the history, the first state, and what came meanwhile. Then read on."""
        waiting, self._waiting = self._waiting, None
        if waiting is not None and message is not None and self._wire is not None:
            self._send_history(waiting, message)
        self._read_on()

    def _send_history(self, waiting: WaitingForHistory, message: HistoryMessage) -> None:
        topic, subscription = waiting.topic, waiting.subscription
        self._hub.deliver_pending(topic)
        if subscription.topic is not topic or not subscription.is_replaying:
            return  # Its steps changed: the stream has begun anew, with another state.
        frames = [self.codec.frame(message), *waiting.first_frames]
        self._charge(PAGE_US)
        self._charge_slice(frames, 0)
        self.outbox.put(b"".join(frames))
        if self.outbox.is_over:
            self.close_slow()
        elif topic.seq == message.seq:
            subscription.catch_up()
            topic.update_direct(self)
        else:
            self._start_work(self._send_missed(subscription), RESUME_US)

    def _subscribe_in_one(self, join: SubscribeTopics) -> Iterator[None]:
        """Subscribe to a few topics in one step."""
        started = [self._join_or_keep(join, choice) for choice in join.choices]
        self._send(replies.subscribed(join, [held for held, _, _ in started]))
        for _, subscription, frames in started:
            self._send_first_frames(subscription, frames)
        yield from ()

    def _subscribe_in_turns(self, join: SubscribeTopics) -> Iterator[None]:
        """Subscribe to many topics. Their events wait until the reply, which comes first."""
        self._hold_back()
        all_held = []
        for choice in join.choices:
            held, subscription, frames = self._join_or_keep(join, choice)
            all_held.append(held)
            self._send_first_frames(subscription, frames)
            yield
        self._release(replies.subscribed(join, all_held))

    def _join_or_keep(
        self, join: SubscribeTopics, choice: TopicChoice
    ) -> tuple[HeldSubscription, OutboxSubscription[Topic], list[bytes]]:
        """Subscribe as ``_join`` does. Who asks for all symbols of a venue keeps what it has."""
        kept = None if join.venue is None else self._subscriptions.get(choice.topic)
        if kept is not None:
            return replies.held_subscription(self._hub.market, choice, kept, None), kept, []
        return self._join(choice, join.contract(choice), None)

    def listed(self, symbols: Iterable[str]) -> None:
        """A venue all of whose symbols the client is subscribed to listed these: a symbol in each turn."""
        if self._wire is None:
            return
        if not self._listed:
            self._hub.turns.add(self._join_next_listed, network_of(self._wire.address))
        self._listed.update(dict.fromkeys(symbols))

    def _join_next_listed(self) -> bool:
        if self._wire is None or not self._listed:
            return False
        symbol = next(iter(self._listed))
        del self._listed[symbol]
        instrument = self._hub.market.states[symbol].instrument
        for venue, on_slow in list(self._session.followed_venues.items()):
            if instrument is not None and venue.venue == instrument.venue:
                self._join_listed(venue, venue.of(symbol, instrument.symbol), on_slow)
        self.flush()
        return bool(self._listed)

    def _join_listed(self, venue: VenueTopics, choice: TopicChoice, on_slow: OnSlow) -> None:
        is_held = self._session.listed(venue, choice)
        if is_held is None:
            return
        held, subscription, frames = self._join(choice, on_slow, None) if is_held else (UNSET, None, [])
        self._send(
            ListedNotice(
                channel=venue.channel,
                symbol=choice.asked or "",
                venue=venue.venue,
                subscription=held,
                code=UNSET if is_held else Code.TOO_MANY_SUBSCRIPTIONS.value,
                sent=self._hub.moment().stamp_us,
            )
        )
        if subscription is not None and self._wire is not None:
            self._send_first_frames(subscription, frames)

    def _join(
        self, choice: TopicChoice, on_slow: OnSlow, resume: Resume | None
    ) -> tuple[HeldSubscription, OutboxSubscription[Topic], list[bytes]]:
        """Subscribe to one topic. Return it as the reply tells it, and the frames to send first."""
        hub, name = self._hub, choice.topic
        if self._subscriptions.pop(name, None) is not None:
            hub.unsubscribe(self, name)
        _, subscription, start = hub.subscribe(self, name, on_slow, resume)
        self._subscriptions[name] = subscription
        if resume is not None:
            hub.stats.resumes["replayed" if start.gap is None else "gap"] += 1
        self._charge_slice(start.frames, start.made)
        return (
            replies.held_subscription(hub.market, choice, subscription, start.gap),
            subscription,
            start.frames,
        )

    def _unsubscribe(self, leave: UnsubscribeTopics) -> None:
        for choice in leave.choices:
            self._hub.unsubscribe(self, choice.topic)
            del self._subscriptions[choice.topic]
        for channel in leave.private:
            self._desk.unsubscribe(self, channel)
        for venue in leave.unfollowed:
            self._hub.unfollow_listings(self, venue)
        if leave.venue is not None or leave.is_everything:
            self._charge(SYMBOL_US * len(leave.choices))
        self._send(replies.unsubscribed(self._hub.market, leave))

    def _list_subscriptions(self, request: Subscriptions) -> Iterator[None]:
        """Reply with the list. Each row is of the moment at which it is made."""
        session, market, rows = self._session, self._hub.market, list[HeldSubscription]()
        for name, choice in session.held.items():
            rows.append(replies.held_subscription(market, choice, self._subscriptions[name], None))
            if len(rows) % ROWS_AT_ONCE == 0:
                yield
        rows += [self._desk.subscription(self, channel) for channel in session.followed]
        self._charge(ROW_US * len(rows))
        venues = [replies.followed(venue, on_slow) for venue, on_slow in session.followed_venues.items()]
        self._send(SubscriptionList(id=request.id, subscriptions=rows, all=venues or UNSET))
