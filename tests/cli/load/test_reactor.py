"""Which handlers the reactor calls, how often, and for how long."""

from __future__ import annotations

import resource
import socket
from collections.abc import Iterator

import pytest

from floorwire.cli.load.reactor import Reactor, TooManyFilesError, raise_open_file_limit


@pytest.fixture
def reactor() -> Iterator[Reactor]:
    made = Reactor()
    yield made
    made.close()


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


@pytest.mark.parametrize("patient", [False, True])
def test_calls_the_handler_until_all_bytes_are_read(
    reactor: Reactor, pair: tuple[socket.socket, socket.socket], patient: bool
) -> None:
    ours, theirs = pair
    seen: list[bytes] = []
    theirs.send(b"abc")
    reactor.when_readable(ours, lambda: seen.append(ours.recv(1)), patient)
    reactor.run(10, lambda: len(seen) == 3)
    reactor.run(0.03)
    assert seen == [b"a", b"b", b"c"]


def test_calls_the_handler_at_the_end_after_the_last_bytes(
    reactor: Reactor, pair: tuple[socket.socket, socket.socket]
) -> None:
    ours, theirs = pair
    seen: list[bytes] = []
    theirs.send(b"abc")
    theirs.close()
    reactor.when_readable(ours, lambda: seen.append(ours.recv(10)))
    reactor.run(10, lambda: len(seen) == 2)
    assert seen == [b"abc", b""]


def test_calls_the_latest_handler(reactor: Reactor, pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    calls: list[str] = []
    reactor.when_writable(ours, lambda: calls.append("writable"))
    reactor.run(10, lambda: bool(calls))
    reactor.when_readable(ours, lambda: calls.append("readable"))
    theirs.send(b"x")
    reactor.run(10, lambda: calls[-1] == "readable")
    reactor.unregister(ours)
    reactor.run(0.03)
    assert calls.count("readable") == 1


def test_an_unregistered_socket_is_not_called_in_the_same_poll(reactor: Reactor) -> None:
    pairs = [socket.socketpair() for _ in range(2)]
    calls: list[int] = []

    def forget_both() -> None:
        calls.append(1)
        for ours, _ in pairs:
            reactor.unregister(ours)

    for ours, theirs in pairs:
        theirs.send(b"x")
        reactor.when_readable(ours, forget_both)
    reactor.run(0.03)
    for ours, theirs in pairs:
        ours.close()
        theirs.close()
    assert calls == [1]


def test_raises_the_limit_of_open_files_as_far_as_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    limits: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1024, 4096))
    monkeypatch.setattr(resource, "setrlimit", lambda _, both: limits.append(both))
    raise_open_file_limit(100)
    assert limits == []
    raise_open_file_limit(2000)
    assert limits == [(2032, 4096)]
    with pytest.raises(TooManyFilesError, match="the limit is 4096"):
        raise_open_file_limit(4090)
