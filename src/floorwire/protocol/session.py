"""One client's session: what to do about each message that a client sends.

``Session.receive`` takes a message and the time. It returns one decision, such as "subscribe to these topics"
or "close the connection". ``hub/connection.py`` carries the decision out. The session reads no clock and
writes to no socket. It knows the client's subscriptions and applies the rate limit to its requests.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from floorwire.core.account_events import PrivateChannel
from floorwire.core.authorization import ANONYMOUS_MARKET, Action, Principal, decide
from floorwire.core.codes import CloseCode, Code
from floorwire.core.refusal import Refusal
from floorwire.protocol.codec import AnyRequest, BadRequestError, Codec
from floorwire.protocol.cost_budget import REQUEST_US, SYMBOL_US, ClientBudget
from floorwire.protocol.rate_limit import TokenBucket
from floorwire.protocol.replies import AnyReply, Error, LoggedIn, Pong, TradingReply, error, order_error
from floorwire.protocol.requests import (
    Login,
    Names,
    OnSlow,
    Ping,
    RequestId,
    Subscribe,
    Subscriptions,
    Symbols,
    Unsubscribe,
)
from floorwire.protocol.topic import TopicCatalogue, TopicChoice, TopicName, VenueTopics
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
    TradingRequest,
)

PRIVATE_ACTIONS: dict[PrivateChannel, Action] = {
    "orders": Action.ORDERS,
    "fills": Action.FILLS,
    "balances": Action.BALANCES,
    "positions": Action.POSITIONS,
}
"""Each private channel, and the action that a subscriber must be allowed to do."""
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
WITH_HISTORY = frozenset(("candles", "trades"))
"""Market channels whose subscriptions may begin with history."""
CHARGED_REQUESTS = frozenset((Subscribe, Unsubscribe, Subscriptions, Symbols))
"""Requests that are charged to the client's budget (``cost_budget``)."""
PRIVATE_CHANNELS: dict[str, PrivateChannel] = {channel: channel for channel in PRIVATE_ACTIONS}
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


class SendReply(msgspec.Struct, frozen=True):
    """Send this reply."""

    reply: AnyReply | TradingReply


class SubscribeTopics(msgspec.Struct, frozen=True):
    """Subscribe to all these topics, then reply. ``minimal``: with the short reply of the article.

    ``venue``: the topics are those of all symbols of a venue. What is held of them stays as it is.
    """

    request: Subscribe
    choices: tuple[TopicChoice, ...]
    minimal: bool
    venue: VenueTopics | None = None

    def contract(self, choice: TopicChoice) -> OnSlow:
        """Return what to do when the client is slow: the client's ``on_slow``, or the channel's default."""
        return choice.on_slow if self.request.on_slow is UNSET else self.request.on_slow


class UnsubscribeTopics(msgspec.Struct, frozen=True):
    """Unsubscribe from all these topics, then reply. ``minimal``: with the short reply of the article.

    ``venue``: the subscription to all symbols of a venue ends, too. ``is_everything``: all subscriptions end.
    """

    request: Unsubscribe
    choices: tuple[TopicChoice, ...]
    minimal: bool
    venue: VenueTopics | None = None
    is_everything: bool = False
    private: tuple[PrivateChannel, ...] = ()
    """The private channels among them."""
    unfollowed: frozenset[str] = frozenset()
    """The venues of which no listings are followed any more."""


class SubscribePrivate(msgspec.Struct, frozen=True):
    """Ask the desk to subscribe the client to a private channel of its account. The desk replies."""

    request: Subscribe
    channel: PrivateChannel


class UnsubscribePrivate(msgspec.Struct, frozen=True):
    """Ask the desk to unsubscribe the client from a private channel, then reply."""

    request: Unsubscribe
    channel: PrivateChannel


class PassToDesk(msgspec.Struct, frozen=True):
    """Pass the request to the desk. The desk authorises it, and replies when the outcome is durable."""

    request: TradingRequest


class ListSubscriptions(msgspec.Struct, frozen=True):
    """Reply with the list of subscriptions."""

    request: Subscriptions


class ListSymbols(msgspec.Struct, frozen=True):
    """Reply with the list of instruments."""

    request: Symbols


class Authenticate(msgspec.Struct, frozen=True):
    """Check the login, then call ``Session.sign_in`` or ``Session.refuse``."""

    request: Login


class CloseConnection(msgspec.Struct, frozen=True):
    """Close the connection."""

    code: CloseCode
    reason: str


Decision: TypeAlias = (
    SendReply
    | SubscribeTopics
    | UnsubscribeTopics
    | SubscribePrivate
    | UnsubscribePrivate
    | PassToDesk
    | ListSubscriptions
    | ListSymbols
    | Authenticate
    | CloseConnection
)


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
        "_catalogue",
        "_commands",
        "_default_channel",
        "_limits",
        "_malformed",
        "_refused",
        "_shared",
        "budget",
        "codec",
        "followed",
        "followed_venues",
        "held",
        "principal",
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
        self.held: dict[TopicName, TopicChoice] = {}
        """The subscriptions to topics."""
        self.followed: dict[PrivateChannel, None] = {}
        """The subscriptions to private channels, in order."""
        self.followed_venues: dict[VenueTopics, OnSlow] = {}
        """The subscriptions to all symbols of a venue, and their contracts."""
        self.principal = principal
        """Who is signed in. It may see all of ``held`` and ``followed``: ``sign_in`` checks it."""
        self.budget: ClientBudget | None = None
        """What the client's requests about market data are charged to. The connection sets it."""
        self._default_channel = default_channel
        self._catalogue = catalogue
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
        for topic, choice in self.held.items():
            if decide(principal, Action.SUBSCRIBE, wall_us, symbol=topic.symbol) is not None:
                raise _unsubscribe_first(_described(choice))
        for channel in self.followed:
            narrowed = principal.symbols != self.principal.symbols
            if narrowed or decide(principal, PRIVATE_ACTIONS[channel], wall_us) is not None:
                raise _unsubscribe_first(channel)
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
                return self._subscribe(request, wall_us)
            case Unsubscribe():
                return self._unsubscribe(request)
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
                self._require(Action.SYMBOLS, None, wall_us)
                return ListSymbols(request)
            case Login():
                return Authenticate(request)

    def _require(self, action: Action, symbol: str | None, wall_us: int, shown: str | None = None) -> None:
        refusal = decide(self.principal, action, wall_us, symbol=symbol, shown=shown)
        if refusal is not None:
            raise refusal

    def _subscribe(self, request: Subscribe, wall_us: int) -> SubscribeTopics | SubscribePrivate:
        channel = _private(request)
        if channel is not None:
            return self._subscribe_private(request, channel, wall_us)
        self._require(Action.SUBSCRIBE, None, wall_us)
        if request.history is not UNSET and (request.symbols is not UNSET or request.all is True):
            raise _bad("history", "of one symbol; subscribe to each by itself")
        if request.all is True:
            return self._subscribe_venue(request)
        choices = self._choices(request)
        for choice in choices:
            self._require(Action.SUBSCRIBE, choice.topic.symbol, wall_us, choice.asked)
        if request.resume is not UNSET and len(choices) > 1:
            raise _bad("resume", "a place in one stream; subscribe to each symbol by itself")
        if request.history is not UNSET and choices[0].topic.channel not in WITH_HISTORY:
            raise _bad("history", f"{choices[0].topic.channel} has none")
        for choice in choices:
            _check_contract(request.on_slow, choice.contracts, choice.topic.channel)
        added = {choice.topic: choice for choice in choices}
        if not self._has_room(added):
            raise self._too_many()
        self.held.update(added)
        return SubscribeTopics(request, tuple(added.values()), self._is_minimal(request))

    def _subscribe_venue(self, request: Subscribe) -> SubscribeTopics:
        if request.resume is not UNSET:
            raise _bad("resume", "a place in one stream; resume what you had first, then ask for all")
        venue, choices = self._choose_venue(request)
        _check_contract(request.on_slow, venue.contracts, venue.channel)
        seen = {choice.topic: choice for choice in choices if self.principal.sees(choice.topic.symbol or "")}
        if not self._has_room(seen):
            raise self._too_many()
        self.held.update(seen)
        self.followed_venues[venue] = venue.on_slow if request.on_slow is UNSET else request.on_slow
        return SubscribeTopics(request, tuple(seen.values()), minimal=False, venue=venue)

    def listed(self, venue: VenueTopics, choice: TopicChoice) -> bool | None:
        """Hold a topic of a symbol that a followed venue listed.

        Return False if the connection holds too many, None if it holds this one or may not see it.
        """
        symbol = choice.topic.symbol
        if choice.topic in self.held or venue not in self.followed_venues or symbol is None:
            return None
        if not self.principal.sees(symbol):
            return None
        if not self._has_room({choice.topic: choice}):
            return False
        self.held[choice.topic] = choice
        return True

    def _has_room(self, added: Mapping[TopicName, TopicChoice]) -> bool:
        held = len(self.held.keys() | added.keys()) + len(self.followed)
        return held <= self._limits.subscriptions

    def _subscribe_private(
        self, request: Subscribe, channel: PrivateChannel, wall_us: int
    ) -> SubscribePrivate:
        self._require(PRIVATE_ACTIONS[channel], None, wall_us)
        if request.on_slow is not UNSET and request.on_slow != "disconnect":
            raise _bad("on_slow", f"{channel} takes disconnect")
        if request.history is not UNSET:
            raise _bad("history", f"{channel} has none")
        if channel not in self.followed and len(self.held) + len(self.followed) >= self._limits.subscriptions:
            raise self._too_many()
        self.followed[channel] = None
        return SubscribePrivate(request, channel)

    def _unsubscribe(self, request: Unsubscribe) -> UnsubscribeTopics | UnsubscribePrivate:
        if request.gives_only("id"):
            return self._unsubscribe_everything(request)
        channel = _private(request)
        if channel is not None:
            if channel not in self.followed:
                raise Refusal(Code.NOT_SUBSCRIBED, f"not subscribed to {channel}")
            del self.followed[channel]
            return UnsubscribePrivate(request, channel)
        if request.all is True:
            return self._unsubscribe_venue(request)
        choices = {choice.topic: choice for choice in self._choices(request)}
        for topic, choice in choices.items():
            if topic not in self.held:
                raise Refusal(Code.NOT_SUBSCRIBED, f"not subscribed to {_described(choice)}")
        for topic in choices:
            del self.held[topic]
        return UnsubscribeTopics(request, tuple(choices.values()), self._is_minimal(request))

    def _unsubscribe_venue(self, request: Unsubscribe) -> UnsubscribeTopics:
        venue, choices = self._choose_venue(request)
        if venue not in self.followed_venues:
            raise Refusal(Code.NOT_SUBSCRIBED, f"not subscribed to all {venue.channel} of {venue.venue}")
        del self.followed_venues[venue]
        is_left = any(other.venue == venue.venue for other in self.followed_venues)
        unfollowed = frozenset(() if is_left else (venue.venue,))
        held = [choice for choice in choices if self.held.pop(choice.topic, None) is not None]
        return UnsubscribeTopics(request, tuple(held), minimal=False, venue=venue, unfollowed=unfollowed)

    def _unsubscribe_everything(self, request: Unsubscribe) -> UnsubscribeTopics:
        choices, private = tuple(self.held.values()), tuple(self.followed)
        unfollowed = frozenset(venue.venue for venue in self.followed_venues)
        self.held.clear()
        self.followed.clear()
        self.followed_venues.clear()
        return UnsubscribeTopics(
            request,
            choices,
            minimal=False,
            is_everything=True,
            private=private,
            unfollowed=unfollowed,
        )

    def _is_minimal(self, request: Subscribe | Unsubscribe) -> bool:
        return self._default_channel is not None and request.is_minimal()

    def _channel(self, request: Names) -> str:
        channel = request.channel if request.channel is not UNSET else self._default_channel
        if channel is None:
            raise _bad("channel", "missing")
        return channel

    def _choose_venue(self, request: Names) -> tuple[VenueTopics, list[TopicChoice]]:
        """Return the topics of a venue, and those that there are now. What they cost is charged."""
        for name in ("symbol", "symbols"):
            if getattr(request, name) is not UNSET:
                raise _bad(name, "all names the symbols")
        venue = None if request.venue is UNSET else request.venue
        return self._catalogue.choose_venue(self._channel(request), venue, *_options(request))

    def _choices(self, request: Names) -> list[TopicChoice]:
        channel = self._channel(request)
        if request.venue is not UNSET:
            raise _bad("venue", "only with all")
        if request.symbol is not UNSET and request.symbols is not UNSET:
            raise _bad("symbols", "give symbol or symbols, not both")
        options = _options(request)
        if request.symbols is not UNSET:
            if len(request.symbols) > self._limits.subscriptions:
                raise self._too_many()
            return [self._catalogue.choose(channel, symbol, *options) for symbol in request.symbols]
        symbol = None if request.symbol is UNSET else request.symbol
        return [self._catalogue.choose(channel, symbol, *options)]

    def _too_many(self) -> Refusal:
        limit = self._limits.subscriptions
        return Refusal(
            Code.TOO_MANY_SUBSCRIPTIONS,
            f"a connection may hold {limit}",
            {"limit": limit, "held": len(self.held) + len(self.followed)},
        )

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


def _private(request: Names) -> PrivateChannel | None:
    """Return the private channel that the request names, or None. Private channels have no options."""
    channel = None if request.channel is UNSET else PRIVATE_CHANNELS.get(request.channel)
    if channel is not None:
        for name in ("symbol", "symbols", "all", "venue", "depth", "interval", "closed_only"):
            if getattr(request, name) is not UNSET:
                raise _bad(name, f"{channel} has none")
    return channel


def _options(request: Names) -> tuple[int | None, str | None, bool]:
    """Return depth, interval and whether only closed candles are asked for."""
    depth = None if request.depth is UNSET else request.depth
    interval = None if request.interval is UNSET else request.interval
    return depth, interval, request.closed_only is True


def _check_contract(on_slow: OnSlow | UnsetType, contracts: frozenset[OnSlow], channel: str) -> None:
    if on_slow is not UNSET and on_slow not in contracts:
        raise _bad("on_slow", f"{channel} takes {', '.join(sorted(contracts))}")


def _unsubscribe_first(what: str) -> Refusal:
    return Refusal(Code.FORBIDDEN, f"unsubscribe first from {what}: the key may not see it")


def _bad(field: str, message: str) -> Refusal:
    return Refusal(Code.BAD_REQUEST, f"{field}: {message}", {"field": field})


def _described(choice: TopicChoice) -> str:
    """Return the topic in the client's words."""
    topic = choice.topic
    return " ".join(str(part) for part in (topic.channel, choice.asked, topic.option) if part is not None)
