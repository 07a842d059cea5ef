"""The clients of ``live_orders``, in a process of their own: one at the exchange, one at the gateway.

It reads one line of JSON (``Task``), places orders by turns with writes to the disk, and prints ``Spent``.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path

import msgspec
import picows
import uvloop
from picows import WSFrame, WSListener, WSMsgType, WSTransport

PAUSE_S = 0.04
"""OKX allows 60 orders of an account and an instrument in two seconds."""
WITHIN_S = 20.0
BLOCK = 4_096
PRICE = "45000"
"""Below the market: the order rests."""


class Task(msgspec.Struct):
    """Where to connect, and how often to place orders."""

    exchange: str
    login: str
    code: int
    """The exchange's number of the instrument."""
    gateway: str
    bearer: str
    relays: list[str]
    """The bare order relay: into a file, and into a journal."""
    folder: str
    """On the disk that is measured."""
    count: int


class RelayedOrder(msgspec.Struct):
    """What the bare relay reads. It takes no longer to make than the others."""

    id: str
    quantity: str
    price: str


class Sent(msgspec.Struct):
    """When an order was sent, and when its client knew that the exchange has it."""

    sent_ns: int
    known_ns: int


class Spent(msgspec.Struct):
    """What came of it, in order."""

    straight: list[Sent] = []
    gateway: list[Sent] = []
    relay_ns: list[list[int]] = []
    """When orders were sent to each bare relay, which answers nothing."""
    disk_us: list[float] = []


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


class Client:
    """Places orders over one connection, one after the other."""

    def __init__(self, transport: WSTransport, answers: Answers) -> None:
        self._transport, self._answers = transport, answers
        self._placed = 0

    async def place(self) -> Sent:
        """Place an order; return when."""
        self._placed += 1
        sent_ns = time.monotonic_ns()
        request, marks = self.order(f"b{self._placed}")
        known = self._answers.expect(*marks)
        self._transport.send(WSMsgType.TEXT, msgspec.json.encode(request))
        async with asyncio.timeout(WITHIN_S):
            return Sent(sent_ns, await known)

    def order(self, name: str) -> tuple[dict[str, object], tuple[bytes, ...]]:
        """Return a new order, and what is in the message that the exchange has it."""
        raise NotImplementedError


class StraightClient(Client):
    """A client of the exchange. ``code``: the exchange's number of the instrument."""

    def __init__(self, transport: WSTransport, answers: Answers, code: int) -> None:
        super().__init__(transport, answers)
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


async def run(task: Task) -> Spent:
    """Place the orders."""
    answers = Answers()
    transport, _ = await picows.ws_connect(lambda: answers, task.exchange)
    known = answers.expect(b'"login"')
    transport.send(WSMsgType.TEXT, task.login.encode())
    await known
    straight = StraightClient(transport, answers, task.code)
    events, bearer = Answers(), {"Authorization": f"Bearer {task.bearer}"}
    follower, _ = await picows.ws_connect(lambda: events, task.gateway, extra_headers=bearer)
    known = events.expect(b'"subscribed"')
    follower.send(WSMsgType.TEXT, b'{"action":"subscribe","channel":"orders","id":"s"}')
    await known
    through, spent = GatewayClient(follower, events), Spent()
    relays = [(await picows.ws_connect(WSListener, relay))[0] for relay in task.relays]
    disk = Disk(Path(task.folder) / "plain", task.count)
    for number in range(task.count):
        await asyncio.sleep(PAUSE_S)
        spent.straight.append(await straight.place())
        await asyncio.sleep(PAUSE_S)
        spent.gateway.append(await through.place())
        spent.relay_ns.append([])
        for place, relay in enumerate(relays):
            await asyncio.sleep(PAUSE_S)
            spent.relay_ns[-1].append(time.monotonic_ns())
            order = RelayedOrder(f"r{number}x{place}", "0.001", PRICE)
            relay.send(WSMsgType.TEXT, msgspec.json.encode(order))
        await asyncio.sleep(PAUSE_S)
        spent.disk_us.append(await asyncio.to_thread(disk.write, number))
    disk.close()
    for one in (transport, follower, *relays):
        one.disconnect()
    return spent


if __name__ == "__main__":
    print(msgspec.json.encode(uvloop.run(run(msgspec.json.decode(sys.stdin.readline(), type=Task)))).decode())
