"""The round-trip run: one connection, one message in flight."""

from __future__ import annotations

import socket
import struct
import time
from array import array
from typing import Literal, TypeAlias

import msgspec

from floorwire.cli.load import handshake
from floorwire.cli.load.frames import CLOSE, PING, PONG, TEXT, FrameCounter, masked_frame
from floorwire.cli.load.percentiles import Percentiles
from floorwire.cli.load.target import Target

MessageKind: TypeAlias = Literal["echo", "ping"]
MESSAGES: dict[MessageKind, bytes] = {
    "echo": (
        b'{"action":"order.place","id":1,"client_order_id":"bench-000001","symbol":"BTC-USDT","side":"buy",'
        b'"type":"limit","quantity":"0.01500","price":"64250.10"}'
    ),
    "ping": b'{"action":"ping","id":1}',
}
"""``echo``: a message as large as an order, for an echo endpoint. ``ping``: the ping of the protocol."""

LIMITED = b'"rate_limited"'
LIMITED_S = 0.1
"""How long to wait after a refusal by the rate limit, so that the server allows a burst again."""
ANSWER_S = 5.0
"""The longest time that a round trip may take."""


class NoEchoError(ConnectionError):
    """The server did not answer as it should."""


class RttPlan(msgspec.Struct, frozen=True):
    """``count`` round trips within ``seconds``; the first ``warmup`` are not counted."""

    target: Target
    message: MessageKind
    count: int
    warmup: int
    seconds: float


class RttReport(msgspec.Struct, frozen=True):
    """The results."""

    url: str
    message: MessageKind
    message_bytes: int
    round_trips: Percentiles


def run_rtt(plan: RttPlan) -> RttReport:
    """Measure the round trips. Raises ConnectionError where the server does not answer as it should."""
    try:
        times_ns = _times_ns(plan)
    except (BlockingIOError, TimeoutError) as error:
        raise NoEchoError(f"no answer within {ANSWER_S} s") from error
    counted = Percentiles.of(ns / 1000 for ns in times_ns[min(plan.warmup, len(times_ns) - 1) :])
    if counted is None:
        raise NoEchoError("no round trip in time")
    return RttReport(plan.target.url, plan.message, len(MESSAGES[plan.message]), counted)


def _times_ns(plan: RttPlan) -> array[int]:
    with _connected(plan.target) as sock:
        connection = EchoConnection(sock, MESSAGES[plan.message])
        connection.check(plan.message)
        times_ns = connection.round_trips(plan.warmup + plan.count, plan.seconds)
        sock.sendall(masked_frame(b"", CLOSE))
        return times_ns


class EchoConnection:
    """A blocking WebSocket connection that sends the same message again after each answer."""

    def __init__(self, sock: socket.socket, payload: bytes) -> None:
        self._sock = sock
        self._payload = payload
        self._frame = masked_frame(payload, TEXT)
        self._buffer = bytearray(64 * 1024)
        self._view = memoryview(self._buffer)
        self._counter = FrameCounter(self._control)
        self._answer = b""
        """The last answer."""

    def round_trips(self, count: int, seconds: float) -> array[int]:
        """Return the nanoseconds of each round trip; end after ``count`` of them or after ``seconds``.

        A refusal by the server's rate limit is not counted: the run waits, because a server closes the
        connection of a client that goes on asking.
        """
        times_ns = array("q")
        self._counter.on_message = self._keep_answer
        send, await_answer, frame = self._sock.send, self._await_answer, self._frame
        clock = time.perf_counter_ns
        end = clock() + int(seconds * 1e9)
        while len(times_ns) < count and (started := clock()) < end:
            send(frame)
            await_answer()
            took_ns = clock() - started
            if LIMITED in self._answer:
                time.sleep(LIMITED_S)
            else:
                times_ns.append(took_ns)
        return times_ns

    def check(self, message: MessageKind) -> None:
        """Make one round trip and check the answer. Raises NoEchoError."""
        answers: list[bytes] = []
        self._counter.on_message = answers.append
        self._sock.send(self._frame)
        self._await_answer()
        self._counter.on_message = None
        good = answers[0] == self._payload if message == "echo" else b'"pong"' in answers[0]
        if not good:
            raise NoEchoError(f"{message} was answered with {answers[0][:200]!r}")

    def _keep_answer(self, payload: bytes) -> None:
        self._answer = payload

    def _await_answer(self) -> None:
        counter, buffer = self._counter, self._buffer
        before = counter.messages
        while counter.messages == before:
            kept = len(counter.rest)
            buffer[:kept] = counter.rest
            size = self._sock.recv_into(self._view[kept:] if kept else buffer)
            if not size:
                raise NoEchoError("the server closed the connection")
            counter.feed(buffer, kept + size)

    def _control(self, opcode: int, payload: bytes) -> None:
        if opcode == PING:
            self._sock.send(masked_frame(payload, PONG))
        elif opcode == CLOSE:
            raise NoEchoError(f"the server closed with {int.from_bytes(payload[:2], 'big')}")


def _connected(target: Target) -> socket.socket:
    sock = socket.create_connection((target.address, target.port), timeout=ANSWER_S)
    try:
        # The kernel's timeout on a blocking socket: Python's own makes two system calls for each answer.
        sock.settimeout(None)
        seconds, rest = divmod(round(ANSWER_S * 1e6), 1_000_000)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", seconds, rest))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.sendall(handshake.request(target))
        answer = b""
        while (frames := handshake.frames_after(answer)) is None:
            more = sock.recv(handshake.MAX_ANSWER)
            if not more:
                raise handshake.RefusedError("closed in the handshake")
            answer += more
        if frames:
            raise NoEchoError("the server sent something before any request")
    except BaseException:
        sock.close()
        raise
    return sock
