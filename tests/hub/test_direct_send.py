"""Writing straight to many sockets."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TypeAlias

import pytest

from floorwire.hub.direct_send import (
    SendBatch,
    send_same,
    send_same_in_python,
    send_turn,
    send_turn_in_python,
)

FULL = b"x" * 1_000_000

Rests: TypeAlias = "list[tuple[int, bytes]]"
Pairs: TypeAlias = "list[tuple[socket.socket, socket.socket]]"
Same: TypeAlias = "Callable[[dict[int, list[bytes]], bytes], Rests]"
Way: TypeAlias = "tuple[Same, Callable[[SendBatch], Rests]]"


@pytest.fixture
def pairs() -> Iterator[Pairs]:
    """Return connected sockets, ours first; ours never wait."""
    made = [socket.socketpair() for _ in range(6)]
    for ours, _ in made:
        ours.setblocking(False)
    yield made
    for pair in made:
        for end in pair:
            end.close()


@pytest.fixture(params=["as compiled", "in Python"])
def way(request: pytest.FixtureRequest) -> Way:
    """Return both loops: in C where it could be compiled, and in Python."""
    return (
        (send_same, send_turn)
        if request.param == "as compiled"
        else (send_same_in_python, send_turn_in_python)
    )


def fill(ours: socket.socket) -> None:
    with suppress(BlockingIOError):
        while True:
            os.write(ours.fileno(), FULL)


def queues_of(pairs: Pairs) -> dict[int, list[bytes]]:
    return {ours.fileno(): [] for ours, _ in pairs}


def test_all_get_the_same_chunk(pairs: Pairs, way: Way) -> None:
    assert way[0](queues_of(pairs), b"tick") == []
    assert [theirs.recv(100) for _, theirs in pairs] == [b"tick"] * 6


def test_who_is_full_or_gone_keeps_nobody_from_theirs(pairs: Pairs, way: Way) -> None:
    fill(pairs[0][0])
    fill(pairs[3][0])
    pairs[5][1].close()
    fds = list(queues_of(pairs))
    turn: SendBatch = [(queues_of(pairs), b"to all, "), (queues_of(pairs[:4]), b"to some")]
    both = b"to all, to some"
    assert way[1](turn) == [(fds[0], both), (fds[3], both), (fds[5], b"to all, ")]
    assert [pairs[place][1].recv(100) for place in (1, 2, 4)] == [both, both, b"to all, "]
    assert way[0](queues_of(pairs), b"tick") == [(fds[0], b"tick"), (fds[3], b"tick"), (fds[5], b"tick")]
    assert [pairs[place][1].recv(100) for place in (1, 2, 4)] == [b"tick"] * 3


def test_what_did_not_fit_is_given_back(pairs: Pairs, way: Way) -> None:
    turn: SendBatch = [(queues_of(pairs[3:]), b"y" * 1_000), (queues_of(pairs[3:]), FULL)]
    for rests in (way[0](queues_of(pairs[:3]), FULL), way[1](turn)):
        assert len(rests) == 3
        assert all(0 < len(rest) < len(FULL) and FULL.endswith(rest) for _, rest in rests)


def test_more_chunks_than_one_system_call_takes(pairs: Pairs, way: Way) -> None:
    chunks = [f"{place:03}".encode() for place in range(200)]
    assert way[1]([(queues_of(pairs[:1]), chunk) for chunk in chunks]) == []
    assert pairs[0][1].recv(10_000) == b"".join(chunks)


def test_a_chain_that_is_cut_gives_back_all_that_is_behind_the_cut(pairs: Pairs, way: Way) -> None:
    chunks = [bytes([place]) * 50_000 for place in range(100)]
    ((fd, rest),) = way[1]([(queues_of(pairs[:1]), chunk) for chunk in chunks])
    pairs[0][1].setblocking(False)
    read = b""
    with suppress(BlockingIOError):
        while True:
            read += pairs[0][1].recv(1_000_000)
    assert fd == pairs[0][0].fileno()
    assert read + rest == b"".join(chunks)


def test_nobody_gets_nothing(way: Way) -> None:
    assert way[0]({}, b"tick") == []
    assert way[1]([]) == []
    assert way[1]([({}, b"tick")]) == []


def test_a_descriptor_that_is_no_socket_is_left_to_others() -> None:
    with open(os.devnull) as nothing:
        fd = nothing.fileno()
        assert send_same({fd: []}, b"tick") == [(fd, b"tick")]


@pytest.mark.skipif(send_turn is send_turn_in_python, reason="sendloop.c was not compiled: no C compiler")
@pytest.mark.parametrize(
    ("turn", "error"),
    [
        (None, TypeError),
        ([1], TypeError),
        ([({}, "text")], TypeError),
        ([({"a": []}, b"x")], TypeError),
        ([({1: None}, b"x")], TypeError),
        ([({1 << 30: []}, b"x")], OverflowError),
        ([({1 << 80: []}, b"x")], TypeError),
    ],
)
def test_the_compiled_loop_refuses_what_is_no_turn(turn: SendBatch, error: type[Exception]) -> None:
    with pytest.raises(error):
        send_turn(turn)
    with pytest.raises(OverflowError):
        send_same({1 << 80: []}, b"tick")


def test_who_has_something_queued_has_it_queued_behind(pairs: Pairs, way: Way) -> None:
    queues: list[list[bytes]] = [[], [b"said before"]]
    keeping_up, reading = (ours.fileno() for ours, _ in pairs[:2])
    assert way[1]([({keeping_up: queues[0], reading: queues[1]}, b"one")]) == []
    assert way[1]([({reading: queues[1]}, b"two")]) == []
    assert pairs[0][1].recv(100) == b"one"
    assert queues == [[], [b"said before", b"one", b"two"]]
