"""SIGTERM drains: clients are told, closed at a pace, and the server is gone in bounded time."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from floorwire.core.codes import CloseCode
from tests.clients import CLOSE, RawClient, client, raw
from tests.servers import Server, eventually, metrics, scripted


@contextmanager
def going(*settings: str) -> Iterator[tuple[Server, ExitStack]]:
    """Run a server that takes a second to go, and connections that end with it."""
    with scripted("drain.seconds=1", *settings) as server, ExitStack() as stack:
        yield server, stack


def test_clients_are_told_and_closed_and_the_exit_is_clean() -> None:
    with going() as (server, stack):
        followers = [stack.enter_context(client(server)) for _ in range(5)]
        for follower in followers:
            follower.ask("subscribe", channel="system")
        server.signal(signal.SIGTERM)
        for follower in followers:
            messages, code, reason = follower.closing()
            assert [message["event"] for message in messages] == ["draining"]
            assert messages[0]["reconnect_within_s"] == 1
            assert (code, reason) == (CloseCode.RESTART, "restart: reconnect")
        assert server.wait() == 0


@pytest.mark.slow
def test_closes_are_paced() -> None:
    with going() as (server, stack):
        followers = [stack.enter_context(client(server)) for _ in range(20)]
        for follower in followers:
            follower.ask("subscribe", channel="trades", symbol="BTC-USDT")
            follower.event()
        server.signal(signal.SIGTERM)
        last_seqs = set()
        for follower in followers:
            messages, code, _ = follower.closing()
            assert code == CloseCode.RESTART
            last_seqs.add(messages[-1]["seq"])
        assert len(last_seqs) > 5, (
            "trades went on between the closes: all at once, they would all come back at once"
        )
        assert server.wait() == 0


def test_events_go_on_until_the_close() -> None:
    with going() as (server, stack):
        follower = stack.enter_context(client(server))
        follower.ask("subscribe", channel="trades", symbol="BTC-USDT")
        follower.events(3)
        server.signal(signal.SIGTERM)
        messages, _, _ = follower.closing()
        seqs = [message["seq"] for message in messages]
        assert len(seqs) > 3
        assert seqs == list(range(int(str(seqs[0])), int(str(seqs[0])) + len(seqs)))


def test_nobody_new_is_taken() -> None:
    with scripted("drain.seconds=20") as server, ExitStack() as stack:
        for _ in range(20):
            stack.enter_context(raw(server))
        told = stack.enter_context(client(server))
        told.ask("subscribe", channel="system")
        early = stack.enter_context(RawClient(server))
        early.socket.sendall(b"HEAD /health HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n")
        assert early.http_answer()[0] == 200, "it is accepted, and not in the queue of the listener"
        server.signal(signal.SIGTERM)
        assert told.event()["event"] == "draining"
        status, headers = early.handshake()
        assert (status, headers["retry-after"]) == (503, "1")
        with pytest.raises(ConnectionRefusedError):
            RawClient(server)


def test_who_does_not_read_does_not_keep_it() -> None:
    settings = ("outbox.kernel_bytes=4096", "outbox.bytes=20000")
    with going(*settings) as (server, stack):
        stuck = stack.enter_context(raw(server, receive_buffer=4096))
        for symbol in ("BTC-USDT", "ETH-USDT", "DOGE-USDT"):
            stuck.ask("subscribe", channel="book", symbol=symbol)
        assert eventually(lambda: metrics(server)["floorwire_outbox_bytes"] > 0), "it is stuck"
        server.signal(signal.SIGTERM)
        assert server.wait() == 0


def test_an_idle_server_goes_at_once() -> None:
    with scripted("drain.seconds=60") as server:
        server.signal(signal.SIGTERM)
        assert server.wait() == 0


def test_an_interrupt_is_no_failure_either() -> None:
    with scripted() as server:
        server.signal(signal.SIGINT)
        assert server.wait() == 0
        assert "Traceback" not in server.log


def test_a_client_that_answers_the_close_is_done(market: Server) -> None:
    with raw(market) as peer:
        peer.send(CLOSE, b"")
        assert peer.until_close() == ([], CloseCode.NORMAL)


def test_a_terminal_that_is_closed_is_drained_too() -> None:
    with going() as (server, stack):
        follower = stack.enter_context(client(server))
        follower.ask("subscribe", channel="system")
        server.signal(signal.SIGHUP)
        messages, code, _ = follower.closing()
        assert [message["event"] for message in messages] == ["draining"]
        assert code == CloseCode.RESTART
        assert server.wait() == 0


@pytest.mark.slow
def test_nohup_keeps_a_server_running() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with scripted() as server:
            server.signal(signal.SIGHUP)
            with client(server) as follower:
                assert follower.ask("ping")["status"] == "pong"
            assert server.process.poll() is None
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.slow
def test_a_second_interrupt_closes_everybody_at_once_and_the_rest_of_the_end_follows() -> None:
    with scripted("drain.seconds=1000") as server, ExitStack() as stack:
        followers = [stack.enter_context(client(server)) for _ in range(5)]
        for follower in followers:
            follower.ask("subscribe", channel="system")
        server.signal(signal.SIGINT)
        assert followers[0].event()["event"] == "draining"
        server.signal(signal.SIGINT)
        for follower in followers:
            assert follower.closing()[1] == CloseCode.RESTART
        assert server.wait() == 0
        assert "Traceback" not in server.log


@pytest.mark.slow
def test_signals_of_tools_that_rotate_logs_do_not_end_it() -> None:
    with scripted() as server:
        for number in (signal.SIGUSR1, signal.SIGUSR2):
            server.signal(number)
        with client(server) as follower:
            assert follower.ask("ping")["status"] == "pong"
