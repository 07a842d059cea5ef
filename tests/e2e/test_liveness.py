"""Dead peers are found and closed; who lives is left alone."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from multiprocessing.synchronize import Event

import msgspec
import pytest
from websockets.sync.client import connect

from floorwire.core.codes import CloseCode
from tests.clients import CLOSE, PING, PONG, RawClient, raw
from tests.servers import Server, eventually, metrics, scripted

CLOSED_4012 = f'floorwire_closes_total{{code="{CloseCode.NO_PONG.value}"}}'


@pytest.fixture(scope="module")
def watchful() -> Iterator[Server]:
    """A gateway that pings every 0.4 s, and waits 0.2 s for an answer."""
    with scripted("ping.interval_s=0.4", "ping.timeout_s=0.2") as server:
        yield server


def dead(server: Server) -> float:
    """Return how many were closed because they did not answer."""
    return metrics(server).get(CLOSED_4012, 0)


def test_who_does_not_answer_is_closed(watchful: Server) -> None:
    with raw(watchful) as silent:
        frames, code = silent.until_close()
        assert [frame.opcode for frame in frames] == [PING], "asked once, after it had a chance"
        assert code == CloseCode.NO_PONG


def test_who_reads_but_does_not_answer_is_closed(watchful: Server) -> None:
    with raw(watchful) as deaf:
        deaf.ask("subscribe", channel="trades", symbol="BTC-USDT")
        _, code = deaf.until_close()
        assert code == CloseCode.NO_PONG


def test_who_answers_stays(watchful: Server) -> None:
    with raw(watchful) as alive:
        for _ in range(3):
            assert answered_ping(alive)


def test_any_sign_of_life_will_do(watchful: Server) -> None:
    with raw(watchful) as talking:
        for _ in range(3):
            while (received := talking.frame()).opcode != PING:
                pass
            assert received.opcode != CLOSE
            talking.ask("ping")


def answered_ping(peer: RawClient) -> bool:
    """Wait for a ping and answer it."""
    received = peer.frame()
    if received.opcode == PING:
        peer.send(PONG, received.payload)
    return received.opcode == PING


def test_pings_do_not_all_come_at_once(watchful: Server) -> None:
    with ExitStack() as stack:
        peers = [stack.enter_context(raw(watchful)) for _ in range(8)]
        for peer in peers:
            peer.ask("subscribe", channel="trades", symbol="BTC-USDT")
            assert peer.message()["status"] == "subscribed"
        trades_before_ping = {trades_until_ping(peer) for peer in peers}
        assert len(trades_before_ping) > 1, "trades came between the pings"


def trades_until_ping(peer: RawClient) -> int:
    """Return the number of the last trade that came before the first ping."""
    last = 0
    while (received := peer.frame()).opcode != PING:
        last = msgspec.json.decode(received.payload)["seq"]
    return last


def follow(url: str, subscribed: Event) -> None:
    """Follow a stream for as long as there is one; websockets answers pings by itself."""
    with connect(url, compression=None) as connection:
        connection.send('{"action":"subscribe","symbol":"BTC-USDT"}')
        connection.recv()
        subscribed.set()
        for _ in connection:
            pass


def test_a_stopped_process_is_closed(watchful: Server) -> None:
    fork = multiprocessing.get_context("spawn")
    subscribed = fork.Event()
    process = fork.Process(target=follow, args=(watchful.ws("/ws/ticker"), subscribed))
    process.start()
    assert process.pid is not None
    try:
        assert subscribed.wait(60)
        before = dead(watchful)
        with raw(watchful) as alive:
            for _ in range(3):
                assert answered_ping(alive)
        assert dead(watchful) == before, "it answers"
        os.kill(process.pid, signal.SIGSTOP)
        assert eventually(lambda: dead(watchful) > before)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.join()
