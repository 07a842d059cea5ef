"""Runs all kinds of venues in one server, floods one of them now and then, and looks at the others.

    python -m tests.live.side_by_side --minutes 10 --flooded okx

The venues are the five fake exchanges, the simulator and a recording. Slices without and with a flood come by
turns. For each other venue the table has its trades, the time from the exchange's trade to the client (of the
simulator and the recording: from the server's sending), and its faults: a book that was wrong, late, crossed
or lost. It ends with 0 if no other venue had a fault, and if the 99th percentile of none became worse by more
than ``--most-ms``. The flooded exchange is in a process of its own, with its client.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from benchmarks import machine
from tests.fake_exchange.flow import SeededFlow
from tests.live.beside import beside
from tests.live.faces import FACES, Face, FakeMarket, served
from tests.live.market_books import BookHistory, WatchedFeed
from tests.live.market_faces import FACES as MARKET_FACES
from tests.servers import Server, floorwire

RECORDING = Path(__file__).parent.parent / "recorded" / "okx"
RECORDED = "ABC-USDT"
PLAYED = "played"
SIMULATED = "BTC-USDT"
STEP_S = 0.02
"""Others trade so often at each exchange."""
SETTLE_S = 2.0
"""Of each slice so much is not counted."""


class Watched:
    """What a client sees of one venue."""

    def __init__(self, name: str, symbol: str, feed: WatchedFeed | None) -> None:
        """``feed``: compares the book with the exchange's. None: there is none to compare with."""
        self.name, self.symbol, self.feed = name, symbol, feed
        self.delays_ms: dict[bool, list[float]] = {False: [], True: []}
        """Of trades, without and with the flood."""
        self.faults = {False: 0, True: 0}
        self.is_flooded: bool | None = None
        """None: the slice is not counted yet."""
        self._problems = 0
        self._tells_losses = name != PLAYED
        """A recording that begins again says so: that is no fault."""

    def receive(self, text: str | bytes) -> None:
        """Take in a message."""
        came_us, message = time.time_ns() // 1000, json.loads(text)
        if self.is_flooded is not None:
            if message.get("channel") == "trades" and message.get("event") != "gap":
                sent_us = message["ts" if self.feed else "sent"]
                self.delays_ms[self.is_flooded].append((came_us - sent_us) / 1000)
            elif self._tells_losses and ("feed" in message or message.get("event") == "gap"):
                self.faults[self.is_flooded] += 1
        if self.feed is not None:
            self.feed.receive(message)
            if self.is_flooded is not None:
                self.faults[self.is_flooded] += len(self.feed.problems) - self._problems
            self._problems = len(self.feed.problems)

    async def follow(self, address: str) -> None:
        """Subscribe, and take in what comes."""
        async with connect(address, max_size=None, max_queue=None) as socket:
            with suppress(ConnectionClosed):
                for channel in ("trades", "book"):
                    await _subscribe(socket, channel, self.symbol)
                async for text in socket:
                    self.receive(text)


async def _subscribe(socket: ClientConnection, channel: str, symbol: str) -> None:
    """Subscribe, as soon as the symbol is listed."""
    request: dict[str, str | int] = {"action": "subscribe", "channel": channel, "symbol": symbol, "id": 1}
    if channel == "book":
        request["depth"] = 500
    while True:
        await socket.send(json.dumps(request))
        while "status" not in (reply := json.loads(await socket.recv())):
            pass
        if reply["status"] != "error":
            return
        await asyncio.sleep(0.2)


async def trade(flow: SeededFlow) -> None:
    while True:
        await asyncio.sleep(STEP_S)
        flow.step()


# --- the flooded exchange, in a process of its own -------------------------------------------------------


async def flooded(face: Face, steps_a_second: int) -> None:
    """Serve the exchange. It reads lines: the server's address, then ``1`` or ``0`` for the flood."""
    async with served(face) as market:
        flow = market.flow()
        print(market.fake.port, flush=True)
        reader = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        address = (await reader.readline()).decode().strip()
        client = Watched(face.kind, f"{face}:{face.symbol}", None)
        async with beside(client.follow(address), trade(flow)):
            is_flooded = False
            reading = asyncio.create_task(reader.readline())
            while True:
                await asyncio.sleep(STEP_S)
                if reading.done():
                    line = reading.result().strip()
                    if not line:
                        return
                    is_flooded = line == b"1"
                    reading = asyncio.create_task(reader.readline())
                for _ in range(int(steps_a_second * STEP_S) if is_flooded else 0):
                    flow.step()


@asynccontextmanager
async def flooding(face: Face, steps_a_second: int) -> AsyncIterator[tuple[int, asyncio.StreamWriter]]:
    """Run that process; give the exchange's port, and what it reads."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.live.side_by_side", "--exchange", str(face)),
        *("--flood", str(steps_a_second)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield int(await process.stdout.readline()), process.stdin
    finally:
        process.stdin.close()
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), 5)
        if process.returncode is None:
            process.kill()


# --- the run -----------------------------------------------------------------------------------------------


@asynccontextmanager
async def serving(folder: Path, ports: dict[Face, int]) -> AsyncIterator[Server]:
    """Run a server with all venues. The simulator is the default one."""
    names = ["sim", *map(str, ports), f"replay:{RECORDING},id={PLAYED}"]
    lines = [f"venue = {json.dumps(names)}", "[replay]", "loop = true"]
    for face, port in ports.items():
        lines += [f"[venues.{face}]", f'symbols = ["{face.symbol}"]']
        lines += [f'ws_url = "ws://127.0.0.1:{port}"', f'rest_url = "http://127.0.0.1:{port}"']
    config = folder / "floorwire.toml"
    config.write_text("\n".join([*lines, ""]))
    process = floorwire("--config", str(config))
    server = await asyncio.to_thread(process.__enter__)
    try:
        yield server
    finally:
        await asyncio.to_thread(process.__exit__, None, None, None)


def watched(market: FakeMarket) -> Watched:
    """Return what a client sees of this exchange."""
    depth = next(one.depth for one in MARKET_FACES if one.face is market.face)
    feed = WatchedFeed([market.market], BookHistory(market.core, depth), f"{market.face}:")
    return Watched(str(market.face), f"{market.face}:{market.face.symbol}", feed)


async def run(
    flooded_face: Face, seconds: float, slice_s: float, steps_a_second: int, most_ms: float
) -> list[str]:
    """Run all, and print the table. Return what is wrong with each venue that was not flooded."""
    cpu: dict[bool, list[float]] = {False: [], True: []}
    async with AsyncExitStack() as stack:
        markets = [
            await stack.enter_async_context(served(face)) for face in FACES if face is not flooded_face
        ]
        await stack.enter_async_context(beside(*(trade(market.flow()) for market in markets)))
        port, writer = await stack.enter_async_context(flooding(flooded_face, steps_a_second))
        ports = {market.face: market.fake.port for market in markets} | {flooded_face: port}
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = await stack.enter_async_context(serving(folder, ports))
        writer.write(f"{server.ws()}\n".encode())
        venues = [*map(watched, markets), Watched("sim", SIMULATED, None)]
        venues.append(Watched(PLAYED, f"{PLAYED}:{RECORDED}", None))
        await stack.enter_async_context(beside(*(venue.follow(server.ws()) for venue in venues)))
        await asyncio.sleep(5)
        begin, is_flooded = time.monotonic(), False
        while time.monotonic() - begin < seconds:
            writer.write(b"1\n" if is_flooded else b"0\n")
            await asyncio.sleep(SETTLE_S)
            before_s, at_s = cpu_s(server), time.monotonic()
            for venue in venues:
                venue.is_flooded = is_flooded
            await asyncio.sleep(slice_s)
            for venue in venues:
                venue.is_flooded = None
            cpu[is_flooded].append((cpu_s(server) - before_s) / (time.monotonic() - at_s))
            is_flooded = not is_flooded
        problems = [f"{one.name}: {what}" for one in venues if one.feed for what in one.feed.problems[:3]]
        downs = [line for line in server.log.splitlines() if "link down" in line]
    print_table(venues, cpu, flooded_face)
    downs = [line for line in downs if f"venue={flooded_face}" not in line]
    return verdict(venues, most_ms) + problems + downs


def cpu_s(server: Server) -> float:
    """Return how much CPU time the server has used."""
    return int(Path(f"/proc/{server.process.pid}/schedstat").read_text().split()[0]) / 1e9


def percentile(values: Sequence[float], part: float) -> float:
    """Return a percentile; 0 where there are no values."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else 0.0


def print_table(venues: Sequence[Watched], cpu: dict[bool, list[float]], face: Face) -> None:
    """Print what was measured, as Markdown."""
    columns = ("trades", "p50 ms", "p99 ms", "faults")
    print("| venue |", " | ".join((*columns, f"trades while {face} is flooded", *columns[1:])), "|")
    print("| --- " * 9 + "|")
    for venue in venues:
        cells = []
        for is_flooded in (False, True):
            delays = venue.delays_ms[is_flooded]
            cells += [str(len(delays)), f"{percentile(delays, 0.5):.1f}", f"{percentile(delays, 0.99):.1f}"]
            cells.append(str(venue.faults[is_flooded]))
        print(f"| {venue.name} | {' | '.join(cells)} |")
    for is_flooded, shares in cpu.items():
        share = statistics.mean(shares) if shares else 0.0
        print(f"\nCPU of the server {'with' if is_flooded else 'without'} the flood: {share:.0%} of one CPU")
    for line in machine.disturbances():
        print(f"\ndisturbed: {line}")


def verdict(venues: Sequence[Watched], most_ms: float) -> list[str]:
    """Return what the flood did to others."""
    wrong = [f"{venue.name} had {venue.faults[True]} faults" for venue in venues if venue.faults[True]]
    for venue in venues:
        worse = percentile(venue.delays_ms[True], 0.99) - percentile(venue.delays_ms[False], 0.99)
        if worse > most_ms:
            wrong.append(f"{venue.name}: the 99th percentile is {worse:.1f} ms worse")
        if not venue.delays_ms[True]:
            wrong.append(f"{venue.name} had no trades")
    return wrong


def main() -> None:
    """Run, print the table, and say whether anything was disturbed."""
    parser = argparse.ArgumentParser(description="Several kinds of venues at once, one of them flooded.")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--slice", type=float, default=28.0, help="seconds of a slice, without its beginning")
    parser.add_argument("--flooded", choices=[str(face) for face in FACES], default="okx")
    parser.add_argument("--flood", type=int, default=2_000, help="orders a second of the flood")
    parser.add_argument("--most-ms", type=float, default=50.0, help="how much worse a 99th percentile may be")
    parser.add_argument("--exchange", choices=[str(face) for face in FACES], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    faces = {str(face): face for face in FACES}
    if arguments.exchange:
        asyncio.run(flooded(faces[arguments.exchange], arguments.flood))
        return
    wrong = asyncio.run(
        run(
            faces[arguments.flooded],
            arguments.minutes * 60,
            arguments.slice,
            arguments.flood,
            arguments.most_ms,
        )
    )
    print("\n".join(["", *(f"WRONG: {one}" for one in wrong), "" if wrong else "all is well"]))
    raise SystemExit(bool(wrong))


if __name__ == "__main__":
    main()
