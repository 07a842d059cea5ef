"""The reactor's promises: whom it calls, how often, and for how long."""

from __future__ import annotations

import resource
import socket
from collections.abc import Iterator

import pytest

from floorwire.cli.load.reactor import Reactor, TooManyFilesError, allow_files


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
def test_tells_of_new_bytes_once(
    reactor: Reactor, pair: tuple[socket.socket, socket.socket], patient: bool
) -> None:
    ours, theirs = pair
    calls: list[int] = []
    reactor.when_readable(ours, lambda: calls.append(len(calls)), patient)
    theirs.send(b"x")
    reactor.run(10, lambda: bool(calls))
    reactor.run(0.03)
    assert len(calls) == 1
    theirs.send(b"y")
    reactor.run(10, lambda: len(calls) == 2)
    assert len(calls) == 2


def test_tells_again_of_what_was_left_where_asked_again(
    reactor: Reactor, pair: tuple[socket.socket, socket.socket]
) -> None:
    ours, theirs = pair
    calls: list[str] = []
    theirs.send(b"x")
    reactor.when_readable(ours, lambda: calls.append("first"))
    reactor.run(10, lambda: bool(calls))
    reactor.when_readable(ours, lambda: calls.append("second"))
    reactor.run(10, lambda: len(calls) == 2)
    assert calls == ["first", "second"]


def test_forgets_a_socket_also_within_the_turn(reactor: Reactor) -> None:
    pairs = [socket.socketpair() for _ in range(2)]
    calls: list[int] = []

    def forget_both() -> None:
        calls.append(1)
        for ours, _ in pairs:
            reactor.forget(ours)

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
    allow_files(100)
    assert limits == []
    allow_files(2000)
    assert limits == [(2032, 4096)]
    with pytest.raises(TooManyFilesError, match="the limit is 4096"):
        allow_files(4090)
