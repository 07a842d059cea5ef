"""One client's connection: carries out what its session decides, and writes what its outbox holds."""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from floorwire.access.authenticator import Authenticator
from floorwire.core.authorization import Principal
from floorwire.core.codes import CloseCode, Code
from floorwire.core.market_events import Feed
from floorwire.core.refusal import Refusal
from floorwire.hub.hub import Hub
from floorwire.hub.liveness import Liveness
from floorwire.hub.peer import Wire
from floorwire.hub.topic import Topic
from floorwire.protocol.codec import Codec, Outgoing
from floorwire.protocol.desk_ports import DeskPort, Reply
from floorwire.protocol.outbox import OfferResult, Outbox, OutboxSubscription
from floorwire.protocol.replies import (
    Error,
    Gap,
    HeldSubscription,
    Pair,
    Subscribed,
    SubscribedAll,
    SubscriptionList,
    SymbolList,
    SymbolRow,
    Unsubscribed,
)
from floorwire.protocol.requests import Login
from floorwire.protocol.session import (
    Authenticate,
    CloseConnection,
    FollowAccount,
    JoinTopics,
    LeaveTopics,
    ListSubscriptions,
    ListSymbols,
    PassToDesk,
    SendReply,
    Session,
    UnfollowAccount,
)
from floorwire.protocol.skip import SkippedNotice, SlowNotice
from floorwire.protocol.topic import TopicChoice, TopicName

SLICE_BYTES = 65_536
"""What is written at once to a peer that has been slow."""
BEGINNINGS = 32
"""So many subscriptions' first messages are written at once: a peer that is slow shows before the next."""
SYSTEM = TopicName("system", None, None)
RECORDED = frozenset({Code.FORBIDDEN.value, Code.UNAUTHENTICATED.value})
"""Refusals that go into the audit log."""


class Connection:
    """The peer of one wire: session, outbox and lanes of one client."""

    __slots__ = (
        "_authenticator",
        "_desk",
        "_hub",
        "_liveness",
        "_session",
        "_subscriptions",
        "_told_slow",
        "_wire",
        "codec",
        "fd",
        "is_alive",
        "outbox",
        "slot",
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
        self.codec: Codec = session.codec
        self.outbox: Outbox[Topic] = Outbox(outbox_bytes)
        self.fd = -1
        self.is_alive = True
        self.slot = 0
        self._desk = desk
        self._authenticator = authenticator
        self._hub = hub
        self._session = session
        self._liveness = liveness
        self._subscriptions: dict[TopicName, OutboxSubscription[Topic]] = {}
        self._wire: Wire | None = None
        self._told_slow = False

    # --- what the wire tells --------------------------------------------------------------------

    def opened(self, wire: Wire) -> None:
        """The handshake is done."""
        self._wire = wire
        self.fd = wire.fd
        if wire.is_blocked:
            self.outbox.block()
        self._hub.enter(self)
        self._session.share(self._authenticator.enter(self, self._session.principal))
        self._liveness.add(self, self._hub.now_us())

    def received(self, data: bytes, binary: bool) -> None:
        """Carry out what the session decides about one message."""
        if self._wire is None:
            return
        self._hub.stats.received_messages += 1
        decision = self._session.receive(data, binary, self._hub.now_us())
        if type(decision) is PassToDesk:  # the one that is in a hurry: each case that it is not takes 60 ns
            self._desk.trade(self, decision.request)
            return
        match decision:
            case SendReply() as say:
                self._answer(say)
            case Authenticate(request):
                self._login(request)
            case JoinTopics() as join:
                self._join(join)
            case LeaveTopics() as leave:
                self._leave(leave)
            case FollowAccount(request, channel):
                self._desk.follow(self, request, channel)
            case UnfollowAccount(request, channel):
                self._desk.unfollow(self, channel)
                self._say(Unsubscribed(id=request.id, channel=channel))
            case ListSubscriptions(request):
                self._say(SubscriptionList(id=request.id, subscriptions=self._all_held()))
            case ListSymbols(request):
                self._say(SymbolList(id=request.id, symbols=self._symbols()))
            case CloseConnection() as hangup:
                self._answer(hangup)

    def settled(self) -> None:
        """Send what the messages received so far led to."""
        self.flush()

    def heard(self) -> None:
        """The peer lives."""
        self.is_alive = True

    def writable(self) -> None:
        """Write on: first what is queued, then what lanes left out, each as it is by now."""
        wire, outbox = self._wire, self.outbox
        while wire is not None:
            chunk = outbox.take(SLICE_BYTES)
            if not chunk:
                subscription = outbox.next_lagging()
                if subscription is None:
                    outbox.blocked = self._told_slow = False
                    self._place()
                    return
                self._catch_up(subscription)
            elif not wire.write(chunk):
                return
            wire = self._wire

    def closed(self, code: int) -> None:
        """The connection is gone: leave everything."""
        if self._wire is None:
            return
        self._wire = None
        self._desk.left(self)
        self._hub.exit(self, code)
        self._authenticator.leave(self, self._session.principal)
        self._liveness.discard(self)
        for name in self._subscriptions:
            self._hub.leave(self, name)
        self.fd = -1  # the number may be another socket's next
        self._subscriptions.clear()
        self._session.held.clear()
        self._session.followed.clear()
        self.outbox.queue.clear()

    # --- what the hub asks ----------------------------------------------------------------------

    def flush(self) -> None:
        """Write what is queued, all in one, unless the peer's buffer is full."""
        queue = self.outbox.queue
        if queue and not self.outbox.blocked:
            chunk = queue[0] if len(queue) == 1 else b"".join(queue)
            queue.clear()
            self.push(chunk)

    def push(self, data: bytes) -> None:
        """Write; where the peer's buffer is full now, queue from here on."""
        if self._wire is not None and not self._wire.write(data):
            self.outbox.block()
            self._place()

    def _place(self) -> None:
        for subscription in self._subscriptions.values():
            subscription.topic.place(self)

    def ping(self) -> bool:
        """Ask the peer for a sign of life; False where the server below does that by itself."""
        self.is_alive = False
        return self._wire is not None and self._wire.ping()

    def close(self, code: CloseCode, reason: str) -> None:
        """End the connection; what was queued goes first where the peer reads."""
        if self._wire is not None:
            self.flush()
            self._wire.close(code, reason)
            self.closed(code)

    # --- what the desk asks ---------------------------------------------------------------------

    @property
    def principal(self) -> Principal:
        """Who it is by now."""
        return self._session.principal

    def answer(self, reply: Reply) -> None:
        """Queue the answer to a request."""
        if self._wire is None:
            return
        if isinstance(reply, Error):
            self._note(reply)
        self._say(reply)

    def tell(self, frames: bytes) -> None:
        """Queue private events, or end the connection where they do not fit (4008)."""
        if self._wire is None:
            return
        if self.has_room(len(frames)):
            self.outbox.put(frames)
        else:
            self.shut()

    def has_room(self, size: int) -> bool:
        """Return whether so many bytes more may wait."""
        return self.outbox.has_room(size)

    def shut(self) -> None:
        """End the connection: private events are never left out."""
        self.close(CloseCode.SLOW_CONSUMER, "private events are not read")

    # --- what sessions decide -------------------------------------------------------------------

    def _answer(self, answer: SendReply | CloseConnection) -> None:
        match answer:
            case SendReply(reply):
                if isinstance(reply, Error):
                    self._note(reply)
                self._say(reply)
            case CloseConnection(code, reason):
                self.close(code, reason)

    def _note(self, error: Error) -> None:
        self._hub.stats.refused_requests[error.code] += 1
        if error.code in RECORDED and self._wire is not None:
            principal, address = self._session.principal, self._wire.address
            self._authenticator.note_refusal(principal, "websocket", error.code, error.message, address)

    def _login(self, request: Login) -> None:
        assert self._wire is not None, "received came before opened"
        session, authenticator, now_us = self._session, self._authenticator, self._hub.now_us()
        before = session.principal
        try:
            principal = authenticator.login(request, self._wire.address)
            if principal.key != before.key and not authenticator.has_room(principal):
                raise Refusal(Code.RATE_LIMITED, "too many connections of this key")
            answer = session.sign_in(principal, request, now_us)
        except Refusal as refusal:
            self._answer(session.refuse(refusal, request, now_us))
            return
        authenticator.leave(self, before)
        session.share(authenticator.enter(self, principal))
        self._answer(answer)

    def _say(self, message: Outgoing) -> None:
        self._put([self.codec.frame(message)])

    def _put(self, frames: list[bytes]) -> None:
        for frame in frames:
            self.outbox.put(frame)
        if self.outbox.is_over:
            self.close(CloseCode.SLOW_CONSUMER, "replies are not read")

    def _join(self, join: JoinTopics) -> None:
        request = join.request
        resume = None if request.resume is UNSET else request.resume
        opened = []
        for choice in join.choices:
            if choice.topic in self._subscriptions:
                self._hub.leave(self, choice.topic)
            _, subscription, opening = self._hub.join(self, choice.topic, join.contract(choice), resume)
            self._subscriptions[choice.topic] = subscription
            opened.append((choice, subscription, opening))
            if resume is not None:
                self._hub.stats.resumes["replayed" if opening.gap is None else "gap"] += 1
        self._say_joined(
            join, [self._held(choice, subscription, opening.gap) for choice, subscription, opening in opened]
        )
        for _, subscription, opening in opened:
            self._begin(subscription, opening.frames)

    def _begin(self, subscription: OutboxSubscription[Topic], frames: list[bytes]) -> None:
        # What a subscription begins with are events like any other: for a slow peer, the contract holds.
        if not frames:
            return
        outbox, chunk, last = self.outbox, b"".join(frames), subscription.topic.seq
        if not outbox.blocked:
            outbox.queue.append(chunk)
            if len(chunk) > SLICE_BYTES or len(outbox.queue) > BEGINNINGS:
                self.flush()
        elif outbox.offer(subscription, chunk, last - len(frames) + 1, last) is OfferResult.OVERFLOW:
            self.close(CloseCode.SLOW_CONSUMER, f"outbox full on {subscription.topic.name.channel}")

    def _say_joined(self, join: JoinTopics, held: list[HeldSubscription]) -> None:
        request = join.request
        if join.minimal:
            self._say(Pair("subscribed", held[0].symbol or ""))
        elif request.symbols is UNSET:
            fields = {name: getattr(held[0], name) for name in HeldSubscription.__struct_fields__}
            self._say(Subscribed(id=request.id, **fields))
        else:
            self._say(
                SubscribedAll(
                    id=request.id, channel=held[0].channel, symbols=request.symbols, subscriptions=held
                )
            )

    def _leave(self, leave: LeaveTopics) -> None:
        for choice in leave.choices:
            self._hub.leave(self, choice.topic)
            del self._subscriptions[choice.topic]
        request, choice = leave.request, leave.choices[0]
        if leave.minimal:
            self._say(Pair("unsubscribed", choice.asked or ""))
            return
        self._say(
            Unsubscribed(
                id=request.id,
                channel=choice.topic.channel,
                symbol=request.symbol,
                symbols=request.symbols,
                instrument=UNSET if request.symbol is UNSET else choice.topic.symbol or UNSET,
                depth=_depth(choice.topic),
                interval=_interval(choice.topic),
            )
        )

    def _all_held(self) -> list[HeldSubscription]:
        session = self._session
        held = [self._held(choice, self._subscriptions[name], None) for name, choice in session.held.items()]
        return held + [self._desk.held(self, channel) for channel in session.followed]

    def _held(
        self, choice: TopicChoice, subscription: OutboxSubscription[Topic], gap: Gap | None
    ) -> HeldSubscription:
        name = choice.topic
        feed: Feed = self._hub.market.feed(name.symbol)
        return HeldSubscription(
            channel=name.channel,
            symbol=choice.asked or UNSET,
            instrument=name.symbol or UNSET,
            depth=_depth(name),
            interval=_interval(name),
            on_slow=subscription.on_slow,
            epoch=subscription.topic.epoch,
            seq=subscription.topic.seq,
            feed=feed,
            gap=gap or UNSET,
        )

    def _symbols(self) -> list[SymbolRow]:
        return [
            SymbolRow(i.symbol, i.base, i.quote, i.tick_size, i.lot_size, i.min_notional, i.state, i.venue)
            for i in self._hub.market.symbols
            if self._session.principal.sees(i.symbol)
        ]

    # --- catching up ----------------------------------------------------------------------------

    def _catch_up(self, subscription: OutboxSubscription[Topic]) -> None:
        topic = subscription.topic
        self._hub.settle(topic)  # what is pending belongs to what was left out
        first, last = subscription.catch_up()
        now_us = self._hub.now_us()
        if not self._told_slow and SYSTEM in self._subscriptions:
            self._told_slow = True
            self.outbox.put(self.codec.frame(SlowNotice(streams=self.outbox.lagging + 1, sent=now_us)))
        state = topic.state(now_us, last - first) if subscription.on_slow == "conflate" else None
        if state is not None:
            self.outbox.put(self.codec.frame(state))
        else:
            self.outbox.put(self.codec.frame(_skipped(topic, first, last, now_us)))


def _skipped(topic: Topic, first: int, last: int, now_us: int) -> SkippedNotice:
    return SkippedNotice(
        channel=topic.name.channel,
        symbol=topic.name.symbol or UNSET,
        depth=_depth(topic.name),
        interval=_interval(topic.name),
        epoch=topic.epoch,
        seq=last,
        gap=Gap(first, last, "slow"),
        sent=now_us,
    )


def _depth(name: TopicName) -> int | UnsetType:
    return name.option if isinstance(name.option, int) else UNSET


def _interval(name: TopicName) -> str | UnsetType:
    return name.option if isinstance(name.option, str) else UNSET
