"""Tickers a second that a program gets as typed objects from the SDK, beside ``websockets`` and json.loads.

Server and reader have a CPU each. The server's messages are ready before, so only the reader is busy.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import msgspec

from benchmarks import machine
from benchmarks.contestants import HERE, HOST, ContestantError, free_port, stop, wait_until_listening
from benchmarks.figures import Figure, TargetCheck, table
from benchmarks.frame_timing import least_ns
from benchmarks.ticker_source import ticker
from floorwire.protocol.client_codec import CLIENT_JSON, CLIENT_MSGPACK

COUNT = 200_000
DECODED = 20_000
NAMES = {
    "websockets": "websockets and json.loads",
    "json": "floorwire.client, JSON",
    "msgpack": "floorwire.client, MessagePack",
}
LEAST_A_SECOND = 100_000
IMPORTS, MOST_IMPORT_MS = 15, 100.0
IMPORT = """
import time
began = time.process_time()
import floorwire.client
print((time.process_time() - began) * 1000)
"""
TO_WEBSOCKETS = 1 / 3


def compare(rounds: int) -> Iterator[str]:
    """Yield the table and the targets."""
    yield "### Python SDK: tickers to typed objects"
    measured: dict[str, list[tuple[float, float]]] = {name: [] for name in NAMES}
    with _Source() as source:
        for number in range(rounds):
            names = list(NAMES)
            for name in names[number % len(names) :] + names[: number % len(names)]:
                measured[name].append(source.read(name))
    rates = {name: Figure.of(COUNT / took for took, _ in times) for name, times in measured.items()}
    cpu = {name: Figure.of(1e6 * used / COUNT for _, used in times) for name, times in measured.items()}
    rows = [
        [NAMES[name], rates[name].text(0), cpu[name].text(), cpu["websockets"].ratio_to(cpu[name]).text()]
        for name in NAMES
    ]
    yield f"{COUNT:,} tickers of one symbol, the reader on one CPU. CPU time includes the kernel's."
    yield table(["reader", "a second", "CPU, us each", "times websockets"], rows)
    yield table(["decoding alone", "us each"], [[name, f"{took:.2f}"] for name, took in _decoding()])
    slowest = "msgpack" if cpu["msgpack"].median > cpu["json"].median else "json"
    default = cpu["msgpack"]
    targets = [
        TargetCheck("ms of CPU to import floorwire.client", _import_ms(), MOST_IMPORT_MS),
        TargetCheck("us of CPU for each ticker", default, 1e6 / LEAST_A_SECOND),
        TargetCheck(
            "the same to websockets and json.loads", default.ratio_to(cpu["websockets"]), TO_WEBSOCKETS
        ),
        TargetCheck(
            f"that of the slower encoding ({slowest})",
            cpu[slowest].ratio_to(cpu["websockets"]),
            TO_WEBSOCKETS,
        ),
    ]
    yield "\n".join(target.text() for target in targets)


def _import_ms() -> Figure:
    """Return what it takes an interpreter to import the SDK alone; without the first try."""
    took = [
        float(subprocess.run([sys.executable, "-c", IMPORT], capture_output=True, check=True).stdout)
        for _ in range(IMPORTS)
    ]
    return Figure.of(took[1:])


class _Source:
    """The server, on its CPU until the ``with`` block ends."""

    def __enter__(self) -> _Source:
        self._port = free_port()
        command = [sys.executable, "-m", "benchmarks.ticker_source", str(self._port), str(COUNT)]
        self._process = subprocess.Popen(command, cwd=HERE.parent)
        os.sched_setaffinity(self._process.pid, {machine.cpu_of_server()})
        wait_until_listening("the source of tickers", self._process, self._port)
        return self

    def __exit__(self, *_: object) -> None:
        stop(self._process)

    def read(self, name: str) -> tuple[float, float]:
        """Let a reader read everything; return its seconds and its CPU seconds."""
        url = f"ws://{HOST}:{self._port}/ws"
        command = [sys.executable, "-m", "benchmarks.ticker_reader", name, url, str(COUNT)]
        with subprocess.Popen(command, cwd=HERE.parent, stdout=subprocess.PIPE, text=True) as process:
            os.sched_setaffinity(process.pid, {machine.cpu_of_load()})
            said, _ = process.communicate()
        if process.returncode:
            raise ContestantError(f"{NAMES[name]}: ended with {process.returncode}")
        took, used = json.loads(said)
        return took, used


def _decoding() -> Iterator[tuple[str, float]]:
    """Yield the microseconds that decoding one ticker takes, by each decoder."""
    tickers = [ticker(seq) for seq in range(1, DECODED + 1)]
    as_json = [msgspec.json.encode(one) for one in tickers]
    as_msgpack = [msgspec.msgpack.encode(one) for one in tickers]
    decoders: list[tuple[str, Callable[[bytes], object], list[bytes]]] = [
        ("json.loads, to a dict", json.loads, as_json),
        ("ClientCodec, JSON", CLIENT_JSON.decode, as_json),
        ("ClientCodec, MessagePack", CLIENT_MSGPACK.decode, as_msgpack),
    ]
    for name, decode, messages in decoders:
        times = least_ns(messages, lambda decode=decode: decode)  # type: ignore[misc]
        yield name, sum(times) / len(times) / 1_000
