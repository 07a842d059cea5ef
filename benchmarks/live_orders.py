"""An order's way to an exchange: through a whole gateway with live orders, and straight to the exchange.

The exchange is the tests' fake one with OKX's face. The clients are one process, on the load's CPU like the
exchange: so an order wakes the exchange on both ways. Straight, a client sends over the exchange's WebSocket,
where it signed in. Through Floorwire, an order is checked, its intent is made durable (one fdatasync), and it
is sent the same way. What is compared with the target is the difference of both, less the disk's fdatasync.
Beside it a bare relay makes each order durable, sends it on, and does nothing else. Once it writes it into a
file that was made before, and once it appends it to a journal as Floorwire's.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
from tests.fake_exchange.okx import FakeOkx
from tests.fake_exchange.orders import Event, OrderChanged
from tests.live.faces import OKX, OTHERS, OURS, served
from tests.live.live_server import serving, until_open
from tests.trading.trader import key

from benchmarks import machine
from benchmarks.bare_order_relay import RelayTask
from benchmarks.bare_relay import HOST
from benchmarks.contestants import HERE, ContestantError
from benchmarks.figures import Figure, TargetCheck, table
from benchmarks.order_clients import PAUSE_S, Spent, Task
from floorwire.cli.load.percentiles import Percentiles

WARM, COUNT = 20, 300
AT_MOST_US = 400.0
STRAIGHT, GATEWAY = "straight, until the exchange has the order", "through Floorwire, the same"
RELAYED = "through a bare relay that writes it into a file, the same"
JOURNALLED = "through a bare relay that appends it to a journal, the same"
RELAYS = (RELAYED, JOURNALLED)
PHASES = 3 + len(RELAYS)
"""What takes turns: both ways, the relays, the disk."""
ANSWERED, BOOKED = "straight, until the client has the answer", "through Floorwire, until the event `new`"
DISK = "fdatasync of 4 KiB, by turns with these"


class Arrivals:
    """When each order was in the exchange's book, by account."""

    def __init__(self) -> None:
        self.at_ns: dict[str, list[int]] = {OURS: [], OTHERS: []}

    def __call__(self, event: Event) -> None:
        """Note a new order."""
        if isinstance(event, OrderChanged) and event.kind == "NEW":
            self.at_ns[event.order.account].append(time.monotonic_ns())


def compare(rounds: int) -> Iterator[str]:
    """Measure both ways and the disk by turns; yield the results."""
    found = [asyncio.run(_run()) for _ in range(rounds)]
    yield f"### An order's way to an exchange, {1 / (PHASES * PAUSE_S):.0f} a second"
    p50 = {name: Figure.of(one[name].p50_us for one in found) for name in found[0]}
    p99 = {name: Figure.of(one[name].p99_us for one in found) for name in found[0]}
    yield table(("", "p50, us", "p99, us"), [(name, p50[name].text(0), p99[name].text(0)) for name in p50])
    for name, way in (
        ("a bare relay", RELAYED),
        ("a bare relay with a journal", JOURNALLED),
        ("Floorwire", GATEWAY),
    ):
        over = [one[way].p50_us - one[STRAIGHT].p50_us - one[DISK].p50_us for one in found]
        yield TargetCheck(
            f"p50, us through {name} over straight and the disk's fdatasync", Figure.of(over), AT_MOST_US
        ).text()


async def _run() -> dict[str, Percentiles]:
    mine = os.sched_getaffinity(0)
    server_cpu, load_cpu = machine.cpu_of_server(), machine.cpu_of_load()
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:
        folder = Path(name)
        issued = key(folder / "data", money={})
        os.sched_setaffinity(0, {load_cpu})
        try:
            async with served(OKX) as market:
                fake, arrivals = market.fake, Arrivals()
                assert isinstance(fake, FakeOkx)
                market.make_prices()
                fake.core.listeners.insert(0, arrivals)
                async with serving([market], folder) as server:
                    _pin(server.process.pid, server_cpu)
                    await until_open(server, [market])
                    to_exchange = RelayTask(
                        exchange=f"{fake.ws}/private",
                        login=_login(fake),
                        code=fake.requests.codes[market.market.symbol],
                        folder=name,
                        count=WARM + COUNT,
                    )
                    async with _relays(to_exchange, server_cpu) as relays:
                        task = Task(
                            exchange=to_exchange.exchange,
                            login=to_exchange.login,
                            code=to_exchange.code,
                            gateway=server.ws(),
                            bearer=f"{issued.key}.{issued.secret}",
                            relays=relays,
                            folder=name,
                            count=WARM + COUNT,
                        )
                        spent = await _place(task)
        finally:
            os.sched_setaffinity(0, mine)
    return _percentiles(spent, arrivals)


@asynccontextmanager
async def _relays(task: RelayTask, cpu: int) -> AsyncIterator[list[str]]:
    """Run the bare relay; yield its addresses."""
    relay = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.bare_order_relay", cwd=HERE.parent,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        assert relay.stdin is not None
        assert relay.stdout is not None
        relay.stdin.write(msgspec.json.encode(task) + b"\n")
        ports = (await relay.stdout.readline()).split()
        _pin(relay.pid, cpu)
        yield [f"ws://{HOST}:{int(port)}" for port in ports]
    finally:
        relay.kill()
        await relay.wait()


async def _place(task: Task) -> Spent:
    """Run the clients."""
    clients = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.order_clients", cwd=HERE.parent,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    said, _ = await clients.communicate(msgspec.json.encode(task) + b"\n")
    if clients.returncode:
        raise ContestantError("the clients failed")
    return msgspec.json.decode(said, type=Spent)


def _percentiles(spent: Spent, arrivals: Arrivals) -> dict[str, Percentiles]:
    found: dict[str, list[float]] = {}
    of_others, each = arrivals.at_ns[OTHERS], 1 + len(RELAYS)  # straight and through each relay, by turns
    for names, orders, arrived_ns in (
        ((STRAIGHT, ANSWERED), spent.straight, of_others[::each]),
        ((GATEWAY, BOOKED), spent.gateway, arrivals.at_ns[OURS]),
    ):
        for order, at_ns in list(zip(orders, arrived_ns, strict=True))[WARM:]:
            found.setdefault(names[0], []).append((at_ns - order.sent_ns) / 1_000)
            found.setdefault(names[1], []).append((order.known_ns - order.sent_ns) / 1_000)
    for place, name in enumerate(RELAYS):
        sent_ns = [sent[place] for sent in spent.relay_ns]
        relayed = list(zip(sent_ns, of_others[1 + place :: each], strict=True))[WARM:]
        found[name] = [(arrived_ns - at_ns) / 1_000 for at_ns, arrived_ns in relayed]
    found[DISK] = spent.disk_us[WARM:]
    percentiles = {
        name: Percentiles.of(found[name]) for name in (STRAIGHT, *RELAYS, GATEWAY, DISK, ANSWERED, BOOKED)
    }
    return {name: one for name, one in percentiles.items() if one is not None}


def _login(fake: FakeOkx) -> str:
    """Return the message that signs the other account in. OKX: signed once, for the connection."""
    account, stamp = fake.accounts[1], str(fake.now_us() // 1_000_000)
    sign = account.sign(f"{stamp}GET/users/self/verify")
    login = {"apiKey": account.api_key, "passphrase": account.passphrase, "timestamp": stamp, "sign": sign}
    return msgspec.json.encode({"op": "login", "args": [login]}).decode()


def _pin(pid: int, cpu: int) -> None:
    """Let all threads of a process run on one CPU."""
    for thread in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(thread.name), {cpu})
