"""The small peers at our end of a wire: the echo, and the one that turns away."""

from __future__ import annotations

import pytest

from floorwire.core.codes import CloseCode
from floorwire.ops.stats import Stats
from floorwire.protocol.frames import BINARY, TEXT, split
from floorwire.web import echo_peer as echo_module
from floorwire.web.echo_peer import EchoPeer
from floorwire.web.rejecting_peer import RejectingPeer


class Sink:
    """A wire that takes what it is told to take."""

    def __init__(self) -> None:
        self.address = "192.0.2.1"
        self.fd = -1
        self.is_blocked = False
        self.takes = True
        self.written: list[bytes] = []
        self.closed: list[tuple[CloseCode, str]] = []

    def write(self, data: bytes) -> bool:
        """Take the data; say whether there is room for more."""
        self.written.append(data)
        return self.takes

    def ping(self) -> bool:
        """Nobody asks."""
        return True

    def defer(self) -> None:
        """Nobody asks."""

    def close(self, code: CloseCode, reason: str) -> None:
        """Note why."""
        self.closed.append((code, reason))


def echoing(sink: Sink) -> EchoPeer:
    """Return an echo on the wire."""
    echo = EchoPeer()
    echo.opened(sink)
    return echo


def test_what_came_together_goes_back_together() -> None:
    sink = Sink()
    echo = echoing(sink)
    echo.received(b"one", False)
    echo.received(b"\x02", True)
    assert sink.written == []
    echo.end_of_read()
    echo.end_of_read()
    assert [list(split(chunk)) for chunk in sink.written] == [[(TEXT, b"one"), (BINARY, b"\x02")]]


def test_what_comes_while_the_peer_does_not_read_waits() -> None:
    sink = Sink()
    sink.takes = False
    echo = echoing(sink)
    for data in (b"one", b"two", b"three"):
        echo.received(data, False)
        echo.end_of_read()
    assert len(sink.written) == 1
    sink.takes = True
    echo.writable()
    assert [payload for _, payload in split(b"".join(sink.written))] == [b"one", b"two", b"three"]


def test_who_never_reads_its_echoes_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(echo_module, "UNREAD_BYTES", 10)
    sink = Sink()
    sink.takes = False
    echo = echoing(sink)
    for _ in range(4):
        echo.received(b"12345", False)
        echo.end_of_read()
    assert sink.closed == [(CloseCode.SLOW_CONSUMER, "echoes are not read")]
    echo.writable()
    assert len(sink.written) == 1, "nothing after the close"


def test_an_echo_that_has_gone_says_nothing() -> None:
    sink = Sink()
    echo = echoing(sink)
    echo.received(b"one", False)
    echo.closed(1006)
    echo.end_of_read()
    assert sink.written == []


def test_who_is_turned_away_is_told_why_and_counted() -> None:
    sink, stats = Sink(), Stats()
    rejecting_peer = RejectingPeer(CloseCode.TOO_MANY_CONNECTIONS, stats)
    rejecting_peer.opened(sink)
    rejecting_peer.received(b'{"action":"ping"}', False)
    rejecting_peer.end_of_read()
    rejecting_peer.peer_is_alive()
    rejecting_peer.writable()
    rejecting_peer.closed(1006)
    assert sink.closed == [(CloseCode.TOO_MANY_CONNECTIONS, "too many connections")]
    assert sink.written == []
    assert stats.closes == {"4029": 1}
