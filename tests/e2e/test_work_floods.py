"""Floods that cost much and are cheap to send: each is bounded, and only its sender waits."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from threading import Thread

import msgspec
import pytest

from tests.clients import BINARY, CONTINUATION, MSGPACK, PING, PONG, TEXT, RawClient, client, frame, raw
from tests.servers import Server, eventually, metrics, scripted
from tests.trading.trader import FREE, key, serving, trader

MISSED = 3_000
BOOK: dict[str, object] = {"channel": "book", "symbol": "BTC-USDT", "depth": 500}
READ_AT_MOST = 1_000_000
"""Bytes of a flood that fit into two kernels' buffers, and into what the server reads before it pauses."""
STUCK_S = 0.5
"""So long a socket takes nothing before we say that the server does not read it."""
PING_REQUEST = b'{"action":"ping"'
PADDING = 40_000


@pytest.fixture(scope="module")
def busy() -> Iterator[Server]:
    """A gateway with much to resume."""
    with scripted("resume.bytes=50000000", "ping.interval_s=1000", per_second=1_000) as server:
        yield server


def place_to_resume(server: Server, missed: int = MISSED) -> dict[str, object]:
    """Return a place in a book that ``missed`` events have followed."""
    with client(server) as watcher:
        begin = watcher.ask("subscribe", **BOOK)
        seq = begin["seq"]
        assert isinstance(seq, int)
        while (at := watcher.event()["seq"]) != seq + missed:
            assert isinstance(at, int)
            assert at < seq + missed
    return {"epoch": begin["epoch"], "seq": seq}


def is_served(server: Server) -> bool:
    """Return whether somebody else's requests are answered."""
    with client(server) as other:
        return all(other.ask("ping")["status"] == "pong" for _ in range(20))


# --- resumes ----------------------------------------------------------------------------------------


def test_resumes_that_replace_each_other_before_they_are_read_cost_no_more_than_they_send(
    busy: Server,
) -> None:
    request = {"action": "subscribe", **BOOK, "resume": place_to_resume(busy)}
    asked, resident = 900, busy.resident_bytes()
    with RawClient(busy) as attacker:
        attacker.handshake(Sec_WebSocket_Protocol=MSGPACK)
        for number in range(asked):
            attacker.send(BINARY, msgspec.msgpack.encode({**request, "id": number}))
        assert is_served(busy)
        replies = [reply for reply in _replies(attacker, asked) if "status" in reply]
    assert [reply["id"] for reply in replies] == list(range(asked)), "each is answered, in order"
    assert {reply.get("code") for reply in replies} <= {None, "rate_limited"}
    assert busy.resident_bytes() < resident + 64_000_000


@pytest.mark.slow
def test_four_connections_that_resume_a_thousand_times_each_do_not_stop_the_server(busy: Server) -> None:
    request = msgspec.msgpack.encode({"action": "subscribe", **BOOK, "resume": place_to_resume(busy)})
    asked, resident = 1_000, busy.resident_bytes()

    def attack() -> int:
        with RawClient(busy) as attacker:
            attacker.handshake(Sec_WebSocket_Protocol=MSGPACK)
            requests = frame(BINARY, request) * asked
            sender = Thread(target=attacker.socket.sendall, args=(requests,))
            sender.start()
            answered = sum("status" in reply for reply in _replies(attacker, asked))
            sender.join()
            return answered

    with ThreadPoolExecutor(4) as pool:
        attacks = [pool.submit(attack) for _ in range(4)]
        served = 0
        while not all(one.done() for one in attacks):
            assert is_served(busy)
            served += 1
        assert [one.result() for one in attacks] == [asked] * 4
    assert served > 1
    lags = {name: count for name, count in metrics(busy).items() if "event_loop_lag_seconds" in name}
    # Each second a heartbeat says how late it was. Unbounded resumes made it wait for 24 s.
    assert (
        lags['floorwire_event_loop_lag_seconds_bucket{le="1.0"}']
        == lags["floorwire_event_loop_lag_seconds_count"]
    )
    assert busy.resident_bytes() < resident + 64_000_000


@pytest.mark.slow
def test_unread_resumes_of_many_addresses_fill_no_memory(busy: Server) -> None:
    request = msgspec.json.encode({"action": "subscribe", **BOOK, "resume": place_to_resume(busy)})
    resident, count = busy.resident_bytes(), 150
    with ExitStack() as stack:
        for number in range(count):
            address = f"127.0.{number % 30}.9"
            attacker = stack.enter_context(RawClient(busy, receive_buffer=4_096, local=address))
            attacker.handshake()
            attacker.send(TEXT, request)
        assert eventually(lambda: metrics(busy)['floorwire_resumes_total{outcome="replayed"}'] >= count)
        assert is_served(busy)
        assert busy.resident_bytes() < resident + 32_000_000


@pytest.mark.slow
async def test_a_dead_mans_timer_that_is_armed_again_and_again_outlives_a_flood_of_resumes(
    tmp_path: Path,
) -> None:
    missed, asked, connections, timeout_s = 1_000, 2_000, 4, 5  # unbounded, it took 16 s
    issued = key(tmp_path)
    with serving(tmp_path, *FREE) as server:
        place = await asyncio.to_thread(place_to_resume, server, missed)
        resume = msgspec.msgpack.encode({"action": "subscribe", **BOOK, "resume": place})
        requests = frame(BINARY, resume) * asked

        def attack() -> int:
            with RawClient(server, local="127.0.0.9") as attacker:
                attacker.handshake(Sec_WebSocket_Protocol=MSGPACK)
                sender = Thread(target=attacker.socket.sendall, args=(requests,))
                sender.start()
                answered = sum("status" in reply for reply in _replies(attacker, asked))
                sender.join()
                return answered

        async with trader(server, issued) as bot:
            assert (await bot.place("mine"))["status"] == "accepted"
            attacks = [asyncio.create_task(asyncio.to_thread(attack)) for _ in range(connections)]
            armed = 0
            while not all(one.done() for one in attacks):
                assert (await bot.ask("session.deadman", timeout_s=timeout_s))["status"] == "ok"
                armed += 1
                await asyncio.sleep(0.1)
            assert await asyncio.gather(*attacks) == [asked] * connections
            assert armed > 1
            assert [row["client_order_id"] for row in await bot.rows("orders")] == ["mine"]


def _replies(peer: RawClient, count: int) -> Iterator[dict[str, object]]:
    while count:
        received = peer.frame()
        if received.opcode == BINARY:
            message = msgspec.msgpack.decode(received.payload, type=dict[str, object])
            count -= "status" in message
            yield message


def test_an_honest_client_that_resumes_everything_it_had_is_not_refused(market: Server) -> None:
    wanted: list[dict[str, object]] = [
        {"channel": channel, "symbol": symbol, **option}
        for symbol in ("BTC-USDT", "ETH-USDT", "DOGE-USDT")
        for channel, option in (
            ("ticker", {}),
            ("trades", {}),
            *(("book", {"depth": depth}) for depth in (1, 5, 10, 25, 50, 100, 500)),
        )
    ]
    with client(market, "/ws", MSGPACK) as bot:
        places = [bot.ask("subscribe", **one) for one in wanted]
    time.sleep(1)
    with client(market, "/ws", MSGPACK) as bot:
        for one, place in zip(wanted, places, strict=True):
            reply = bot.ask("subscribe", **one, resume={"epoch": place["epoch"], "seq": place["seq"]})
            assert (reply["status"], reply.get("gap")) == ("subscribed", None)


# --- frames -----------------------------------------------------------------------------------------


def _fragments() -> bytes:
    spaces = frame(CONTINUATION, b" ", fin=False) * PADDING
    return frame(TEXT, PING_REQUEST, fin=False) + spaces + frame(CONTINUATION, b"}")


@pytest.mark.parametrize(
    "flood",
    [
        frame(PING, b"") * 10_000,
        frame(PING, b"x" * 125) * 1_000,
        frame(PONG, b"") * 10_000,
        _fragments(),
    ],
    ids=["empty pings", "long pings", "pongs", "fragments of one byte"],
)
def test_a_flood_of_frames_is_not_read_on(market: Server, flood: bytes) -> None:
    with raw(market) as peer:
        peer.socket.settimeout(STUCK_S)
        peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65_536)
        taken = 0
        with suppress(TimeoutError):
            while taken < READ_AT_MOST:
                taken += peer.socket.send(flood[taken % len(flood) :])
        assert taken < READ_AT_MOST
        assert is_served(market)


@pytest.mark.parametrize(
    "bad",
    [frame(CONTINUATION, b""), bytes([PING | 0xC0, 0x80]) + bytes(4), frame(3, b"")],
    ids=["stray continuations", "reserved bits", "unknown"],
)
def test_bad_frames_on_many_connections_make_only_their_sender_wait(market: Server, bad: bytes) -> None:
    """With 200 connections the loop stood still for seconds: each frame of each read was looked at."""
    resident = market.resident_bytes()
    before = metrics(market)
    with ExitStack() as stack:
        attackers = [stack.enter_context(raw(market)) for _ in range(50)]
        for one in attackers:
            one.socket.setblocking(False)
            with suppress(BlockingIOError, ConnectionError):
                one.socket.sendall(bad * 10_000)
        assert is_served(market)
        for one in attackers:
            one.socket.setblocking(True)
            with suppress(ConnectionError):  # a reset: it went on sending
                while one.socket.recv(65_536):
                    pass
    assert is_served(market)
    assert market.resident_bytes() < resident + 64_000_000
    name = 'floorwire_event_loop_lag_seconds_bucket{le="1.0"}'
    late = {
        at: metrics_of["floorwire_event_loop_lag_seconds_count"] - metrics_of[name]
        for at, metrics_of in (("before", before), ("after", metrics(market)))
    }
    assert late["after"] == late["before"]


def test_pings_as_clients_send_them_are_all_answered(market: Server) -> None:
    with raw(market) as peer:
        for number in range(500):
            peer.send(PING, b"%d" % number)
            assert peer.frame().payload == b"%d" % number


def test_a_message_in_many_fragments_comes_whole(market: Server) -> None:
    data = bytes(range(256)) * 250
    with raw(market, "/ws/echo") as peer:
        for _ in range(20):
            peer.send(BINARY, data[:100], fin=False)
            for at in range(100, len(data), 100):
                peer.send(CONTINUATION, data[at : at + 100], fin=at + 100 >= len(data))
            assert peer.frame().payload == data


def test_requests_in_one_write_are_answered_in_order_before_the_close(market: Server) -> None:
    asked = 900
    with raw(market) as peer:
        requests = [frame(TEXT, msgspec.json.encode({"action": "ping", "id": n})) for n in range(asked)]
        peer.socket.sendall(b"".join(requests) + frame(8, b"\x03\xe8"))
        frames, code = peer.until_close()
        ids = [msgspec.json.decode(one.payload)["id"] for one in frames if one.opcode == TEXT]
        assert (ids, code) == (list(range(asked)), 1000)
