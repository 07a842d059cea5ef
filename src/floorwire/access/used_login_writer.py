"""Writes which signed logins were used, in a thread, before a login counts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeAlias

import structlog

from floorwire.auth.replay_cache import UsedLogins
from floorwire.storage.login_mark import LoginMark

WhenWritten: TypeAlias = Callable[[bool], None]
"""Called when the logins so far are durable, or with False when they could not be written."""

log = structlog.get_logger("floorwire.logins")


class UsedLoginWriter:
    """Group commit: one write makes all logins durable that came while the last one was under way.

    A connection waits for one login at a time, so no more wait than there are connections.
    """

    def __init__(self, mark: LoginMark, used_logins: Callable[[], UsedLogins]) -> None:
        """``used_logins`` returns the state to write."""
        self._mark = mark
        self._used_logins = used_logins
        self._waiting: list[WhenWritten] = []
        self._has_work = asyncio.Event()
        self._is_well = True

    def wait(self, when_written: WhenWritten) -> None:
        """Have the logins so far written. ``when_written`` is called in a later turn of the event loop."""
        self._waiting.append(when_written)
        self._has_work.set()

    async def run(self) -> None:
        """Write until cancelled. Who still waits then is not told: the server stops."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                await self._has_work.wait()
                self._has_work.clear()
                waiting, self._waiting = self._waiting, []
                is_written = await self._write(self._used_logins())
                for when_written in waiting:
                    loop.call_soon(when_written, is_written)
        finally:
            self._mark.close()

    async def _write(self, used: UsedLogins) -> bool:
        try:
            await asyncio.to_thread(self._mark.write, used)
        except OSError as error:
            if self._is_well:
                log.error("signed logins are refused: they cannot be written", error=str(error))
            self._is_well = False
            return False
        self._is_well = True
        return True
