"""One client's connection: carries out what its session decides. ``client_transport`` writes."""

from __future__ import annotations

from msgspec import UNSET

from floorwire.access.authenticator import Authenticator
from floorwire.core.authorization import Principal
from floorwire.core.codes import Code
from floorwire.core.refusal import Refusal
from floorwire.hub import subscription_replies as replies
from floorwire.hub.client_transport import ClientTransport
from floorwire.hub.hub import Hub
from floorwire.hub.liveness import Liveness
from floorwire.hub.peer import Wire
from floorwire.protocol.desk_ports import DeskPort, Reply
from floorwire.protocol.replies import Error, HeldSubscription, SubscriptionList, SymbolList, Unsubscribed
from floorwire.protocol.requests import Login
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

RECORDED = frozenset({Code.FORBIDDEN.value, Code.UNAUTHENTICATED.value})
"""Refusals that go into the audit log."""


class Connection(ClientTransport):
    """The peer of one wire, and the desk's client."""

    __slots__ = ("_authenticator", "_desk", "_liveness", "_session")

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
        at = self._hub.moment()
        decision = self._session.receive(data, binary, at.now_us, at.wall_us)
        if type(decision) is PassToDesk:  # the one that is in a hurry: each case that it is not takes 60 ns
            self._desk.submit(self, decision.request)
            return
        match decision:
            case SendReply() as say:
                self._answer(say)
            case Authenticate(request):
                self._login(request)
            case SubscribeTopics() as join:
                self._join(join)
            case UnsubscribeTopics() as leave:
                self._leave(leave)
            case SubscribePrivate(request, channel):
                self._desk.follow(self, request, channel)
            case UnsubscribePrivate(request, channel):
                self._desk.unfollow(self, channel)
                self._say(Unsubscribed(id=request.id, channel=channel))
            case ListSubscriptions(request):
                self._say(SubscriptionList(id=request.id, subscriptions=self._all_held()))
            case ListSymbols(request):
                halted = self._desk.halted_symbols()
                rows = replies.symbol_rows(self._hub.market, self.principal, halted)
                self._say(SymbolList(id=request.id, symbols=rows))
            case CloseConnection() as hangup:
                self._answer(hangup)

    def settled(self) -> None:
        """Send what the messages received so far led to."""
        self.flush()

    def heard(self) -> None:
        """The peer lives."""
        self.is_alive = True

    def closed(self, code: int) -> None:
        """The connection is gone: leave everything."""
        if self._wire is None:
            return
        self._wire = None
        self._desk.on_disconnect(self)
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
        session, authenticator, at = self._session, self._authenticator, self._hub.moment()
        before = session.principal
        try:
            principal = authenticator.login(request, self._wire.address)
            if principal.key != before.key and not authenticator.has_room(principal):
                raise Refusal(Code.RATE_LIMITED, "too many connections of this key")
            answer = session.sign_in(principal, request, at.wall_us)
        except Refusal as refusal:
            self._answer(session.refuse(refusal, request, at.now_us))
            return
        authenticator.leave(self, before)
        session.share(authenticator.enter(self, principal))
        self._answer(answer)

    def _join(self, join: SubscribeTopics) -> None:
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
        market = self._hub.market
        held = [
            replies.held(market, choice, subscription, opening.gap)
            for choice, subscription, opening in opened
        ]
        self._say(replies.subscribed(join, held))
        for _, subscription, opening in opened:
            self._begin(subscription, opening.frames)

    def _leave(self, leave: UnsubscribeTopics) -> None:
        for choice in leave.choices:
            self._hub.leave(self, choice.topic)
            del self._subscriptions[choice.topic]
        self._say(replies.unsubscribed(leave))

    def _all_held(self) -> list[HeldSubscription]:
        session, market = self._session, self._hub.market
        held = [
            replies.held(market, choice, self._subscriptions[name], None)
            for name, choice in session.held.items()
        ]
        return held + [self._desk.subscription(self, channel) for channel in session.followed]
