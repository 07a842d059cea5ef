"""A gateway without sockets: the hub with its real channels, connections on wires that a test plays.

Time stands still and turns end only when the test says so.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from fcntl import F_SETPIPE_SZ, fcntl
from typing import TypeAlias

import msgspec

from floorwire import channels
from floorwire.access.authenticator import Authenticator
from floorwire.clock import Clock as ProcessClock
from floorwire.core.codes import CloseCode
from floorwire.core.market_events import FeedStatus, Listing, MarketEvent, VenueTime
from floorwire.core.market_history import MarketHistory
from floorwire.hub.connection import Connection
from floorwire.hub.hub import Hub
from floorwire.hub.liveness import Liveness, PingTiming
from floorwire.hub.market_subscriptions import MarketSubscriptions
from floorwire.ops.stats import Stats
from floorwire.protocol.codec import JSON, Codec
from floorwire.protocol.frames import split
from floorwire.protocol.session import Session, SessionLimits
from tests.hub.no_desk import NoDesk
from tests.scripted import SYMBOLS, events, listing, snapshot

START_US = 1_800_000_000_000_000
SECOND_US = 1_000_000
VENUE = "scripted"
WATCH = PingTiming(interval_us=20 * SECOND_US, timeout_us=10 * SECOND_US)

JsonValue: TypeAlias = "dict[str, JsonValue] | list[JsonValue] | str | int | bool | None"
Message: TypeAlias = dict[str, JsonValue]


class HubHarness:
    """One hub with the scripted symbols, their books open, at a time that the test moves."""

    def __init__(
        self,
        authenticator: Authenticator,
        resume_bytes: int = 1_000_000,
        resume_us: int = 60 * SECOND_US,
        history: MarketHistory | None = None,
    ) -> None:
        self._history = history
        self.now_us = START_US
        self.step_us = 0
        """By how much the system's clock was set ahead or back."""
        self.counts = dict.fromkeys(SYMBOLS, 0)
        self._authenticator = authenticator
        self._resume_bytes, self._resume_us = resume_bytes, resume_us
        self._epochs = self._lots = 0
        self.restart()

    def restart(self) -> None:
        """Begin with an empty hub: another epoch, nothing kept. Connections are to be cut before."""
        self._epochs += 1
        self._due: list[Callable[[], None]] = []
        self.stats = Stats()
        self.liveness = Liveness(WATCH, jitter=lambda: 0.5)
        self.hub = Hub(
            channels.discover(),
            epoch=f"epoch{self._epochs}",
            resume_bytes=self._resume_bytes,
            resume_us=self._resume_us,
            clock=ProcessClock(lambda: self.now_us * 1000, lambda: (self.now_us + self.step_us) * 1000),
            at_turn_end=self._at_turn_end,
            stats=self.stats,
            history=self._history,
        )
        self._market_subscriptions = MarketSubscriptions(self.hub)
        books = [snapshot(symbol, self.now_us) for symbol in SYMBOLS]
        self.publish(Listing(tuple(map(listing, SYMBOLS)), self.now_us), *books)
        self.publish(FeedStatus(None, "live", "synced", self.now_us))
        self.end_turn()

    def _at_turn_end(self, callback: Callable[[], None]) -> None:
        self._due.append(callback)

    def publish(self, *happened: MarketEvent) -> None:
        """Let the venue say something."""
        self.hub.publish(VENUE, happened, self.now_us)

    def tick(self, symbol: str = "BTC-USDT", times: int = 1) -> None:
        """Let the symbol quote, trade and move its book."""
        for _ in range(times):
            self.counts[symbol] += 1
            self.publish(VenueTime(self.now_us), *events(symbol, self.counts[symbol], self.now_us))

    def change_steps(self, symbol: str = "BTC-USDT") -> None:
        """Let the symbol trade in other lots from now on."""
        self._lots += 1
        instrument = msgspec.structs.replace(listing(symbol), lot_size=f"0.{self._lots}")
        self.publish(Listing((instrument,), self.now_us), snapshot(symbol, self.now_us))

    def end_turn(self) -> None:
        """Let what the event loop would call at the end of its turn happen."""
        due, self._due = self._due, []
        for callback in due:
            callback()

    def connect(
        self,
        codec: Codec = JSON,
        default_channel: str | None = None,
        outbox_bytes: int = 1_000_000,
        wire: type[FakeWire] | None = None,
    ) -> FakeWire:
        """Return the client's end of a new connection."""
        limits = SessionLimits(commands_per_second=1_000_000, subscriptions=100)
        session = Session(codec, default_channel, self.hub.market, limits)
        connection = Connection(
            self.hub,
            session,
            self.liveness,
            self._authenticator,
            NoDesk(),
            self._market_subscriptions,
            outbox_bytes,
        )
        return (wire or FakeWire)(connection)


class FakeWire:
    """A wire whose peer reads when the test says so: once ``room`` is used up, what is written waits."""

    fd = -1
    is_blocked = False

    def __init__(self, connection: Connection) -> None:
        self.address = "192.0.2.1"
        self.connection = connection
        self.room: int | None = None
        """Bytes that are taken before the next write has to wait; None: any number."""
        self.code: int | None = None
        """The close code, once the gateway closed."""
        self.pings = 0
        self._is_deferring = False
        self._waiting = b""
        self._read = b""
        connection.opened(self)

    # --- what the gateway asks: floorwire.hub.peer.Wire ---

    def write(self, data: bytes) -> bool:
        """Take the data, or let it wait."""
        assert self.code is None, "written after the close"
        assert not self._waiting, "written before writable was called"
        self._waiting = data[self._take(data) :]
        return not self._waiting

    def _take(self, data: bytes) -> int:
        if self.room is not None and len(data) > self.room:
            return 0
        self.room = None if self.room is None else self.room - len(data)
        self._read += data
        return len(data)

    def ping(self) -> bool:
        """Count it."""
        self.pings += 1
        return True

    def defer(self) -> None:
        """Let the rest of a long request's work be done at the end of the message."""
        self._is_deferring = True

    def close(self, code: CloseCode, reason: str) -> None:
        """Record the close code. Written data goes first."""
        self.code = int(code)
        self._read += self._waiting
        self._waiting = b""

    # --- what the client does ---

    def ask(self, action: str, **fields: object) -> None:
        """Send a request."""
        request = {"action": action, **fields}
        binary = self.connection.codec.binary
        data = msgspec.msgpack.encode(request) if binary else msgspec.json.encode(request)
        self.connection.received(data, binary)
        while self._is_deferring:
            self._is_deferring = self.connection.work()
        self.connection.end_of_read()

    def drain(self, room: int | None = None) -> None:
        """Read what waits, and then so many bytes more."""
        self.room = room
        if self._waiting:
            self._read += self._waiting
            self._waiting = b""
            self.connection.writable()

    def unread_bytes(self) -> int:
        """Return how much was taken since the last call of ``messages``."""
        return len(self._read)

    def waiting_bytes(self) -> int:
        """Return how much was written and waits for the peer to read."""
        return len(self._waiting)

    def messages(self) -> list[Message]:
        """Return what was read since the last call; of a message that was cut, nothing."""
        read, self._read = whole(self._read)
        decode = msgspec.msgpack.decode if self.connection.codec.binary else msgspec.json.decode
        return [decode(payload) for _, payload in split(read)]

    def cut(self) -> None:
        """Vanish: what waits is lost."""
        self._waiting = b""
        if self.code is None:
            self.code = int(CloseCode.ABNORMAL)
            self.connection.closed(self.code)


class PipeWire(FakeWire):
    """The same over a small pipe, which the hub may write straight to; the peer reads only when drained."""

    PIPE_BYTES = 4096

    def __init__(self, connection: Connection) -> None:
        self._reader, self.fd = os.pipe()
        for end in (self._reader, self.fd):
            os.set_blocking(end, False)
        fcntl(self.fd, F_SETPIPE_SZ, self.PIPE_BYTES)
        super().__init__(connection)

    def _take(self, data: bytes) -> int:
        try:
            return os.write(self.fd, data)
        except BlockingIOError:
            return 0

    def _empty(self) -> None:
        with suppress(BlockingIOError):
            while data := os.read(self._reader, self.PIPE_BYTES):
                self._read += data

    def close(self, code: CloseCode, reason: str) -> None:
        """Record the close code, after all written data."""
        self._empty()
        super().close(code, reason)

    def drain(self, room: int | None = None) -> None:
        """Read everything that there is to read."""
        while self.code is None:
            self._empty()
            if not self._waiting:
                return
            self._waiting = self._waiting[self._take(self._waiting) :]
            if not self._waiting:
                self.connection.writable()

    def messages(self) -> list[Message]:
        """Return what was read since the last call; the peer of a pipe reads only when drained."""
        if self.code is not None:
            self._shut()
        return super().messages()

    def cut(self) -> None:
        """Vanish; the descriptor's number may be another's next."""
        super().cut()
        self._shut()

    def _shut(self) -> None:
        if self.fd >= 0:
            os.close(self.fd)
            os.close(self._reader)
            self.fd = -1


def whole(data: bytes) -> tuple[bytes, bytes]:
    """Return the whole frames at the beginning of the data, and the rest."""
    end = 0
    while end + 2 <= len(data):
        size, head = data[end + 1], 2
        if size >= 126:
            head = 4 if size == 126 else 10
            size = int.from_bytes(data[end + 2 : end + head], "big")
        if end + head + size > len(data):
            break
        end += head + size
    return data[:end], data[end:]


def plain(messages: Sequence[Message]) -> list[Message]:
    """Return the messages without their times, which do not matter to most tests."""
    times = {"ts", "recv", "sent"}
    return [{name: value for name, value in message.items() if name not in times} for message in messages]
