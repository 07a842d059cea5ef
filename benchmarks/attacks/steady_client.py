"""The steady client: pings and orders at a fixed pace, and how long each reply takes.

It sends at fixed times, whatever became of the request before, and a request is late from the time at which
it was due. So a server that stands still is seen by all requests that fell into that time.
"""

from __future__ import annotations

import heapq
import json
import select
import socket
import time
from collections.abc import Mapping

import msgspec

from benchmarks.attacks.floods import handshake
from benchmarks.contestants import ContestantError
from floorwire.cli.load.frames import PING, PONG, FrameCounter, masked_frame

ADDRESS = "127.0.0.2"
PING_EACH_S, ORDER_EACH_S, TIMER_EACH_S = 0.005, 0.05, 0.5
TIMER_S = 2.0
"""The dead man's timer, which is armed again each ``TIMER_EACH_S``."""
ANSWER_S = 10.0


class Latencies(msgspec.Struct):
    """Milliseconds from when each request was due to its reply."""

    pings: list[float]
    orders: list[float]


def percentile(values: list[float], share: float) -> float:
    """Return the value that this share of the values does not exceed."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] if values else float("nan")


class SteadyClient:
    """A signed-in client. It also holds one order that nothing but its dead man's timer would cancel."""

    def __init__(self, host: str, port: int, bearer: str) -> None:
        self._socket = socket.create_connection((host, port), ANSWER_S, (ADDRESS, 0))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(handshake(bearer))
        head = b""
        while b"\r\n\r\n" not in head:
            head += self._socket.recv(1)
        if b" 101 " not in head.split(b"\r\n")[0]:
            raise ContestantError(f"no upgrade: {head[:80]!r}")
        self._counter = FrameCounter(self._control, self._message)
        self._buffer = bytearray(1 << 20)
        self._number = 0
        self._name = f"steady-{time.time_ns()}"
        self._due: dict[int, tuple[float, str]] = {}
        self._latencies = Latencies([], [])
        self._replies: dict[int, Mapping[str, object]] = {}
        self._kept: set[int] = set()
        self._place("held", time.monotonic())
        self._arm(time.monotonic())

    def run(self, seconds: float) -> Latencies:
        """Send for so many seconds, then wait for the last replies; return how long all took."""
        self._latencies = Latencies([], [])
        begin_s = time.monotonic()
        end_s = begin_s + seconds
        due: list[tuple[float, str]] = [
            (begin_s, "ping"),
            (begin_s + 0.002, "order"),
            (begin_s + 0.004, "timer"),
        ]
        while due:
            at_s, kind = due[0]
            self._read(max(0.0, at_s - time.monotonic()))
            if time.monotonic() < at_s:
                continue
            heapq.heappop(due)
            each_s = self._send_due(kind, at_s)
            if at_s + each_s < end_s:
                heapq.heappush(due, (at_s + each_s, kind))
        last_s = time.monotonic() + ANSWER_S
        while self._due and time.monotonic() < last_s:
            self._read(0.01)
        self._latencies.pings += [1_000 * ANSWER_S] * len(self._due)
        self._due.clear()
        return self._latencies

    def is_held_order_open(self) -> bool:
        """Return whether the order under the dead man's timer was never cancelled."""
        number = self._request(
            "status", time.monotonic(), action="order.status", client_order_id=self._id("held")
        )
        self._kept.add(number)
        last_s = time.monotonic() + ANSWER_S
        while number not in self._replies and time.monotonic() < last_s:
            self._read(0.01)
        order = self._replies.get(number, {}).get("order")
        return isinstance(order, dict) and order.get("state") in {"new", "partially_filled"}

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    # --- sending --------------------------------------------------------------------------------

    def _send_due(self, kind: str, at_s: float) -> float:
        if kind == "ping":
            self._request("ping", at_s, action="ping")
            return PING_EACH_S
        if kind == "timer":
            self._arm(at_s)
            return TIMER_EACH_S
        name = str(self._number)
        self._place(name, at_s)
        self._request("order", at_s, action="order.cancel", client_order_id=self._id(name))
        return ORDER_EACH_S

    def _arm(self, at_s: float) -> None:
        self._request("timer", at_s, action="session.deadman", timeout_s=TIMER_S)

    def _place(self, name: str, at_s: float) -> None:
        self._request(
            "order", at_s, action="order.place", client_order_id=self._id(name), symbol="BTC-USDT",
            side="buy", type="limit", quantity="0.00100", price="61000.0",
        )  # fmt: skip

    def _id(self, name: str) -> str:
        return f"{self._name}-{name}"

    def _request(self, kind: str, at_s: float, **fields: object) -> int:
        self._number += 1
        self._due[self._number] = at_s, kind
        self._socket.sendall(masked_frame(json.dumps({**fields, "id": self._number}).encode()))
        return self._number

    # --- reading --------------------------------------------------------------------------------

    def _read(self, wait_s: float) -> None:
        if not select.select((self._socket,), (), (), wait_s)[0]:
            return
        rest = self._counter.rest
        self._buffer[: len(rest)] = rest
        size = self._socket.recv_into(memoryview(self._buffer)[len(rest) :])
        if not size:
            raise ContestantError("the server closed the steady client's connection")
        self._counter.feed(self._buffer, len(rest) + size)

    def _control(self, opcode: int, payload: bytes) -> None:
        if opcode == PING:
            self._socket.sendall(masked_frame(payload, PONG))

    def _message(self, payload: bytes) -> None:
        reply = json.loads(payload)
        at_s, kind = self._due.pop(reply.get("id"), (0.0, ""))
        if reply.get("status") == "error":
            raise ContestantError(f"the steady client's request was answered with {payload[:200]!r}")
        took_ms = (time.monotonic() - at_s) * 1_000
        if kind == "ping":
            self._latencies.pings.append(took_ms)
        elif kind == "order":
            self._latencies.orders.append(took_ms)
        elif reply.get("id") in self._kept or kind == "status":
            self._replies[reply["id"]] = reply
