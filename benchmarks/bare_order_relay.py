"""A bare order relay: makes an order durable, then sends it to the exchange.

It reads one line of JSON (``RelayTask``) and prints the ports that it listens on: one for orders that are
written into a file made before, and one for orders that are appended to a journal as Floorwire's. It checks
nothing, keeps nothing and answers nothing: the lower limit of what makes an order durable between a client
and an exchange, in this language and with these libraries.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from threading import Thread

import msgspec
import picows
import uvloop
from picows import WSFrame, WSListener, WSMsgType, WSTransport, WSUpgradeRequest

from benchmarks.bare_relay import HOST
from benchmarks.order_clients import BLOCK, Answers, RelayedOrder
from floorwire.storage.journal import JournalEntry, JournalError
from floorwire.storage.journal_sqlite import SqliteJournal
from floorwire.storage.loop_notifier import LoopNotifier

JOURNAL_RECORDS = 10_000
"""Records that may wait for the journal."""


class RelayTask(msgspec.Struct):
    """Where to send orders, and where to write them. ``code``: the exchange's number of the instrument."""

    exchange: str
    login: str
    code: int
    folder: str
    count: int


class Intents:
    """Writes orders into a file made before, in a thread. ``send`` is called when one is on the disk."""

    def __init__(self, path: Path, count: int, sent: LoopNotifier[RelayedOrder]) -> None:
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT)
        os.pwrite(self._handle, bytes(count * BLOCK), 0)
        os.fsync(self._handle)
        self._waiting = SimpleQueue[tuple[RelayedOrder, bytes]]()
        self._durable = sent
        Thread(target=self._run, daemon=True).start()

    def put(self, order: RelayedOrder, payload: bytes) -> None:
        """Write an order."""
        self._waiting.put((order, payload))

    def _run(self) -> None:
        number = 0
        while True:
            order, payload = self._waiting.get()
            os.pwrite(self._handle, payload.ljust(BLOCK), number * BLOCK)
            os.fdatasync(self._handle)
            self._durable.notify(order)
            number += 1


class Journalled:
    """Appends orders to a journal. ``send`` is called when one is durable."""

    def __init__(self, folder: Path, send: Callable[[RelayedOrder], None]) -> None:
        self._journal = SqliteJournal(folder, JOURNAL_RECORDS)
        self._send = send

    def put(self, order: RelayedOrder, payload: bytes) -> None:
        """Append an order."""
        entry = JournalEntry("account", "submitting", time.time_ns() // 1_000, payload)
        self._journal.append([entry], partial(self._on_durable, order))

    def _on_durable(self, order: RelayedOrder, error: JournalError | None) -> None:
        if error is not None:
            raise error
        self._send(order)


class Relay(WSListener):
    """The side of the client."""

    def __init__(self, put: Callable[[RelayedOrder, bytes], None]) -> None:
        """``put`` makes an order durable, and sends it."""
        self._put = put
        self._decode = msgspec.json.Decoder(RelayedOrder).decode

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Take an order."""
        payload = frame.get_payload_as_bytes()
        self._put(self._decode(payload), payload)


async def main(task: RelayTask) -> None:
    """Run until the exchange ends."""
    answers, encode = Answers(), msgspec.json.Encoder().encode
    exchange, _ = await picows.ws_connect(lambda: answers, task.exchange)
    known = answers.expect(b'"login"')
    exchange.send(WSMsgType.TEXT, task.login.encode())
    await known

    def send(order: RelayedOrder) -> None:
        terms = {"tdMode": "cash", "side": "buy", "ordType": "limit", "sz": order.quantity, "px": order.price}
        args = [{"instIdCode": task.code, "clOrdId": order.id, **terms}]
        exchange.send(WSMsgType.TEXT, encode({"id": order.id, "op": "order", "args": args}))

    durable = LoopNotifier(send)
    durable.start()
    intents = Intents(Path(task.folder) / "relayed", task.count, durable)
    journalled = Journalled(Path(task.folder) / "journalled", send)
    servers = [
        await picows.ws_create_server(partial(_accept, put), HOST, 0) for put in (intents.put, journalled.put)
    ]
    print(*(server.sockets[0].getsockname()[1] for server in servers), flush=True)
    await exchange.wait_disconnected()


def _accept(put: Callable[[RelayedOrder, bytes], None], _request: WSUpgradeRequest) -> WSListener:
    return Relay(put)


if __name__ == "__main__":
    uvloop.run(main(msgspec.json.decode(sys.stdin.readline(), type=RelayTask)))
