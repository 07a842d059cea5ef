"""An order's way to an exchange: through a whole gateway with live orders, and straight to the exchange.

The exchange is the tests' fake one with OKX's face; it and the clients are one process on the load's CPU, so
that one clock tells all times. Straight, a client sends signed in, over the exchange's WebSocket. Through
Floorwire, another client's order is checked, its intent is made durable (one fdatasync), and then it is sent
the same way. So what is compared with the target is the difference of both, less the disk's own fdatasync.
An order of each way and one fdatasync take turns, and OKX's limit of orders is kept.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import picows
from picows import WSFrame, WSListener, WSMsgType, WSTransport
from tests.fake_exchange.okx import FakeOkx
from tests.fake_exchange.orders import Event, OrderChanged
from tests.live.faces import OKX, OTHERS, OURS, served
from tests.live.live_server import serving, until_open
from tests.trading.trader import key

from benchmarks import machine
from benchmarks.figures import Figure, TargetCheck, table
from floorwire.cli.load.percentiles import Percentiles

WARM, COUNT = 20, 300
PAUSE_S = 0.04
"""OKX allows 60 orders of an account and an instrument in two seconds."""
AT_MOST_US = 400.0
WITHIN_S = 20.0
BLOCK = 4_096
PRICE = "45000"
"""Below the market: the order rests."""


class Arrivals:
    """When each account's latest order was in the exchange's book."""

    def __init__(self) -> None:
        self.at_ns: dict[str, int] = {}

    def __call__(self, event: Event) -> None:
        """Note a new order."""
        if isinstance(event, OrderChanged) and event.kind == "NEW":
            self.at_ns[event.order.account] = time.monotonic_ns()


class Answers(WSListener):
    """A connection of a client. ``wait`` returns when the message that was waited for came."""

    def __init__(self) -> None:
        self._marks: tuple[bytes, ...] = ()
        self._found: asyncio.Future[int] | None = None
        self.last = b""

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Take a message: the time first."""
        now_ns = time.monotonic_ns()
        payload = frame.get_payload_as_bytes()
        if self._found is not None and all(mark in payload for mark in self._marks):
            self.last = payload
            self._found.set_result(now_ns)
            self._found = None

    def expect(self, *marks: bytes) -> asyncio.Future[int]:
        """Return when a message with all these marks comes, as a future."""
        self._marks, self._found = marks, asyncio.get_running_loop().create_future()
        return self._found


class OrderWay(msgspec.Struct, frozen=True):
    """One order: microseconds until the exchange had it, and until the client knew that."""

    arrived_us: float
    known_us: float


class Client:
    """Places orders over one connection, one after the other."""

    def __init__(self, transport: WSTransport, answers: Answers, arrivals: Arrivals, account: str) -> None:
        self.transport, self.answers = transport, answers
        self._arrivals, self._account = arrivals, account
        self._placed = 0

    async def place(self) -> OrderWay:
        """Place an order; return how long its way took."""
        self._placed += 1
        request, marks = self.order(f"b{self._placed}")
        known = self.answers.expect(*marks)
        self._arrivals.at_ns.pop(self._account, None)
        sent_ns = time.monotonic_ns()
        self.transport.send(WSMsgType.TEXT, msgspec.json.encode(request))
        async with asyncio.timeout(WITHIN_S):
            known_ns = await known
        arrived_ns = self._arrivals.at_ns[self._account]
        return OrderWay((arrived_ns - sent_ns) / 1_000, (known_ns - sent_ns) / 1_000)

    def order(self, name: str) -> tuple[dict[str, object], tuple[bytes, ...]]:
        """Return a new order, and what is in the message that the exchange has it."""
        raise NotImplementedError


class StraightClient(Client):
    """A client of the exchange. ``code``: the exchange's number of the instrument."""

    def __init__(
        self, transport: WSTransport, answers: Answers, arrivals: Arrivals, account: str, code: int
    ) -> None:
        super().__init__(transport, answers, arrivals, account)
        self._code = code

    def order(self, name: str) -> tuple[dict[str, object], tuple[bytes, ...]]:
        """Return a new order, and what its answer has."""
        terms = {"tdMode": "cash", "side": "buy", "ordType": "limit", "sz": "0.001", "px": PRICE}
        order: dict[str, object] = {
            "id": name,
            "op": "order",
            "args": [{"instIdCode": self._code, "clOrdId": name, **terms}],
        }
        return order, (f'"id":"{name}"'.encode(), b'"sCode":"0"')


class GatewayClient(Client):
    """A client of the gateway."""

    def order(self, name: str) -> tuple[dict[str, object], tuple[bytes, ...]]:
        """Return a new order, and what the event has that the exchange accepted it."""
        order: dict[str, object] = {"action": "order.place", "id": name, "client_order_id": name}
        terms = {"symbol": "BTC-USDT", "side": "buy", "type": "limit", "quantity": "0.001", "price": PRICE}
        return order | terms, (f'"client_order_id":"{name}"'.encode(), b'"event":"new"')


def compare(rounds: int) -> Iterator[str]:
    """Measure both ways and the disk by turns; yield the results."""
    found = [asyncio.run(_run()) for _ in range(rounds)]
    yield f"### An order's way to an exchange, {1 / (3 * PAUSE_S):.0f} a second"
    rows = [
        (
            name,
            *(Figure.of(getattr(one[name], each) for one in found).text(0) for each in ("p50_us", "p99_us")),
        )
        for name in found[0]
    ]
    yield table(("", "p50, us", "p99, us"), rows)
    over = [one[GATEWAY].p50_us - one[STRAIGHT].p50_us - one[DISK].p50_us for one in found]
    yield TargetCheck(
        "p50, us through Floorwire over straight and the disk's fdatasync", Figure.of(over), AT_MOST_US
    ).text()


STRAIGHT, GATEWAY = "straight, until the exchange has the order", "through Floorwire, the same"
ANSWERED, BOOKED = "straight, until the client has the answer", "through Floorwire, until the event `new`"
DISK = "fdatasync of 4 KiB, by turns with these"


async def _run() -> dict[str, Percentiles]:
    spent: dict[str, list[float]] = {name: [] for name in (STRAIGHT, GATEWAY, DISK, ANSWERED, BOOKED)}
    mine = os.sched_getaffinity(0)
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        try:
            async with _both(Path(folder)) as (straight, through):
                disk = Disk(Path(folder) / "plain", WARM + COUNT)
                for number in range(WARM + COUNT):
                    await asyncio.sleep(PAUSE_S)
                    directly = await straight.place()
                    await asyncio.sleep(PAUSE_S)
                    by_gateway = await through.place()
                    await asyncio.sleep(PAUSE_S)
                    if number >= WARM:
                        spent[STRAIGHT].append(directly.arrived_us)
                        spent[ANSWERED].append(directly.known_us)
                        spent[GATEWAY].append(by_gateway.arrived_us)
                        spent[BOOKED].append(by_gateway.known_us)
                        spent[DISK].append(await asyncio.to_thread(disk.write, number))
                disk.close()
        finally:
            os.sched_setaffinity(0, mine)
    percentiles = {name: Percentiles.of(each) for name, each in spent.items()}
    return {name: one for name, one in percentiles.items() if one is not None}


class Disk:
    """Writes into a file made before, as the journal's own writes do."""

    def __init__(self, path: Path, blocks: int) -> None:
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT)
        os.pwrite(self._handle, bytes(blocks * BLOCK), 0)
        os.fsync(self._handle)

    def write(self, number: int) -> float:
        """Write a block with fdatasync; return the microseconds."""
        started_ns = time.perf_counter_ns()
        os.pwrite(self._handle, bytes(range(256)) * (BLOCK // 256), number * BLOCK)
        os.fdatasync(self._handle)
        return (time.perf_counter_ns() - started_ns) / 1_000

    def close(self) -> None:
        """Close the file."""
        os.close(self._handle)


@asynccontextmanager
async def _both(folder: Path) -> AsyncIterator[tuple[StraightClient, GatewayClient]]:
    """Run the exchange and a gateway; yield a client of each."""
    os.sched_setaffinity(0, {machine.cpu_of_load()})
    async with served(OKX) as market:
        fake, arrivals = market.fake, Arrivals()
        assert isinstance(fake, FakeOkx)
        market.make_prices()
        fake.core.listeners.insert(0, arrivals)
        code = fake.requests.codes[market.market.symbol]
        straight = StraightClient(*await _logged_in(fake), arrivals, OTHERS, code)
        issued = key(folder / "data", money={})
        async with serving([market], folder) as server:
            _pin(server.process.pid, machine.cpu_of_server())
            await until_open(server, [market])
            answers = Answers()
            bearer = {"Authorization": f"Bearer {issued.key}.{issued.secret}"}
            transport, _ = await picows.ws_connect(lambda: answers, server.ws(), extra_headers=bearer)
            subscribed = answers.expect(b'"subscribed"')
            transport.send(WSMsgType.TEXT, b'{"action":"subscribe","channel":"orders","id":"s"}')
            await subscribed
            yield straight, GatewayClient(transport, answers, arrivals, OURS)
            transport.disconnect()
        straight.transport.disconnect()


async def _logged_in(fake: FakeOkx) -> tuple[WSTransport, Answers]:
    """Return a connection of the other account. OKX: signed once, at its login."""
    account, answers = fake.accounts[1], Answers()
    transport, _ = await picows.ws_connect(lambda: answers, f"{fake.ws}/private")
    stamp = str(fake.now_us() // 1_000_000)
    sign = account.sign(f"{stamp}GET/users/self/verify")
    login = {"apiKey": account.api_key, "passphrase": account.passphrase, "timestamp": stamp, "sign": sign}
    came = answers.expect(b'"login"')
    transport.send(WSMsgType.TEXT, msgspec.json.encode({"op": "login", "args": [login]}))
    await came
    return transport, answers


def _pin(pid: int, cpu: int) -> None:
    """Let all threads of a process run on one CPU."""
    for thread in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(thread.name), {cpu})
