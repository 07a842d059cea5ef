"""Orders: how long an accepted one takes, compared with fdatasync and a C echo, and how many a second.

Every order is new and rests far from the market; every reply is checked. With one in flight, client and
server share a CPU, as the C echo and its client do. With 64 in flight each has its own CPU, and as many
orders are sent as replies have come.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from benchmarks import machine
from benchmarks.contestants import ECHO, ContestantError, ContestantRunner
from benchmarks.figures import Figure, TargetCheck, table
from benchmarks.journal import fdatasync
from benchmarks.load import bench
from benchmarks.workload import Workload
from floorwire.cli.load.frames import PING, PONG, masked_frame
from floorwire.cli.load.rtt import RttReport

ONE, WARM = 3_000, 500
MANY, IN_FLIGHT = 60_000, 64
SYNCS, PAUSE_S = 2_000, 0.0002
OVER_DISK_US, OVER_ECHO, PER_SECOND = 200.0, 4.0, 15_000.0
QUIET = Workload(port=0, symbols=1, bursts_per_second=1, width=1, depth=1)
ANNOUNCED = re.compile(r"ws://(\S+):(\d+)/ws")
UNLIMITED = (
    "limits.commands_per_second=1000000",
    "limits.commands_per_second_per_key=1000000",
    "risk.orders_per_second=1000000",
    "risk.max_open_orders=1000000",
    "drain.seconds=0.1",
    "log_level=error",
)


class OrderClient:
    """A signed-in connection that places orders and counts the accepting replies."""

    def __init__(self, host: str, port: int, bearer: str) -> None:
        self.url = f"ws://{host}:{port}/ws"
        self._socket = socket.create_connection((host, port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(
            f"GET /ws HTTP/1.1\r\nhost: {host}:{port}\r\nupgrade: websocket\r\nconnection: Upgrade\r\n"
            f"sec-websocket-key: {'A' * 22}==\r\nsec-websocket-version: 13\r\n"
            f"authorization: Bearer {bearer}\r\n\r\n".encode()
        )
        head = b""
        while b"\r\n\r\n" not in head:
            head += self._socket.recv(4096)
        if b" 101 " not in head.split(b"\r\n")[0]:
            raise ContestantError(f"no upgrade: {head[:80]!r}")
        self._rest = head.partition(b"\r\n\r\n")[2]
        self._name = secrets.token_hex(6)
        self._placed = 0

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def _order_frames(self, count: int) -> bytes:
        frames = []
        for _ in range(count):
            self._placed += 1
            order = (
                f'{{"action":"order.place","id":{self._placed},"client_order_id":"{self._name}-{self._placed}",'
                '"symbol":"BTC-USDT","side":"buy","type":"limit","quantity":"0.00100","price":"61000.0"}'
            )
            frames.append(masked_frame(order.encode()))
        return b"".join(frames)

    def _read_replies(self) -> int:
        """Wait for replies; return how many came, at least one. Raises ContestantError at a refusal."""
        count = 0
        while not count:
            self._rest += self._socket.recv(1 << 18)
            while len(self._rest) > 2 and len(self._rest) >= 2 + (size := self._rest[1]):
                assert size < 126, "replies are small"
                opcode, payload = self._rest[0] & 0x0F, self._rest[2 : 2 + size]
                self._rest = self._rest[2 + size :]
                if opcode == PING:
                    self._socket.sendall(masked_frame(payload, PONG))
                    continue
                if b'"accepted"' not in payload:
                    raise ContestantError(f"an order was answered with {payload[:200]!r}")
                count += 1
        return count

    def one_at_a_time(self, count: int) -> list[float]:
        """Return the microseconds from each order to its reply."""
        spent = []
        for _ in range(count):
            frame = self._order_frames(1)
            started = time.perf_counter_ns()
            self._socket.sendall(frame)
            self._read_replies()
            spent.append((time.perf_counter_ns() - started) / 1_000)
        return spent

    def place_and_cancel(self, pairs: int) -> int:
        """Place ``pairs`` orders and cancel each; return how many replies accepted."""
        frames: list[bytes] = []
        for _ in range(pairs):
            placed = self._order_frames(1)
            cancel = f'{{"action":"order.cancel","client_order_id":"{self._name}-{self._placed}"}}'
            frames += placed, masked_frame(cancel.encode())
        self._socket.sendall(b"".join(frames))
        accepted = 0
        while accepted < 2 * pairs:
            accepted += self._read_replies()
        return accepted

    def in_flight(self, count: int) -> float:
        """Return how many orders a second are accepted with ``IN_FLIGHT`` in flight."""
        sent = IN_FLIGHT
        started = time.perf_counter()
        self._socket.sendall(self._order_frames(sent))
        accepted = 0
        while accepted < count:
            came = self._read_replies()
            accepted += came
            more = min(came, count - sent)
            if more > 0:
                self._socket.sendall(self._order_frames(more))
                sent += more
        return count / (time.perf_counter() - started)


@contextmanager
def serving(journal: str, cpu: int, python: str = sys.executable) -> Iterator[OrderClient]:
    """Run a gateway with this journal on the CPU, its data in the current folder; yield a client.

    ``python``: the interpreter whose Floorwire is run.
    """
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        floorwire = [python, "-m", "floorwire"]
        made = subprocess.run(
            [*floorwire, "keys", "create", "--data", folder, "--account", "bench",
             "--scopes", "market,account,trade", "--deposit", "USDT=100000000", "--json"],
            check=True, capture_output=True,
        )  # fmt: skip
        key = json.loads(made.stdout)
        sets = [part for one in (*UNLIMITED, f"journal={journal}") for part in ("--set", one)]
        with subprocess.Popen(
            [*floorwire, "serve", "--data", folder, "--port", "0", *sets], stdout=subprocess.PIPE, text=True
        ) as process:
            try:
                os.sched_setaffinity(process.pid, {cpu})
                host, port = announced(process)
                client = OrderClient(host, port, f"{key['key']}.{key['secret']}")
                yield client
                client.close()
            finally:
                process.kill()


def announced(process: subprocess.Popen[str]) -> tuple[str, int]:
    """Return host and port of a gateway that starts. Raises ContestantError."""
    assert process.stdout is not None
    for text in process.stdout:
        if found := ANNOUNCED.search(text):
            return found[1], int(found[2])
    raise ContestantError("floorwire does not start")


def _one(journal: str) -> float:
    """Return the p50 of an order with one in flight, both ends on one CPU."""
    cpu = machine.cpu_of_server()
    mine = os.sched_getaffinity(0)
    with serving(journal, cpu) as client:
        os.sched_setaffinity(0, {cpu})
        try:
            client.one_at_a_time(WARM)
            return median(client.one_at_a_time(ONE))
        finally:
            os.sched_setaffinity(0, mine)


def _many(journal: str) -> float:
    mine = os.sched_getaffinity(0)
    with serving(journal, machine.cpu_of_server()) as client:
        os.sched_setaffinity(0, {machine.cpu_of_load()})
        try:
            client.in_flight(MANY // 10)
            return client.in_flight(MANY)
        finally:
            os.sched_setaffinity(0, mine)


def compare(runner: ContestantRunner, rounds: int) -> Iterator[str]:
    """Measure the disk, the echo and orders in turn; yield the results."""
    found: dict[str, list[float]] = {}
    for _ in range(rounds):
        for name, measured in _round(runner):
            found.setdefault(name, []).append(measured)
    figures = {name: Figure.of(measured) for name, measured in found.items()}
    yield "### Orders, from the client's send to the accepted reply"
    yield table(("", ""), [(name, figure.text(0)) for name, figure in figures.items()])
    over = Figure.of(one - disk for one, disk in zip(found[DURABLE], found[DISK], strict=True))
    per_second = Figure.of(PER_SECOND / rate for rate in found[RATE])
    yield "\n".join(
        (
            TargetCheck("durable order, us over the disk's fdatasync", over, OVER_DISK_US).text(),
            TargetCheck("order in memory to C echo", figures[MEMORY].ratio_to(figures[C]), OVER_ECHO).text(),
            TargetCheck(f"{PER_SECOND:,.0f} a second over durable orders a second", per_second, 1.0).text(),
        )
    )


DISK, PACED = "fdatasync of 4 KiB, p50 us", "the same, each 200 us after the last"
C = "C echo, p50 us"
DURABLE, MEMORY = "durable order, p50 us", "order with journal=memory, p50 us"
RATE, RATE_MEMORY = "durable orders a second, 64 in flight", "the same with journal=memory"


def _round(runner: ContestantRunner) -> Sequence[tuple[str, float]]:
    cpu = machine.cpu_of_server()
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        disk = median(fdatasync(Path(folder), SYNCS, 4_096))
        paced = median(fdatasync(Path(folder), SYNCS, 4_096, PAUSE_S))
    with runner.serving(ECHO, QUIET, cpu) as server:
        echo = bench(RttReport, cpu, "rtt", server.url("/ws/echo"), message="echo", count=20_000)
    return (
        (DISK, disk),
        (PACED, paced),
        (DURABLE, _one("sqlite")),
        (C, echo.round_trips.p50_us),
        (MEMORY, _one("memory")),
        (RATE, _many("sqlite")),
        (RATE_MEMORY, _many("memory")),
    )
