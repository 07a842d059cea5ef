"""A TCP proxy that cuts, stalls and delays what goes through it, as a seed says."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from random import Random

CHUNK = 65_536


class FaultyProxy:
    """Passes bytes on to one port. Each connection lives for a random time, then it is harmed."""

    def __init__(self, port: int, random: Random, life_s: float, stall_s: float) -> None:
        """``life_s``: the mean time until a connection is harmed. ``stall_s``: how long a stall lasts."""
        self._port = port
        self._random = random
        self._life_s = life_s
        self._stall_s = stall_s
        self._tasks: set[asyncio.Task[None]] = set()
        self.is_faulty = True
        """False: new connections are left in peace."""
        self.harm: Counter[str] = Counter()
        """What was done, and how often."""

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._port)
        except OSError:
            writer.close()
            self._tasks.discard(task)
            return
        gate = asyncio.Event()
        gate.set()
        up = asyncio.create_task(self._pass(reader, back, gate))
        down = asyncio.create_task(self._pass(there, writer, gate))
        harm = asyncio.create_task(self._harm(gate, (writer, back)))
        try:
            await asyncio.wait({up, down, harm}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in (up, down, harm):
                one.cancel()
            await asyncio.wait({up, down, harm})
            for end in (writer, back):
                end.close()
            self._tasks.discard(task)

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, gate: asyncio.Event
    ) -> None:
        with suppress(OSError):
            while data := await reader.read(CHUNK):
                await gate.wait()
                if self.is_faulty and self._random.random() < 0.02:
                    self.harm["delay"] += 1
                    await asyncio.sleep(self._random.uniform(0, 0.05))
                writer.write(data)
                await writer.drain()

    async def _harm(self, gate: asyncio.Event, ends: tuple[asyncio.StreamWriter, ...]) -> None:
        """Harm the connection after a time: cut it, reset it, or stall it and then cut it or let it go on."""
        while True:
            await asyncio.sleep(self._random.expovariate(1 / self._life_s))
            if not self.is_faulty:
                await asyncio.Event().wait()
            kind = self._random.choice(("cut", "reset", "stall", "stall and cut"))
            self.harm[kind] += 1
            if kind.startswith("stall"):
                gate.clear()
                await asyncio.sleep(self._random.uniform(0, self._stall_s))
                gate.set()
            if kind == "reset":
                for end in ends:
                    _reset(end)
            if kind != "stall":
                return

    async def aclose(self) -> None:
        """End all connections."""
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(set(self._tasks))


def _reset(writer: asyncio.StreamWriter) -> None:
    """End it by a reset: what the kernel still has of it is lost."""
    connection: socket.socket = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@asynccontextmanager
async def faulty_proxy(
    port: int, random: Random, life_s: float, stall_s: float
) -> AsyncIterator[tuple[FaultyProxy, int]]:
    """Run a proxy to this port; yield it, and its own port."""
    proxy = FaultyProxy(port, random, life_s, stall_s)
    server = await asyncio.start_server(proxy.handle, "127.0.0.1", 0)
    try:
        yield proxy, server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await proxy.aclose()
        await server.wait_closed()
