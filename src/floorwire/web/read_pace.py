"""When one connection is read.

Reading of a WebSocket pauses while its frames wait, or while its frame budget is spent (``ReadPace``).
Reading of HTTP pauses while enough waits to be parsed (``ReadHold``).
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from uvicorn.protocols.http.flow_control import FlowControl

from floorwire.protocol.frame_budget import FrameBudget


class PausableReader(Protocol):
    """The reading of one connection."""

    def pause_reading(self) -> None:
        """Read no more."""
        ...

    def resume_reading(self) -> None:
        """Read on."""
        ...

    def is_closing(self) -> bool:
        """Return whether the connection ends."""
        ...


class ReadPace:
    """Pauses and resumes the reading of one connection, and owns the timer of a pause."""

    __slots__ = ("_budget", "_reading", "_timer", "is_paused")

    def __init__(self, reading: PausableReader) -> None:
        self._reading = reading
        self._budget = FrameBudget()
        self._timer: asyncio.TimerHandle | None = None
        self.is_paused = False

    def pause(self) -> None:
        """Read no more."""
        self.is_paused = True
        self._reading.pause_reading()

    def resume(self) -> None:
        """Read on."""
        self.stop_timer()
        if self.is_paused and not self._reading.is_closing():
            self.is_paused = False
            self._reading.resume_reading()

    def resume_in_budget(self, frames: int) -> None:
        """Charge for frames that came. Read on when the budget allows it, now or later."""
        loop = asyncio.get_running_loop()
        wait_us = self._budget.charge(frames, int(loop.time() * 1_000_000)) if frames else 0
        if not wait_us:
            self.resume()
        elif self._timer is None:
            self.pause()
            self._timer = loop.call_later(wait_us / 1_000_000, self.resume)

    def stop_timer(self) -> None:
        """Stop the timer: the connection is gone, or reading goes on."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class ReadHold(FlowControl):
    """uvicorn's flow control. While it holds, uvicorn cannot resume reading: it would after each answer."""

    _is_held = False

    def hold(self) -> None:
        """Stop reading."""
        self._is_held = True
        self.pause_reading()

    def release(self) -> None:
        """Read again."""
        if self._is_held:
            self._is_held = False
            self.resume_reading()

    def resume_reading(self) -> None:
        """Read again, unless held."""
        if not self._is_held:
            super().resume_reading()
