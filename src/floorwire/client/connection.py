"""One connection to a gateway, again and again: it opens, goes on where it was, and waits before a new try.

docs/sdk.md has the picture of its states. ``run`` is its task. Subscriptions and requests outlive a cut: they
are sent once more when it is open again.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping
from enum import Enum, auto
from random import Random
from typing import Final, NamedTuple, TypeAlias

import msgspec

from floorwire.client.address import Address
from floorwire.client.backoff import Backoff
from floorwire.client.endings import is_close_for_good, is_refusal_for_good, retry_after_s
from floorwire.client.errors import ClientClosedError, ClientError, ClosedForGoodError, RequestRefusedError
from floorwire.client.event_routes import NOTICES, TOPICS, notice_topic
from floorwire.client.server_clock import ServerClock
from floorwire.client.subscription import State, Subscription, Topic
from floorwire.client.transport import HandshakeRefusedError, Link, Transport
from floorwire.core.codes import Code
from floorwire.protocol.channel_events import SkippedNotice, Ticker, TradesFeed
from floorwire.protocol.client_codec import UNREADABLE, ClientCodec, ServerMessage, UnknownMessageError
from floorwire.protocol.envelopes import AnyRequest
from floorwire.protocol.market_replies import CandleHistory, TradeHistory
from floorwire.protocol.private_events import FillsSnapshot, OrdersSnapshot
from floorwire.protocol.replies import AnyReply, Error, Pong, Subscribed, TradingReply
from floorwire.protocol.requests import Ping

Reply: TypeAlias = AnyReply | TradingReply
SILENCE_S: Final = 5.0
"""After so long without a message the server is asked for one."""
PING_S: Final = 15.0
"""How often it asks for the server's date at least."""
LOST_S: Final = 10.0
"""After so long without a message the connection is lost."""
REPLY_S: Final = 30.0
"""A reply that has not come by then never will: the connection is ended, and the request sent on the next."""
LOOK_S: Final = 1.0
"""How often it looks at that."""
SUBSCRIBING: Final = 64
"""So many subscriptions wait for their reply at a time."""
LATER_S: Final = 0.5
"""How long a subscription waits that may work later, if the server does not say how long."""
HEAL_S: Final = 1.0
"""A subscription with a fault after another asks again once in so long."""
BACKLOG_AT_A_TIME: Final = 64
"""After a cut so many requests wait for their reply before the next ones are sent again."""
MAX_PENDING: Final = 10_000
"""Requests without a reply."""
PING_ID: Final = 0
NOBODY: Final[list[Subscription]] = []
LATER: Final = frozenset({Code.UNKNOWN_SYMBOL, Code.HISTORY_UNAVAILABLE})
"""Refusals of a subscription that held before: the server has just started, and does not list it yet."""

log = logging.getLogger("floorwire.client")


class Phase(Enum):
    """Where a connection stands. docs/sdk.md has the picture."""

    NEW = auto()
    CONNECTING = auto()
    """Up to the reply to the first ping."""
    OPEN = auto()
    WAITING = auto()
    STOPPED = auto()
    CLOSED = auto()


class PendingRequest(NamedTuple):
    """A request without a reply, and who waits for it."""

    request: AnyRequest
    on_reply: Callable[[Reply], None]
    on_error: Callable[[ClientError], None]
    on_cut: Callable[[], None] | None


class Connection:
    """Owns the subscriptions and requests of one connection."""

    def __init__(
        self,
        address: Address,
        transport: Transport,
        codec: ClientCodec,
        headers: Callable[[], Mapping[str, str]],
        random: Random,
    ) -> None:
        """``headers``: of each handshake, so that a token may be a new one each time."""
        self.phase = Phase.NEW
        self.problem = ""
        """Why the last connection ended, or was not made."""
        self.greetings: list[AnyRequest] = []
        """Requests that each connection begins with; nobody waits for their replies."""
        self._address = address
        self._transport = transport
        self._codec = codec
        self._headers = headers
        self._backoff = Backoff(random)
        self._link: Link | None = None
        self._ended: asyncio.Future[tuple[int, str]] | None = None
        """Of the connection that is open: its close code and reason."""
        self._error: ClientError | None = None
        """Why it is STOPPED or CLOSED."""
        self._is_heard = False
        """Whether a message came since the last look."""
        self._heard_s = 0.0
        """The last look that found one, or the handshake."""
        self._pinged_s = 0.0
        self._clock = ServerClock()
        self._pending: dict[int, PendingRequest] = {}
        self._sent_s: dict[int, float] = {}
        """When a request was sent on the connection that is open, the oldest first."""
        self._backlog: deque[int] = deque()
        """Requests that wait to be sent on this connection, in order."""
        self._next_id = PING_ID
        self._when_open: list[tuple[Callable[[], None], Callable[[ClientError], None]]] = []
        self._subscriptions: dict[Topic, tuple[Subscription, Callable[[ClientError], None]]] = {}
        self._routes: dict[tuple[str, str | None, int | str | None, bool], list[Subscription]] = {}
        """Topic as the server names it -> its subscriptions, one for each way in which it was written."""
        self._tickers: dict[str, list[Subscription]] = {}
        """The same of the channel ``ticker``, by the symbol alone."""
        self._wanted: deque[Subscription] = deque()
        self._repeats: set[Topic] = set()
        """Topics whose state has to come once more, for a reader that came later."""
        self._subscribing: set[Topic] = set()
        """Those that wait for their reply on this connection."""
        self._paused_until_s = 0.0
        self._healed_s: dict[Topic, float] = {}
        """When a subscription asked again, because an event was missing or a book was wrong."""
        self._decode_plain = codec.decode_plain

    @property
    def url(self) -> str:
        """The address of its WebSocket."""
        return self._address.socket_url

    @property
    def subscription_count(self) -> int:
        """How many topics it has."""
        return len(self._subscriptions)

    @property
    def server_us(self) -> int:
        """The date by the server's clock, as far as it is known. It must have been open once."""
        return self._clock.date_us(_us(self._now_s()))

    @property
    def least_server_us(self) -> int:
        """A date that the server's clock has reached for certain. It must have been open once."""
        return self._clock.least_us(_us(self._now_s()))

    # --- its life ----------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Keep it open until it is stopped for good, or this task is cancelled."""
        try:
            while self.phase is not Phase.STOPPED:
                wait_s = await self._live_once()
                if self._error is None:
                    self.phase = Phase.WAITING
                    await asyncio.sleep(self._backoff.next_s(wait_s))
        except Exception as error:  # everybody who waits is told; the next line would leave them waiting
            log.exception("%s: a fault of the client", self.url)
            self._end(Phase.STOPPED, ClientError(f"a fault of the client: {error!r}"))
        finally:
            if self._error is None:
                self._end(Phase.CLOSED, ClientClosedError("the client was closed"))
            if self._link is not None:
                self._link.close()

    async def _live_once(self) -> float:
        """Connect, and stay until that ends. Return how long the server wants to be left alone."""
        self.phase = Phase.CONNECTING
        self._ended = asyncio.get_running_loop().create_future()
        try:
            self._link = await self._transport.connect(self._address, self._headers(), self._codec, self)
        except HandshakeRefusedError as error:
            self.problem = error.reason
            log.info("%s: %s", self.url, error.reason)
            if is_refusal_for_good(error.status):
                self._end(Phase.STOPPED, ClosedForGoodError(error.status, error.reason))
            return retry_after_s(error.retry_after)
        self._heard_s = self._now_s()
        self._ping()
        try:
            while not self._ended.done():
                await asyncio.wait({self._ended}, timeout=LOOK_S)
                self._look()
        finally:
            link, self._link = self._link, None
            if not self._ended.done():
                link.close()
            self._cut()
        code, reason = self._ended.result()
        self.problem = f"closed with {code} {reason}".rstrip()
        log.info("%s: %s", self.url, self.problem)
        if is_close_for_good(code):
            self._end(Phase.STOPPED, ClosedForGoodError(code, reason))
        return 0.0

    def on_closed(self, code: int, reason: str) -> None:
        """Take the end of the connection."""
        if self._ended is not None and not self._ended.done():
            self._ended.set_result((code, reason))

    def _look(self) -> None:
        """Ask a silent server for a message; end a connection that is lost."""
        now_s = self._now_s()
        if self._is_heard:
            self._is_heard, self._heard_s = False, now_s
        silent_s = now_s - self._heard_s
        oldest_s = next(iter(self._sent_s.values()), now_s)
        if self._link is None or self._ended is None or self._ended.done():
            return
        if silent_s > LOST_S or now_s - oldest_s > REPLY_S:
            self._link.abort()
            self.on_closed(1006, "no answer")
        elif silent_s > SILENCE_S or now_s - self._pinged_s > PING_S:
            self._ping()

    def _ping(self) -> None:
        self._pinged_s = self._now_s()
        self._send(Ping(id=PING_ID))

    def _opened(self) -> None:
        self.phase = Phase.OPEN
        self.problem = ""
        self._backoff.reset()
        unanswered = list(self._pending)
        for request in self.greetings:
            self.ask(request, _ignore_reply, _ignore_error)
        self._wanted.extend(subscription for subscription, _ in self._subscriptions.values())
        self._send_wanted()
        self._backlog.extend(unanswered)
        self._send_backlog()
        waiting, self._when_open = self._when_open, []
        for callback, _ in waiting:
            callback()

    def _cut(self) -> None:
        """Note that all that was sent may be lost."""
        self.phase = Phase.WAITING
        self._sent_s.clear()
        self._backlog.clear()
        self._wanted.clear()
        self._subscribing.clear()
        self._paused_until_s = 0.0
        for subscription, _ in self._subscriptions.values():
            subscription.cut()
        for number, pending in list(self._pending.items()):
            if pending.on_error is _ignore_error:
                del self._pending[number]
            elif pending.on_cut is not None:
                pending.on_cut()

    def _end(self, phase: Phase, error: ClientError) -> None:
        self.phase, self._error = phase, error
        pending, self._pending = self._pending, {}
        for request in pending.values():
            request.on_error(error)
        for _, end in list(self._subscriptions.values()):
            end(error)
        waiting, self._when_open = self._when_open, []
        for _, fail in waiting:
            fail(error)

    # --- requests ----------------------------------------------------------------------------------------

    def when_open(self, callback: Callable[[], None], on_error: Callable[[ClientError], None]) -> None:
        """Call back at once if it is open, else when it is."""
        if self._error is not None:
            on_error(self._error)
        elif self.phase is Phase.OPEN:
            callback()
        else:
            self._when_open.append((callback, on_error))

    def ask(
        self,
        request: AnyRequest,
        on_reply: Callable[[Reply], None],
        on_error: Callable[[ClientError], None],
        on_cut: Callable[[], None] | None = None,
    ) -> None:
        """Send a request, now or when it is open, and again after each cut, until there is a reply.

        ``on_cut`` is called when the connection was lost before the reply.
        """
        if self._error is not None:
            on_error(self._error)
            return
        if len(self._pending) >= MAX_PENDING:
            on_error(ClientError(f"{MAX_PENDING} requests wait for a reply"))
            return
        self._next_id += 1
        number = self._next_id
        request = msgspec.structs.replace(request, id=number)
        self._pending[number] = PendingRequest(request, on_reply, on_error, on_cut)
        if self.phase is Phase.OPEN:
            if self._backlog:
                self._backlog.append(number)
            else:
                self._transmit(number)

    async def reply(self, request: AnyRequest) -> Reply:
        """Send a request as ``ask`` does; return the reply. Raises RequestRefusedError, ClientError."""
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()

        def take(reply: Reply) -> None:
            if not future.done():
                future.set_result(reply)

        def fail(error: ClientError) -> None:
            if not future.done():
                future.set_exception(error)

        self.ask(request, take, fail)
        reply = await future
        if isinstance(reply, Error):
            raise RequestRefusedError(reply)
        return reply

    def _send_backlog(self) -> None:
        """Send requests of the last connection again, some at a time: all at once may never be answered."""
        while self._backlog and len(self._sent_s) < BACKLOG_AT_A_TIME:
            number = self._backlog.popleft()
            if number in self._pending:
                self._transmit(number)

    def _transmit(self, number: int) -> None:
        self._sent_s[number] = self._now_s()
        self._send(self._pending[number].request)

    def _send(self, request: AnyRequest) -> None:
        if self._link is not None:
            self._link.send(self._codec.encode(request))

    # --- subscriptions -----------------------------------------------------------------------------------

    def subscribe(self, subscription: Subscription, end: Callable[[ClientError], None]) -> None:
        """Keep a subscription from now on. ``end`` is called if it is refused, or the connection stops."""
        if self._error is not None:
            end(self._error)
            return
        self._subscriptions[subscription.topic] = (subscription, end)
        self._want(subscription)

    def repeat_state(self, subscription: Subscription) -> None:
        """Let the state of a subscription come once more: now, or when it is live again."""
        self._repeats.add(subscription.topic)
        if self.phase is Phase.OPEN and subscription.state is State.LIVE:
            self._repeat(subscription)

    def _repeat(self, subscription: Subscription) -> None:
        request = subscription.ask_for_state()
        number = subscription.request_count

        def take(reply: Reply) -> None:
            if number == subscription.request_count:
                self._repeats.discard(subscription.topic)
                self._subscribed(subscription, reply)

        self.ask(request, take, _ignore_error)

    def unsubscribe(self, subscription: Subscription) -> None:
        """Keep a subscription no longer."""
        if self._subscriptions.pop(subscription.topic, None) is None:
            return
        self._healed_s.pop(subscription.topic, None)
        self._repeats.discard(subscription.topic)
        shared = self._routes.get(subscription.name, [])
        if subscription in shared:
            shared.remove(subscription)
        was_sent = subscription.state in (State.LIVE, State.REQUESTED)
        request = subscription.end()
        if was_sent and not shared and self.phase is Phase.OPEN:
            self.ask(request, _ignore_reply, _ignore_error)
        if not shared:
            self._routes.pop(subscription.name, None)
            if subscription.name.channel == "ticker":
                self._tickers.pop(subscription.name.symbol or "", None)

    def _want(self, subscription: Subscription) -> None:
        self._wanted.append(subscription)
        self._send_wanted()

    def _heal(self, subscription: Subscription) -> None:
        """Ask again for what is missing: at once, or after a second where that was done a moment ago."""
        now_s = self._now_s()
        last_s = self._healed_s.get(subscription.topic, -HEAL_S)
        self._healed_s[subscription.topic] = now_s
        if now_s - last_s >= HEAL_S:
            self._want(subscription)
        else:
            asyncio.get_running_loop().call_later(HEAL_S, self._want, subscription)

    def _send_wanted(self) -> None:
        if self.phase is not Phase.OPEN or self._now_s() < self._paused_until_s:
            return
        while self._wanted and len(self._subscribing) < SUBSCRIBING:
            subscription = self._wanted.popleft()
            if subscription.state is State.WANTED:
                self._subscribing.add(subscription.topic)
                self._request(subscription)

    def _request(self, subscription: Subscription) -> None:
        request = subscription.request()
        number = subscription.request_count

        def take(reply: Reply) -> None:
            self._subscribing.discard(subscription.topic)
            if number == subscription.request_count:
                self._subscribed(subscription, reply)
            if subscription.topic in self._repeats and subscription.state is State.LIVE:
                self._repeat(subscription)
            self._send_wanted()

        self.ask(request, take, _ignore_error)

    def _subscribed(self, subscription: Subscription, reply: Reply) -> None:
        if subscription.state is State.ENDED:
            return
        if isinstance(reply, Subscribed):
            subscription.confirmed(reply)
            shared = self._routes.setdefault(subscription.name, [])
            if subscription not in shared:
                shared.append(subscription)
            if subscription.name.channel == "ticker":
                self._tickers[subscription.name.symbol or ""] = shared
        elif isinstance(reply, Error):
            self._was_refused(subscription, reply)

    def _was_refused(self, subscription: Subscription, error: Error) -> None:
        if error.retry or (subscription.epoch and error.code in LATER):
            subscription.cut()
            wait_s = error.retry_after_ms / 1_000 if error.retry_after_ms else LATER_S
            self._paused_until_s = max(self._paused_until_s, self._now_s() + wait_s)
            self._wanted.append(subscription)
            asyncio.get_running_loop().call_at(self._paused_until_s, self._send_wanted)
            return
        subscription.refused()
        _, end = self._subscriptions.pop(subscription.topic)
        end(RequestRefusedError(error))

    # --- what comes --------------------------------------------------------------------------------------

    def on_message(self, data: bytes) -> None:
        """Take one message."""
        self._is_heard = True
        try:
            event = self._decode_plain(data)
        except UNREADABLE:
            self._rare(data)
            return
        if type(event) is Ticker:  # the most of all, so it goes the shortest way
            subscriptions = self._tickers.get(event.symbol, NOBODY)
        else:
            subscriptions = self._routes.get(TOPICS[type(event)](event), NOBODY)
        for subscription in subscriptions:
            if not subscription.receive(event):
                self._heal(subscription)

    def _rare(self, data: bytes) -> None:
        """Take a message that is no plain event."""
        try:
            message = self._codec.decode(data)
        except UnknownMessageError as error:  # of a newer server; a missing event shows by its seq
            log.warning("%s: %s", self.url, error)
            return
        if isinstance(message, OrdersSnapshot | FillsSnapshot):
            for subscription in self._routes.get(TOPICS[type(message)](message), NOBODY):
                subscription.receive(message)
        elif type(message) in NOTICES:
            self._notice(message)
        elif isinstance(message, Reply):
            self._reply(message)

    def _notice(self, message: ServerMessage) -> None:
        topic = notice_topic(message)
        for subscription in self._routes.get(topic, ()):
            if isinstance(message, TradeHistory | CandleHistory):
                subscription.past(message)
            elif isinstance(message, SkippedNotice | TradesFeed) and not subscription.skipped(message):
                self._heal(subscription)

    def _reply(self, reply: Reply) -> None:
        number = getattr(reply, "id", None)
        if not isinstance(number, int):
            return
        if number == PING_ID:
            if isinstance(reply, Pong):
                self._set_clock(reply)
            return
        pending = self._pending.pop(number, None)
        self._sent_s.pop(number, None)
        if pending is not None:
            pending.on_reply(reply)
        if self._backlog:
            self._send_backlog()

    def _set_clock(self, pong: Pong) -> None:
        self._clock.measured(pong.ts, _us(self._pinged_s), _us(self._now_s()))
        if self.phase is Phase.CONNECTING:
            self._opened()

    @staticmethod
    def _now_s() -> float:
        return asyncio.get_running_loop().time()


def _us(seconds: float) -> int:
    return round(seconds * 1e6)


def _ignore_reply(_: Reply) -> None:
    """Nobody waits for it."""


def _ignore_error(_: ClientError) -> None:
    """Nobody waits for it. After a cut, such a request is not sent again."""
