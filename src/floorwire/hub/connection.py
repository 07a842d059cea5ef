"""One client's connection. It carries out what its session decides; ``client_transport`` writes."""

from __future__ import annotations

from functools import partial

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
    """A client: the peer of one wire, and a client of the desk."""

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

    # --- called by the wire ---------------------------------------------------------------------

    def opened(self, wire: Wire) -> None:
        """The handshake is done."""
        self._wire = wire
        self.fd = wire.fd
        if wire.is_blocked:
            self.outbox.block()
        self._hub.add_connection(self)
        self._session.share(self._authenticator.add_session(self, self._session.principal))
        self._liveness.add(self, self._hub.now_us())

    def received(self, data: bytes, binary: bool) -> None:
        """Carry out what the session decides about one message."""
        if self._wire is None:
            return
        self._hub.stats.received_messages += 1
        at = self._hub.moment()
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
                self._send(SubscriptionList(id=request.id, subscriptions=self._held_subscriptions()))
            case ListSymbols(request):
                halted = self._desk.halted_symbols()
                rows = replies.symbol_rows(self._hub.market, self.principal, halted)
                self._send(SymbolList(id=request.id, symbols=rows))
            case CloseConnection() as close:
                self._answer(close)

    def end_of_read(self) -> None:
        """Write the replies to all messages of this read, in one write."""
        self.flush()

    def peer_is_alive(self) -> None:
        """Something came from the peer."""
        self.is_alive = True

    def closed(self, code: int) -> None:
        """The connection is gone: release all that it holds."""
        if self._wire is None:
            return
        self._wire = None
        self._desk.on_disconnect(self)
        self._hub.remove_connection(self, code)
        self._authenticator.remove_session(self, self._session.principal)
        self._liveness.discard(self)
        for name in self._subscriptions:
            self._hub.unsubscribe(self, name)
        self.fd = -1  # The kernel may give the number to another socket.
        self._subscriptions.clear()
        self._session.held.clear()
        self._session.followed.clear()
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
        if not self._authenticator.read_before_login(request, self._wire.address, resume):
            self._sign_in(request)

    def _resume_login(self, request: Login) -> None:
        if self._wire is not None:
            self._sign_in(request)
            self.flush()

    def _sign_in(self, request: Login) -> None:
        assert self._wire is not None, "checked by the callers"
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
        authenticator.remove_session(self, before)
        session.share(authenticator.add_session(self, principal))
        self._answer(answer)

    def _subscribe(self, join: SubscribeTopics) -> None:
        request = join.request
        resume = None if request.resume is UNSET else request.resume
        started = []
        for choice in join.choices:
            if choice.topic in self._subscriptions:
                self._hub.unsubscribe(self, choice.topic)
            _, subscription, start = self._hub.subscribe(self, choice.topic, join.contract(choice), resume)
            self._subscriptions[choice.topic] = subscription
            started.append((choice, subscription, start))
            if resume is not None:
                self._hub.stats.resumes["replayed" if start.gap is None else "gap"] += 1
        market = self._hub.market
        held = [
            replies.held(market, choice, subscription, start.gap) for choice, subscription, start in started
        ]
        self._send(replies.subscribed(join, held))
        for _, subscription, start in started:
            self._send_first_frames(subscription, start.frames)

    def _unsubscribe(self, leave: UnsubscribeTopics) -> None:
        for choice in leave.choices:
            self._hub.unsubscribe(self, choice.topic)
            del self._subscriptions[choice.topic]
        self._send(replies.unsubscribed(leave))

    def _held_subscriptions(self) -> list[HeldSubscription]:
        session, market = self._session, self._hub.market
        held = [
            replies.held(market, choice, self._subscriptions[name], None)
            for name, choice in session.held.items()
        ]
        return held + [self._desk.subscription(self, channel) for channel in session.followed]
