"""One client's session: what to do about each message that a client sends.

``Session.receive`` takes a message and the time. It returns one decision, such as "subscribe to these topics"
or "close the connection". ``hub/connection.py`` carries the decision out. The session reads no clock and
writes to no socket. It applies the rate limit; ``client_subscriptions`` decides about subscriptions.
"""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType

from floorwire.core.authorization import ANONYMOUS_MARKET, Action, Principal
from floorwire.core.codes import CloseCode, Code
from floorwire.core.refusal import Refusal
from floorwire.protocol.client_subscriptions import PRIVATE_CHANNELS, ClientSubscriptions, require
from floorwire.protocol.codec import BadRequestError, Codec
from floorwire.protocol.cost_budget import REQUEST_US, SYMBOL_US, ClientBudget
from floorwire.protocol.envelopes import AnyRequest
from floorwire.protocol.rate_limit import TokenBucket
from floorwire.protocol.replies import Error, LoggedIn, Pong, error, order_error
from floorwire.protocol.requests import (
    Login,
    Names,
    Ping,
    RequestId,
    Subscribe,
    Subscriptions,
    Symbols,
    Unsubscribe,
)
from floorwire.protocol.session_decisions import (
    Authenticate,
    CloseConnection,
    Decision,
    ListSubscriptions,
    ListSymbols,
    PassToDesk,
    SendReply,
)
from floorwire.protocol.topic_names import TopicCatalogue
from floorwire.protocol.trading_requests import (
    AccountSummary,
    Balances,
    CancelOnDisconnect,
    Deadman,
    Fills,
    Ledger,
    OrderAmend,
    OrderCancel,
    OrderCancelAll,
    OrderPlace,
    Orders,
    OrderStatus,
    Positions,
)

TRADING_REQUESTS = frozenset(
    (
        OrderPlace,
        OrderCancel,
        OrderAmend,
        OrderCancelAll,
        OrderStatus,
        Orders,
        Fills,
        Balances,
        Positions,
        Ledger,
        AccountSummary,
        CancelOnDisconnect,
        Deadman,
    )
)
CHARGED_REQUESTS = frozenset((Subscribe, Unsubscribe, Subscriptions, Symbols))
"""Requests that are charged to the client's budget (``cost_budget``)."""
ORDER_ACTIONS = frozenset(
    (Action.ORDER_PLACE, Action.ORDER_AMEND, Action.ORDER_CANCEL, Action.ORDER_CANCEL_ALL)
)
"""Actions on orders. An error reply to one says what became of the order (OrderError)."""
BURST_S = 2
"""Burst of the rate limit: this many seconds' worth of requests may come at once."""
REFUSED_BURST_S = 5
"""After this many seconds' worth of refused requests at once, the connection is closed (4013)."""
MALFORMED_PER_S = 5
MALFORMED_BURST = 100
"""After this many malformed messages at once, the connection is closed (4502)."""


class SessionLimits(msgspec.Struct, frozen=True):
    """The limits of one connection."""

    commands_per_second: int
    subscriptions: int
    """The most topics and private channels at once."""


class Session:
    """The state of one client: its principal, its subscriptions and its rate limits.

    A new session belongs to ``principal``, a guest unless the handshake was signed in. ``default_channel`` is
    the channel of the WebSocket's path (``/ws/ticker``), or None.
    """

    __slots__ = (
        "_commands",
        "_limits",
        "_malformed",
        "_refused",
        "_shared",
        "budget",
        "codec",
        "principal",
        "subscriptions",
    )

    def __init__(
        self,
        codec: Codec,
        default_channel: str | None,
        catalogue: TopicCatalogue,
        limits: SessionLimits,
        principal: Principal = ANONYMOUS_MARKET,
    ) -> None:
        self.codec = codec
        self.subscriptions = ClientSubscriptions(catalogue, limits.subscriptions, default_channel)
        self.principal = principal
        """Who is signed in. It may see all that the client is subscribed to: ``sign_in`` checks it."""
        self.budget: ClientBudget | None = None
        """What the client's requests about market data are charged to. The connection sets it."""
        self._limits = limits
        rate = limits.commands_per_second
        self._commands = TokenBucket(rate, burst=BURST_S * rate)
        """The rate limit of this connection."""
        self._shared: TokenBucket | None = None
        """The rate limit of all connections of the key together."""
        self._refused: TokenBucket | None = None
        """Counts refused requests. Made when first needed: most clients never need it."""
        self._malformed: TokenBucket | None = None
        """Counts malformed messages. Made when first needed."""

    def receive(self, data: bytes, binary: bool, now_us: int, wall_us: int) -> Decision:
        """Return what to do about one message. Never raises, whatever the bytes are.

        The rate limit comes first: a message over the limit is not decoded as a request.
        ``now_us``: monotonic, for the rate limits. ``wall_us``: the date, for expiries and the pong.
        """
        if not self._commands.allow(now_us):
            return self._refuse_rate_limited(data, self._commands, now_us)
        if self._shared is not None and not self._shared.allow(now_us):
            return self._refuse_rate_limited(data, self._shared, now_us)
        try:
            request = self.codec.request(data, binary)
        except BadRequestError as bad:
            return self._refuse_malformed(_error(bad.refusal, bad.request_id, bad.action), now_us)
        if type(request) in TRADING_REQUESTS:
            return PassToDesk(request)  # type: ignore[arg-type] # its type says so; cast is a call
        try:
            return self._decide(request, now_us, wall_us)
        except Refusal as refusal:
            return SendReply(error(refusal, request.id))

    def share(self, commands: TokenBucket | None) -> None:
        """Apply a second rate limit, shared by all connections of one key; None removes it."""
        self._shared = commands

    def sign_in(self, principal: Principal, request: Login, wall_us: int) -> SendReply:
        """Sign the connection in, and return the reply.

        Raises Refusal for another account than before, or if the new key may not see a subscription.
        """
        if self.principal.key and principal.account != self.principal.account:
            raise Refusal(Code.FORBIDDEN, "signed in for another account already; open another connection")
        self.subscriptions.check_visible(self.principal, principal, wall_us)
        self.principal = principal
        return SendReply(
            LoggedIn(
                id=request.id,
                account=principal.account,
                key=principal.key,
                scopes=tuple(sorted(principal.scopes)),
                symbols=UNSET if principal.symbols is None else tuple(sorted(principal.symbols)),
                expires=UNSET if principal.expires_us is None else principal.expires_us,
            )
        )

    def refuse(self, refusal: Refusal, request: Login, now_us: int) -> SendReply | CloseConnection:
        """Return what to do about a failed login. A wrong signature counts as a malformed message."""
        if refusal.code is Code.BAD_SIGNATURE:
            return self._refuse_malformed(error(refusal, request.id), now_us)
        return SendReply(error(refusal, request.id))

    def _decide(self, request: AnyRequest, now_us: int, wall_us: int) -> Decision:
        if type(request) is Ping:
            return SendReply(Pong(id=request.id, ts=wall_us))
        if type(request) in CHARGED_REQUESTS:  # isinstance would take 250 ns of each ping
            over = self._charge(request, now_us)
            if over is not None:
                return over
        match request:
            case Subscribe():
                return self.subscriptions.subscribe(request, self.principal, wall_us)
            case Unsubscribe():
                return self.subscriptions.unsubscribe(request)
            case _:
                return self._about_session(request, wall_us)  # type: ignore[arg-type] # ``receive`` passes orders on

    def _charge(self, request: AnyRequest, now_us: int) -> Decision | None:
        """Charge what the request itself costs. What it makes the server send is charged when it is known.

        If the budget is spent, return the refusal.
        """
        budget = self.budget
        if budget is None or (isinstance(request, Names) and request.channel in PRIVATE_CHANNELS):
            return None  # Private channels have limits of their own (trading/read_quota).
        wait_us = budget.wait_us(now_us)
        if wait_us:
            refusal = Refusal(Code.RATE_LIMITED, "this client's requests made too much work", wait_us=wait_us)
            return self._refuse_or_close(error(refusal, request.id), now_us)
        named = len(request.symbols) if isinstance(request, Names) and request.symbols is not UNSET else 1
        budget.charge(REQUEST_US + SYMBOL_US * named, now_us)
        return None

    def _about_session(self, request: Subscriptions | Symbols | Login, wall_us: int) -> Decision:
        match request:
            case Subscriptions():
                return ListSubscriptions(request)
            case Symbols():
                require(self.principal, Action.SYMBOLS, wall_us)
                return ListSymbols(request)
            case Login():
                return Authenticate(request)

    def _refuse_malformed(self, reply: Error, now_us: int) -> SendReply | CloseConnection:
        if self._malformed is None:
            self._malformed = TokenBucket(MALFORMED_PER_S, burst=MALFORMED_BURST)
        if not self._malformed.allow(now_us):
            return CloseConnection(CloseCode.PROTOCOL_ABUSE, "too many malformed messages")
        return SendReply(reply)

    def _refuse_rate_limited(self, data: bytes, bucket: TokenBucket, now_us: int) -> Decision:
        """Rate limit: refuse the request and say when to retry."""
        whose = "this connection" if bucket is self._commands else "the key's connections"
        refusal = Refusal(
            Code.RATE_LIMITED, f"too many requests on {whose}", wait_us=max(1, bucket.wait_us(now_us))
        )
        return self._refuse_or_close(
            _error(refusal, self.codec.request_id(data), self.codec.action(data)), now_us
        )

    def _refuse_or_close(self, reply: Error, now_us: int) -> SendReply | CloseConnection:
        """Refuse a request over a limit. Close if the client keeps on (4013)."""
        rate = self._limits.commands_per_second
        if self._refused is None:
            self._refused = TokenBucket(rate, burst=REFUSED_BURST_S * rate)
        if not self._refused.allow(now_us):
            return CloseConnection(CloseCode.RATE, "too many requests")
        return SendReply(reply)


def _error(refusal: Refusal, request_id: RequestId | UnsetType, action: str | UnsetType) -> Error:
    """Return the error reply to a request that was not carried out: an order was rejected for certain."""
    if action in ORDER_ACTIONS:
        return order_error(refusal, request_id, "rejected")
    return error(refusal, request_id)
