"""The deadlines of an HTTP connection: whatever it waits for, it does not wait for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from enum import Enum, auto
from typing import Final

from floorwire.ops.loop_stalls import MAX_WAITS, LoopStalls

LEAST_READ_BYTES: Final = 65_536
"""A peer that does not read at least this much of a large answer within the timeout is hung up on."""
BODY_GRACE_S: Final = 1.0
"""The app answers a slow body after the timeout (408). The connection ends after it."""


class HttpPhase(Enum):
    """What an HTTP connection waits for."""

    IDLE = auto()
    """The next request."""
    HEAD = auto()
    """The rest of a request's head."""
    BODY = auto()
    """The rest of a request's body."""
    ANSWER = auto()
    """The app, and then the peer, which has to read the answer."""


class HttpDeadline:
    """One timer of one connection. Each phase has ``timeout_s``, whatever comes in between.

    Only the app may take longer, and a peer that goes on reading. To enter a phase costs no timer: the timer
    runs on, and looks at its end what is due.
    """

    __slots__ = (
        "_due_s",
        "_end",
        "_loop",
        "_stalls",
        "_timeout_s",
        "_timer",
        "_transport",
        "_unread_bytes",
        "_waits",
        "phase",
    )

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        transport: asyncio.Transport,
        timeout_s: float,
        end: Callable[[], None],
        stalls: LoopStalls,
    ) -> None:
        """``end``: called when the connection has to end. ``stalls``: those of the event loop."""
        self._loop = loop
        self._transport = transport
        self._timeout_s = timeout_s
        self._end = end
        self._stalls = stalls
        self._waits = 0
        """How often in a row it waited because of a stall."""
        self._unread_bytes = 0
        """What the peer had not read when the timer last ended in this phase. 0: it has not ended yet."""
        self.phase = HttpPhase.IDLE
        self._due_s = loop.time() + timeout_s
        self._timer = loop.call_later(timeout_s, self._on_timer)

    def enter(self, phase: HttpPhase) -> None:
        """Begin a phase, with a deadline of its own."""
        self.phase = phase
        self._unread_bytes = self._waits = 0
        self._due_s = self._loop.time() + self._timeout_s
        if phase is HttpPhase.BODY:
            self._due_s += BODY_GRACE_S

    def stop(self) -> None:
        """The connection has ended, or is a WebSocket."""
        self._timer.cancel()

    def _on_timer(self) -> None:
        now_s = self._loop.time()
        if now_s >= self._due_s:
            wait_s = self._stalls.wait_s(self._due_s, now_s)
            if wait_s > 0 and self._waits < MAX_WAITS:  # What the peer sent meanwhile may be unread.
                self._waits += 1
                self._due_s = now_s + wait_s
                self._timer = self._loop.call_later(wait_s, self._on_timer)
                return
            self._waits = 0
            if not self._may_go_on():
                self._end()
                return
            self._due_s = now_s + self._timeout_s
        self._timer = self._loop.call_later(self._due_s - now_s, self._on_timer)

    def _may_go_on(self) -> bool:
        if self.phase is HttpPhase.HEAD or self.phase is HttpPhase.BODY:
            return False
        before, unread_bytes = self._unread_bytes, self._transport.get_write_buffer_size()
        self._unread_bytes = unread_bytes
        if unread_bytes:
            return not before or unread_bytes <= before - LEAST_READ_BYTES
        return self.phase is HttpPhase.ANSWER and not self._transport.is_closing()
