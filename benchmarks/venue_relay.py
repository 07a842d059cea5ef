"""A frame's way from an exchange's socket to a client's: through Floorwire, and through a bare relay.

The exchange sends trades in Binance's words. Floorwire reads and checks them, keeps candles, tickers and
statistics up to date, and writes messages of its own; the relay forwards bytes. The exchange and the client
are two processes on the load's CPU, with one clock: so each message has to wake the client, whoever sent it.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

import picows
from picows import WSFrame, WSListener, WSMsgType, WSTransport, WSUpgradeRequest

from benchmarks import machine
from benchmarks.contestants import HERE, ContestantError, free_port
from benchmarks.figures import Figure, TargetCheck, table
from floorwire.cli.load.percentiles import Percentiles

HOST = "127.0.0.1"
RELAY, FLOORWIRE = "bare relay", "Floorwire"
WARM, COUNT = 500, 5_000
GAP_S = 0.001
AT_MOST = 1.7
START_S = 20.0
LIST = {
    "symbols": [
        {"symbol": "BTCUSDT", "status": "TRADING", "baseAsset": "BTC", "quoteAsset": "USDT"}
        | {
            "filters": [
                {"filterType": "PRICE_FILTER", "tickSize": "0.01"},
                {"filterType": "LOT_SIZE", "stepSize": "0.00001"},
            ]
        }
    ]
}


class Exchange(WSListener):
    """One connection of the server under test, to which trades are sent."""

    def __init__(self) -> None:
        self.transport: WSTransport | None = None
        self.is_connected = asyncio.Event()
        self.is_subscribed = asyncio.Event()

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Keep it."""
        self.transport = transport
        self.is_connected.set()

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Take a subscription of trades."""
        if b"@trade" in frame.get_payload_as_bytes():
            self.is_subscribed.set()

    def send(self, number: int) -> int:
        """Send one trade; return when."""
        now_ms = time.time_ns() // 1_000_000
        data = {
            "e": "trade", "E": now_ms, "s": "BTCUSDT", "t": number, "p": f"{60_000 + number % 100}.01",
            "q": "0.01000", "T": now_ms, "m": number % 2 == 0, "M": True,
        }  # fmt: skip
        message = json.dumps({"stream": "btcusdt@trade", "data": data}).encode()
        assert self.transport is not None, "it waited for a connection"
        sent_ns = time.monotonic_ns()
        self.transport.send(WSMsgType.TEXT, message)
        return sent_ns


def compare(rounds: int) -> Iterator[str]:
    """Run both in turn; yield the results."""
    ways: dict[str, list[Percentiles]] = {RELAY: [], FLOORWIRE: []}
    for _ in range(rounds):
        for name, found in ways.items():
            found.append(asyncio.run(_run(name)))
    p50 = {name: Figure.of(way.p50_us for way in found) for name, found in ways.items()}
    p99 = {name: Figure.of(way.p99_us for way in found) for name, found in ways.items()}
    yield "### A frame's way from an exchange's socket to a client's, 1,000 trades a second"
    yield table(
        ("", "p50, us", "p99, us", "p50 to the relay", "arrived"),
        [
            (
                name,
                p50[name].text(0),
                p99[name].text(0),
                p50[name].ratio_to(p50[RELAY]).text(),
                f"{sum(way.count for way in ways[name])} of {rounds * COUNT}",
            )
            for name in ways
        ],
    )
    yield TargetCheck("p50, Floorwire to the bare relay", p50[FLOORWIRE].ratio_to(p50[RELAY]), AT_MOST).text()


async def _run(name: str) -> Percentiles:
    exchange, port = Exchange(), free_port()
    sent_ns: list[int] = []
    mine, server_cpu = os.sched_getaffinity(0), machine.cpu_of_server()
    os.sched_setaffinity(0, {machine.cpu_of_load()})
    try:
        async with _exchange(exchange) as (ws_url, rest_url):
            with _serving(name, ws_url, rest_url, port, server_cpu):
                client = await _client(name, f"ws://{HOST}:{port}/ws")
                async with asyncio.timeout(START_S):
                    await (exchange.is_subscribed if name == FLOORWIRE else exchange.is_connected).wait()
                for number in range(WARM + COUNT):
                    await asyncio.sleep(GAP_S)
                    sent_ns.append(exchange.send(number))
                await asyncio.sleep(0.5)
                said, _ = await client.communicate(b"")
    finally:
        os.sched_setaffinity(0, mine)
    received_ns = {int(number): at_ns for number, at_ns in json.loads(said).items()}
    found = Percentiles.of(
        (received_ns[number] - sent_ns[number]) / 1_000
        for number in range(WARM, WARM + COUNT)
        if number in received_ns
    )
    if found is None:
        raise ContestantError(f"nothing came through {name}")
    return found


@asynccontextmanager
async def _exchange(exchange: Exchange) -> AsyncIterator[tuple[str, str]]:
    """Run the exchange; yield the addresses of its streams and of its requests."""

    def accept(_request: WSUpgradeRequest) -> WSListener:
        return exchange

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, OSError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                body = json.dumps(LIST).encode()
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))

    streams, requests = free_port(), free_port()
    async with (
        await picows.ws_create_server(accept, HOST, streams),
        await asyncio.start_server(answer, HOST, requests),
    ):
        yield f"ws://{HOST}:{streams}", f"http://{HOST}:{requests}"


@contextmanager
def _serving(name: str, ws_url: str, rest_url: str, port: int, cpu: int) -> Iterator[None]:
    """Run the contestant on the CPU."""
    with tempfile.TemporaryDirectory() as folder:
        own = {"kind": "binance", "ws_url": ws_url, "rest_url": rest_url}
        settings = [f"--set=venues.binance.{key}={value}" for key, value in own.items()]
        floorwire = ["floorwire", "serve", "--venue=binance", f"--port={port}", f"--data={folder}", *settings]
        module = ["benchmarks.bare_relay", ws_url, str(port)] if name == RELAY else floorwire
        with subprocess.Popen(
            [sys.executable, "-m", *module],
            cwd=HERE.parent,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            try:
                os.sched_setaffinity(process.pid, {cpu})
                yield
            finally:
                process.terminate()
                process.wait(START_S)


async def _client(name: str, url: str) -> asyncio.subprocess.Process:
    """Run the client; return when it follows the trades."""
    client = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.relay_client", url, *(("subscribe",) if name == FLOORWIRE else ()),
        cwd=HERE.parent, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=1 << 20,
    )  # fmt: skip
    assert client.stdout is not None
    async with asyncio.timeout(START_S):
        if await client.stdout.readline() != b"ready\n":
            raise ContestantError(f"no client of {name}")
    return client
