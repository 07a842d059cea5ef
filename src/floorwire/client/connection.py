"""One connection to a gateway, again and again: it opens, goes on where it was, and waits before a new try.

docs/sdk.md has the picture of its states. ``run`` is its task. Subscriptions and requests outlive a cut: they
are sent once more when it is open again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from enum import Enum, auto
from random import Random
from typing import Final

from floorwire.client.address import Address
from floorwire.client.errors import ClientClosedError, ClientError, ClosedForGoodError
from floorwire.client.event_routes import NOTICES, TOPICS
from floorwire.client.live_subscriptions import NOBODY, LiveSubscriptions
from floorwire.client.pending_requests import PendingRequests, Reply
from floorwire.client.reconnection import Backoff, is_close_for_good, is_refusal_for_good, retry_after_s
from floorwire.client.server_clock import ServerClock
from floorwire.client.transport import HandshakeRefusedError, Link, Transport
from floorwire.protocol.channel_events import ListedNotice, Ticker
from floorwire.protocol.client_codec import UNREADABLE, ClientCodec, UnknownMessageError
from floorwire.protocol.envelopes import AnyRequest
from floorwire.protocol.private_events import FillsSnapshot, OrdersSnapshot
from floorwire.protocol.replies import Pong
from floorwire.protocol.requests import Ping

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
PING_ID: Final = 0
"""Other requests are numbered from 1."""

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
        self.requests = PendingRequests(self._send, self._now_s)
        self.subscriptions = LiveSubscriptions(self.requests, self._now_s)
        self._routes, self._tickers = self.subscriptions.routes, self.subscriptions.tickers
        self._when_open: list[tuple[Callable[[], None], Callable[[ClientError], None]]] = []
        self._decode_plain = codec.decode_plain

    @property
    def url(self) -> str:
        """The address of its WebSocket."""
        return self._address.socket_url

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
        oldest_s = self.requests.oldest_s()
        if self._link is None or self._ended is None or self._ended.done():
            return
        is_reply_lost = oldest_s is not None and now_s - oldest_s > REPLY_S
        if silent_s > LOST_S or is_reply_lost:
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
        self.requests.opened(self._begin)
        waiting, self._when_open = self._when_open, []
        for callback, _ in waiting:
            callback()

    def _begin(self) -> None:
        for request in self.greetings:
            self.requests.tell(request)
        self.subscriptions.opened()

    def _cut(self) -> None:
        self.phase = Phase.WAITING
        self.subscriptions.cut()
        self.requests.cut()

    def _end(self, phase: Phase, error: ClientError) -> None:
        self.phase, self._error = phase, error
        self.requests.end(error)
        self.subscriptions.end(error)
        waiting, self._when_open = self._when_open, []
        for _, fail in waiting:
            fail(error)

    def when_open(self, callback: Callable[[], None], on_error: Callable[[ClientError], None]) -> None:
        """Call back at once if it is open, else when it is."""
        if self._error is not None:
            on_error(self._error)
        elif self.phase is Phase.OPEN:
            callback()
        else:
            self._when_open.append((callback, on_error))

    def _send(self, request: AnyRequest) -> None:
        if self._link is not None:
            self._link.send(self._codec.encode(request))

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
                self.subscriptions.heal(subscription)

    def _rare(self, data: bytes) -> None:
        """Take a message that is no plain event."""
        try:
            message = self._codec.decode(data)
        except UnknownMessageError as error:  # of a newer server; a missing event shows by its seq
            log.warning("%s: %s", self.url, error)
            return
        if isinstance(message, OrdersSnapshot | FillsSnapshot):
            self.subscriptions.snapshot(message)
        elif isinstance(message, ListedNotice):
            self.subscriptions.listed(message)
        elif type(message) in NOTICES:
            self.subscriptions.notice(message)
        elif isinstance(message, Reply):
            self._reply(message)

    def _reply(self, reply: Reply) -> None:
        number = getattr(reply, "id", None)
        if not isinstance(number, int):
            return
        if number == PING_ID:
            if isinstance(reply, Pong):
                self._set_clock(reply)
            return
        self.requests.answered(number, reply)

    def _set_clock(self, pong: Pong) -> None:
        self._clock.measured(pong.ts, _us(self._pinged_s), _us(self._now_s()))
        if self.phase is Phase.CONNECTING:
            self._opened()

    @staticmethod
    def _now_s() -> float:
        return asyncio.get_running_loop().time()


def _us(seconds: float) -> int:
    return round(seconds * 1e6)
