"""Run a server at half load with clients of all kinds. Does it hold more and more? ``make soak``.

Prints tables in Markdown for docs/operations.md. Exits with 1 if resident or private memory, descriptors,
threads or the growth of the logs differ by more than 2% between the minute after the fifth one and the last.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import sys
import tempfile
from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import date
from functools import partial
from pathlib import Path
from typing import Final

import httpx2
from websockets.exceptions import WebSocketException

from benchmarks import machine
from tests.servers import Server, running
from tests.soak import market_clients, trading_clients
from tests.soak.crowd import Crowd
from tests.soak.rounds import Rounds
from tests.soak.samples import SETTLED_S, WINDOW_S, Sample, judge, sample, table, verdict_table
from tests.trading.trader import key, serve_arguments

EVERY_S: Final = 10.0
MOST_LOST: Final = 20
"""How often one client may lose its connection."""
ROWS: Final = 20
NEEDED_FILES: Final = 4_096
LOG_SHOWN: Final = 4_000
"""Characters of the server's log, for whoever looks for a reason."""
SETTINGS: Final = (
    "--set=resume.bytes=65536",
    "--set=resume.seconds=20",
    "--set=outbox.bytes=131072",
    "--set=storage.snapshot_records=20000",
    "--set=ping.interval_s=5",
    "--set=limits.commands_per_second=10000",
    "--set=risk.orders_per_second=10000",
)
"""Small rings: all is full after five minutes."""
MONEY: Final = {"USDT": "10000000", "BTC": "100", "ETH": "1000", "SOL": "10000"}
TRADED: Final = {"alice": "BTC-USDT", "bob": "ETH-USDT", "carol": "SOL-USDT"}
WANTED: Final = (
    "events in JSON",
    "events in MessagePack",
    "resumes",
    "slow readers (conflate)",
    "slow readers (disconnect)",
    "orders at the market",
    "orders cancelled",
    "orders that end at once",
    "orders cancelled by a guard (disconnect)",
    "orders cancelled by a guard (deadman)",
    "REST queries",
    "good sign-ins",
    "bad sign-ins",
    "HTTP probes",
)


class Soak:
    """One run: the server, its clients and the samples."""

    def __init__(self, server: Server, folder: Path, load: float) -> None:
        self.samples: list[Sample] = []
        self.rounds = Rounds()
        self.subscribers = 0
        """How many of the crowd read at the end."""
        self.lost = 0
        """How often a client lost its connection against its will."""
        self.crowd = Crowd(server, load, lambda: self._sample(0.0).cpu_s)
        self._server = server
        self._folder = folder

    def _sample(self, at_s: float) -> Sample:
        logs = (self._server.log_path, self._folder / "audit.jsonl")
        return sample(self._server.process.pid, at_s, logs, self._folder)

    def clients(self) -> list[Callable[[], Coroutine[None, None, None]]]:
        """Return what each client does, until it is cancelled."""
        server, rounds = self._server, self.rounds
        keys = {account: key(self._folder, account, money=MONEY) for account in (*TRADED, "dave", "erin")}
        return [
            *(partial(market_clients.subscriber, server, rounds, is_msgpack) for is_msgpack in (False, True)),
            *(partial(market_clients.resumer, server, rounds) for _ in range(3)),
            *(
                partial(market_clients.slow_reader, server, rounds, contract)
                for contract in ("conflate", "disconnect")
            ),
            partial(market_clients.prober, server, rounds),
            partial(market_clients.stranger, server, rounds),
            *(
                partial(trading_clients.order_flow, server, rounds, keys[name], symbol)
                for name, symbol in TRADED.items()
            ),
            partial(trading_clients.guarded, server, rounds, keys["dave"]),
            partial(trading_clients.rest, server, rounds, keys["alice"]),
            partial(trading_clients.sign_ins, server, rounds, keys["erin"]),
        ]

    async def _again(self, client: Callable[[], Coroutine[None, None, None]]) -> None:
        """Run a client. Begin again where it lost its connection, as on a machine that stands still."""
        for _ in range(MOST_LOST):
            with suppress(OSError, EOFError, TimeoutError, WebSocketException, httpx2.TransportError):
                await client()
            self.lost += 1
            await asyncio.sleep(1)
        raise ConnectionError("a client lost its connection again and again")

    async def run(self, minutes: float) -> None:
        """Run the clients for the time, and take samples."""
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(self._again(one)) for one in (self.crowd.run, *self.clients())]
            while (at_s := loop.time() - began_s) < 60 * minutes:
                self.samples.append(self._sample(at_s))
                print(f"{at_s / 60:.1f} min: {self.samples[-1]}", file=sys.stderr, flush=True)
                await asyncio.sleep(EVERY_S)
            self.subscribers = len(self.crowd)
            for task in running:
                task.cancel()


def _command(folder: Path) -> list[str]:
    """Return the command of a server in an interpreter of its own: its memory is measured."""
    return [sys.executable, *serve_arguments(folder, *SETTINGS)]


def main() -> None:
    """Run the soak that the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--load", type=float, default=0.5, help="of one CPU that the server uses")
    asked = parser.parse_args()
    if asked.minutes * 60 < SETTLED_S + 2 * WINDOW_S:
        parser.error(f"--minutes: at least {(SETTLED_S + 2 * WINDOW_S) / 60:.0f}")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, NEEDED_FILES)), hard))
    with tempfile.TemporaryDirectory() as name, running(_command(Path(name))) as server:
        soak = Soak(server, Path(name), asked.load)
        try:
            asyncio.run(soak.run(asked.minutes))
        finally:
            print(server.log[-LOG_SHOWN:], file=sys.stderr)
    verdicts = judge(soak.samples)
    print(f"`make soak MINUTES={asked.minutes:g}`, {date.today().isoformat()}, on {machine.description()}.")
    print(f"{soak.subscribers} subscribers brought the server to its load.\n")
    print("\n".join(table(soak.samples, asked.minutes * 60 / ROWS)), end="\n\n")
    print("\n".join(verdict_table(verdicts)), end="\n\n")
    print("\n".join(soak.rounds.lines()))
    print(f"- connections lost while the machine was busy: {soak.lost + soak.crowd.lost}")
    missing = soak.rounds.missing(*WANTED)
    if missing:
        sys.exit(f"soak: never done: {', '.join(missing)}")
    if not all(verdict.holds for verdict in verdicts):
        sys.exit("soak: the server does not hold what it held")


if __name__ == "__main__":
    main()
