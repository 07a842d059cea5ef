"""One client's connection. It carries out what its session decides; ``client_transport`` writes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from msgspec import UNSET

from floorwire.access.authenticator import Authenticator
from floorwire.auth.client_address import network_of
from floorwire.core.authorization import Principal
from floorwire.core.codes import CloseCode, Code
from floorwire.core.refusal import Refusal
from floorwire.hub.client_transport import ClientTransport
from floorwire.hub.hub import Hub
from floorwire.hub.list_replies import LIST_US, list_subscriptions, list_symbols
from floorwire.hub.liveness import Liveness
from floorwire.hub.market_subscriptions import MarketSubscriptions
from floorwire.hub.peer import Wire
from floorwire.hub.topic_join import RESUME_US
from floorwire.hub.waiting_messages import WaitingMessages
from floorwire.protocol.cost_budget import ClientBudget, CostBudget
from floorwire.protocol.desk_ports import DeskPort, Reply
from floorwire.protocol.replies import Error, Unsubscribed
from floorwire.protocol.requests import Login
from floorwire.protocol.session import Session
from floorwire.protocol.session_decisions import (
    Authenticate,
    CloseConnection,
    ListSubscriptions,
    ListSymbols,
    PassToDesk,
    SendReply,
    SubscribePrivate,
    SubscribeTopics,
    UnsubscribePrivate,
    UnsubscribeTopics,
)

RECORDED = frozenset({Code.FORBIDDEN.value, Code.UNAUTHENTICATED.value})
"""Refusals that go into the audit log."""
DONE = object()


class Connection(ClientTransport):
    """A client: the peer of one wire, and a client of the desk."""

    __slots__ = (
        "_authenticator",
        "_desk",
        "_is_reading",
        "_liveness",
        "_markets",
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
        markets: MarketSubscriptions,
        outbox_bytes: int,
    ) -> None:
        super().__init__(hub, session.codec, outbox_bytes)
        self._markets = markets
        self._desk = desk
        self._authenticator = authenticator
        self._session = session
        self._liveness = liveness
        self._is_reading = False
        """Whether messages are carried out: from ``opened`` to ``closed``, unless one of them waits."""
        self._waiting: WaitingMessages | None = None
        """The messages behind a login that waits for the keys or the disk, or behind a subscription that
        waits for its history. Made at the first one."""
        self._work: Iterator[None] | None = None
        """The rest of a long request. The wire passes no other message on until it is done."""

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
        self._budget = self._session.budget = ClientBudget(self._shared_budget(wire))
        self._liveness.add(self, self._hub.now_us())

    def received(self, data: bytes, binary: bool) -> None:
        """Carry out what the session decides about one message."""
        if not self._is_reading:
            self._keep_waiting(data, binary)
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
            case SubscribeTopics():
                self._subscribe(decision)
            case UnsubscribeTopics(private=private):
                for channel in private:
                    self._desk.unsubscribe(self, channel)
                self._markets.unsubscribe(self, decision)
            case SubscribePrivate(request, channel):
                self._desk.subscribe(self, request, channel)
            case UnsubscribePrivate(request, channel):
                self._desk.unsubscribe(self, channel)
                self.send(Unsubscribed(id=request.id, channel=channel))
            case ListSubscriptions(request):
                own = partial(self._desk.subscription, self)
                self._start_work(list_subscriptions(self._hub, self, self._session, own, request), LIST_US)
            case ListSymbols(request):
                halted = self._desk.halted_symbols
                self._start_work(list_symbols(self._hub, self, self._session, halted, request), LIST_US)
            case CloseConnection() as close:
                self._answer(close)

    def work(self) -> bool:
        """Go on with a long request. Return whether there is more to do."""
        work = self._work
        if work is None or self._wire is None:
            return False
        if next(work, DONE) is DONE:
            self._work = None
            if self._waiting is not None:
                self._read_on()
        return self._work is not None  # None, too, if the step closed the connection.

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
        self._wire = self._work = None
        self._is_reading = False
        self._waiting = None
        self._desk.on_disconnect(self)
        self._hub.remove_connection(self, code)
        self._authenticator.remove_session(self, self._session.principal)
        self._liveness.discard(self)
        self._markets.close(self)
        self._session.subscriptions.clear()
        self.fd = -1  # The kernel may give the number to another socket.
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
        self.send(reply)

    # --- the session's decisions ----------------------------------------------------------------

    def _answer(self, answer: SendReply | CloseConnection) -> None:
        match answer:
            case SendReply(reply):
                if isinstance(reply, Error):
                    self._record_error(reply)
                self.send(reply)
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
        """Carry out the messages that waited. Called in a later turn than they came, so it also writes."""
        self._is_reading = self._wire is not None
        # A login or a long request among them: the others wait for that.
        while self._waiting is not None and self._is_reading and self._work is None:
            if self._waiting:
                self.received(*self._waiting.pop())
            else:
                self._waiting = None
        if self._waiting is not None:
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

    def _keep_waiting(self, data: bytes, binary: bool) -> None:
        """Keep a message until what is before it is done. Too many close the connection (4013)."""
        if self._wire is None:
            return
        if self._waiting is None:
            self._waiting = WaitingMessages()
        if not self._waiting.add(data, binary):
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

    def _subscribe(self, decision: SubscribeTopics) -> None:
        venue, history = decision.venue, decision.request.history
        if venue is not None:
            self._markets.follow_listings(self, self._session, venue.venue, len(decision.choices))
        if history is UNSET:
            self._start_work(*self._markets.subscribe(self, decision))
        elif self._wire is not None:
            self._is_reading = False
            self._markets.subscribe_with_history(self, decision, history, self._end_history)

    def _end_history(self, rest: Iterator[None] | None) -> None:
        """The history was sent. ``rest``: steps that send what came meanwhile. Then read on."""
        if rest is not None and self._wire is not None:
            self._start_work(rest, RESUME_US)
        self._read_on()
