"""The requests of one connection that have no reply yet. After a cut they are sent once more."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final, NamedTuple, TypeAlias

import msgspec

from floorwire.client.errors import ClientError, RequestRefusedError
from floorwire.protocol.envelopes import AnyRequest
from floorwire.protocol.replies import AnyReply, Error, TradingReply

Reply: TypeAlias = AnyReply | TradingReply
BACKLOG_AT_A_TIME: Final = 64
"""After a cut so many requests wait for their reply before the next ones are sent again."""
MAX_PENDING: Final = 10_000
"""Requests without a reply. More are refused."""


class PendingRequest(NamedTuple):
    """A request without a reply, and who waits for it."""

    request: AnyRequest
    on_reply: Callable[[Reply], None]
    on_error: Callable[[ClientError], None] | None
    """None: nobody waits for the reply. After a cut it is not sent again."""
    on_cut: Callable[[], None] | None


class PendingRequests:
    """Numbers requests from 1, sends them, and gives each reply to who waits for it."""

    def __init__(self, send: Callable[[AnyRequest], None], now_s: Callable[[], float]) -> None:
        self._send = send
        self._now_s = now_s
        self._is_open = False
        self._error: ClientError | None = None
        """Why nothing can be sent any more."""
        self._pending: dict[int, PendingRequest] = {}
        self._sent_s: dict[int, float] = {}
        """When a request was sent on the connection that is open, the oldest first."""
        self._backlog: deque[int] = deque()
        """Requests that wait to be sent on this connection, in order."""
        self._last = 0

    def oldest_s(self) -> float | None:
        """Return when the oldest request that waits for its reply on this connection was sent."""
        return next(iter(self._sent_s.values()), None)

    def ask(
        self,
        request: AnyRequest,
        on_reply: Callable[[Reply], None],
        on_error: Callable[[ClientError], None] | None,
        on_cut: Callable[[], None] | None = None,
    ) -> None:
        """Send a request, now or when the connection is open; after each cut again, until there is a reply.

        ``on_error`` None: only on the connection that is open now. ``on_cut`` is called when the connection
        was lost before the reply.
        """
        error = self._error
        if error is None and len(self._pending) >= MAX_PENDING:
            error = ClientError(f"{MAX_PENDING} requests wait for a reply")
        if error is not None:
            if on_error is not None:
                on_error(error)
            return
        self._last += 1
        number = self._last
        request = msgspec.structs.replace(request, id=number)
        self._pending[number] = PendingRequest(request, on_reply, on_error, on_cut)
        if self._is_open:
            if self._backlog:
                self._backlog.append(number)
            else:
                self._transmit(number)

    def tell(self, request: AnyRequest) -> None:
        """Send a request on the connection that is open; nobody waits for the reply."""
        self.ask(request, _ignore, None)

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

    def answered(self, number: int, reply: Reply) -> None:
        """Give a reply to who waits for it, if somebody does."""
        pending = self._pending.pop(number, None)
        self._sent_s.pop(number, None)
        if pending is not None:
            pending.on_reply(reply)
        if self._backlog:
            self._send_backlog()

    def opened(self, first: Callable[[], None]) -> None:
        """The connection is open: send what ``first`` asks for, then once more what had no reply."""
        unanswered = list(self._pending)
        self._is_open = True
        first()
        self._backlog.extend(unanswered)
        self._send_backlog()

    def cut(self) -> None:
        """Note that all that was sent may be lost."""
        self._is_open = False
        self._sent_s.clear()
        self._backlog.clear()
        for number, pending in list(self._pending.items()):
            if pending.on_error is None:
                del self._pending[number]
            elif pending.on_cut is not None:
                pending.on_cut()

    def end(self, error: ClientError) -> None:
        """Nothing is sent any more. Everybody who waits is told."""
        self._is_open, self._error = False, error
        pending, self._pending = self._pending, {}
        for request in pending.values():
            if request.on_error is not None:
                request.on_error(error)

    def _send_backlog(self) -> None:
        """Send requests of the last connection again, some at a time: all at once may never be answered."""
        while self._backlog and len(self._sent_s) < BACKLOG_AT_A_TIME:
            number = self._backlog.popleft()
            if number in self._pending:
                self._transmit(number)

    def _transmit(self, number: int) -> None:
        self._sent_s[number] = self._now_s()
        self._send(self._pending[number].request)


def _ignore(_: Reply) -> None:
    """Nobody waits for it."""
