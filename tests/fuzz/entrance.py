"""A gateway's HTTP protocol and WebSocket in process, over connections in memory."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import uvicorn
from msgspec import Struct
from uvicorn.server import ServerState

from floorwire.app import Gateway
from floorwire.config import LimitSettings, Settings
from floorwire.web import create_app
from floorwire.web.http_protocol import HttpProtocol
from floorwire.web.picows_upgrade import PicowsUpgrade
from tests.clocks import SECOND_US, Times
from tests.fuzz.memory_transport import MemoryTransport
from tests.fuzz.stopped_loop import StoppedLoop, settle, settle_all

HOUR_US: Final = 3_600 * SECOND_US
MOST_ANSWERED: Final = 2_000_000
"""Bytes. The largest page of ours is the description of the API."""
STATUS: Final = re.compile(rb"HTTP/1\.1 (\d{3}) [^\r\n]*\r\n")
NOSNIFF: Final = b"\r\nx-content-type-options: nosniff\r\n"
STATUSES: Final = frozenset(
    (
        100,
        101,
        200,
        201,
        204,
        304,
        307,
        400,
        401,
        403,
        404,
        405,
        408,
        411,
        413,
        415,
        421,
        422,
        426,
        429,
        414,
        431,
        503,
    )
)
"""What is ever answered. 500 is a fault of ours, whatever was asked."""


class Talk(Struct):
    """What became of one connection."""

    written: bytes
    is_closed: bool
    """We closed it."""
    waiting_tasks: int
    armed_timers: int

    @property
    def statuses(self) -> list[int]:
        """The statuses that were answered, in order. What follows a 101 is no HTTP."""
        head, upgraded, _ = self.written.partition(b"HTTP/1.1 101 ")
        return [int(found) for found in STATUS.findall(head)] + ([101] if upgraded else [])


class AnsweringGateway(Gateway):
    """Answers though none of its tasks runs."""

    @property
    def is_running(self) -> bool:
        """Return True."""
        return True


class Entrance:
    """A gateway without keys, on loopback. Each connection comes an hour after the one before."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._times = Times()
        limits = LimitSettings(handshakes_per_second=1_000_000)
        settings = Settings(data=str(Path(self._folder.name)), limits=limits, echo=True, journal="memory")
        self.gateway = AnsweringGateway(settings, venues=[], clock=self._times.clock())
        app = create_app(self.gateway)
        self._config = uvicorn.Config(
            app, ws=PicowsUpgrade, log_config=None, access_log=False, date_header=False, server_header=False
        )
        self._config.load()
        self.loop = StoppedLoop()
        self.loop.run_until_complete(self.gateway.desk.open())

    def close(self) -> None:
        """Release the loop and the data folder."""
        self.loop.run_until_complete(self.gateway.desk.close())
        self.loop.close()
        self._folder.cleanup()

    def talk(self, pieces: Sequence[bytes]) -> Talk:
        """Send these pieces on a connection of their own, and end it."""
        self._times.sleep(HOUR_US)
        return self.loop.run_until_complete(self._talk(pieces))

    async def _talk(self, pieces: Sequence[bytes]) -> Talk:
        transport = MemoryTransport()
        protocol = HttpProtocol(self.gateway, self._config, ServerState(), {}, self.loop)
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        waiting = await self._feed(transport, pieces)
        written, is_closed = bytes(transport.written), transport.is_closing()
        talk = Talk(written, is_closed, waiting, len(self.loop.armed()))
        transport.end()
        assert await settle_all() == 0, "a task outlives its connection"
        assert not self.loop.armed(), f"a timer outlives its connection: {self.loop.armed()}"
        self.loop.forget_timers()
        assert self.gateway.admission.admitted == 0, "a connection that is gone is counted"
        return talk

    async def _feed(self, transport: MemoryTransport, pieces: Sequence[bytes]) -> int:
        waiting = await settle()
        for piece in pieces:
            if transport.is_closing():
                break
            transport.feed(piece)
            waiting = await settle()
        return waiting


def check(talk: Talk, loop: StoppedLoop) -> None:
    """Require what holds of every HTTP connection, whatever was sent."""
    assert not loop.broken, loop.broken
    assert len(talk.written) < MOST_ANSWERED, len(talk.written)
    if talk.written:
        assert talk.written.startswith(b"HTTP/1.1 "), talk.written[:80]
    if not talk.is_closed and not talk.waiting_tasks and 101 not in talk.statuses:
        assert talk.armed_timers, "nothing ends this connection"
    protected = [status for status in talk.statuses if status not in (100, 101)]
    assert talk.written.count(NOSNIFF) >= len(protected), "an answer without security headers"
    for status in talk.statuses:
        assert status in STATUSES, talk.written[:200]
