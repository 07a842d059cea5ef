"""Subscribers that only read: as many as bring the server to the load that is asked for, and then no more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from tests.clients import PONG, RawClient
from tests.servers import Server

STEP: Final = 16
STEP_S: Final = 2.0
MOST: Final = 2_000
RECEIVE_BYTES: Final = 262_144
GROWS_FOR_S: Final = 200.0
BASES: Final = ("BTC", "ETH", "SOL", "XRP", "DOGE", "BNB", "ADA", "LINK", "AVAX", "LTC")
CHANNELS: Final = ("trades", "book", "ticker")


class Crowd:
    """Grows until the server uses ``load`` of a CPU, or for ``GROWS_FOR_S`` at most."""

    def __init__(self, server: Server, load: float, cpu_s: Callable[[], float]) -> None:
        self._server = server
        self._load = load
        self._cpu_s = cpu_s
        self._clients: list[RawClient] = []
        self._hung_up: list[RawClient] = []
        self.lost = 0
        """How often the server hung up on one: it may, where the machine stood still for seconds."""

    def __len__(self) -> int:
        return len(self._clients)

    async def run(self) -> None:
        """Grow, and read until cancelled. Connect again where the server hung up."""
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        try:
            while True:
                before_s, at_s = self._cpu_s(), loop.time()
                await asyncio.sleep(STEP_S)
                used = (self._cpu_s() - before_s) / (loop.time() - at_s)
                if used < self._load and at_s - began_s < GROWS_FOR_S and len(self._clients) < MOST:
                    for _ in range(STEP):
                        self._add(loop)
                self._replace_lost(loop)
                for client in self._clients:
                    self._send_pong(client)
        finally:
            for client in self._clients:
                if client not in self._hung_up:
                    loop.remove_reader(client.socket)
                client.socket.close()
            self._clients.clear()
            self._hung_up.clear()

    def _add(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            client = RawClient(self._server)
            status, _ = client.handshake()
        except (OSError, EOFError):  # not in time, on a machine that stands still: there is one less
            self.lost += 1
            return
        assert status == 101, status
        for channel in CHANNELS:
            symbols = [f"{base}-USDT" for base in BASES]
            client.ask("subscribe", channel=channel, symbols=symbols)
        client.socket.setblocking(False)
        loop.add_reader(client.socket, self._read, client)
        self._clients.append(client)

    def _send_pong(self, client: RawClient) -> None:
        with suppress(ConnectionError, BlockingIOError):  # `_read` learns of the end
            client.send(PONG, b"")

    def _replace_lost(self, loop: asyncio.AbstractEventLoop) -> None:
        lost, self._hung_up = self._hung_up, []
        for client in lost:
            self._clients.remove(client)
            client.socket.close()
            self._add(loop)
        self.lost += len(lost)

    def _read(self, client: RawClient) -> None:
        try:
            if client.socket.recv(RECEIVE_BYTES):
                return
        except BlockingIOError:
            return
        except ConnectionResetError:
            pass
        self._hung_up.append(client)
        asyncio.get_running_loop().remove_reader(client.socket)
