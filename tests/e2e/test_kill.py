"""Sockets are killed at random moments; whoever comes back with resume loses nothing unannounced."""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from collections.abc import Callable

import msgspec
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from tests.clients import MSGPACK
from tests.servers import Server, metrics, scripted
from tests.stream_checker import Message, StreamChecker, StreamName, content

SEED = int(os.environ.get("TEST_SEED", "20260101"))
NAMES = (
    StreamName("trades", "BTC-USDT", None),
    StreamName("ticker", "ETH-USDT", None),
    StreamName("book", "BTC-USDT", 10),
    StreamName("candles", "DOGE-USDT", "1s"),
)
RESUME_S = 1.0
CATCHES_UP_WITHIN_S = 30
Truth = dict[tuple[StreamName, str, int, str], Message]


class Crowd:
    """Clients of one server, and what everybody was told."""

    def __init__(self, server: Server, clients: int, dice: random.Random) -> None:
        self._server = server
        self.truth: Truth = {}
        self.kills = 0
        self.clients = [
            Survivor(self, server.ws(), MSGPACK if number % 2 else None, random.Random(dice.random()))
            for number in range(clients)
        ]

    async def suffer(self, seconds: float) -> None:
        """Follow, be killed and come back for so long; then follow in peace until everything is known."""
        async with asyncio.TaskGroup() as tasks:
            lives = [tasks.create_task(client.live()) for client in self.clients]
            await asyncio.sleep(seconds)
            for client in self.clients:
                client.is_mortal = False
            await asyncio.wait_for(asyncio.gather(*lives), CATCHES_UP_WITHIN_S)


class Survivor:
    """A client that is killed again and again, and always comes back."""

    def __init__(self, crowd: Crowd, url: str, subprotocol: str | None, dice: random.Random) -> None:
        self.checker = StreamChecker()
        self.is_mortal = True
        self._was_killed = False
        self._crowd = crowd
        self._url = url
        self._subprotocols = [Subprotocol(subprotocol)] if subprotocol else None
        self._encode: Callable[[object], bytes] = (
            msgspec.msgpack.encode if subprotocol else msgspec.json.encode
        )
        self._dice = dice

    async def live(self) -> None:
        """Connect, follow, be killed; and so on, until it is peaceful and everything is known."""
        while True:
            try:
                async with connect(
                    self._url, subprotocols=self._subprotocols, compression=None, close_timeout=0
                ) as connection:
                    await self._follow(connection)
                return
            except (ConnectionClosed, OSError):
                assert self._was_killed, "nobody killed it"
                self._was_killed = False
                await asyncio.sleep(self._dice.choice([0, 0.1, 0.5, 2.0 * RESUME_S]))

    async def _follow(self, connection: ClientConnection) -> None:
        self.checker.connected()
        killer = asyncio.get_running_loop().call_later(self._dice.expovariate(1), self._kill, connection)
        try:
            for name in self._dice.sample(NAMES, len(NAMES)):
                await self._subscribe(connection, name)
            while self.is_mortal:
                self._read(await connection.recv())
            killer.cancel()
            await self._catch_up(connection)
        finally:
            killer.cancel()

    def _kill(self, connection: ClientConnection) -> None:
        if self.is_mortal:
            self._crowd.kills += 1
            self._was_killed = True  # and may hear of it only in peace
            connection.transport.abort()

    async def _subscribe(self, connection: ClientConnection, name: StreamName) -> None:
        resume = self.checker.resume_point(name)
        asked: dict[str, object] = {"action": "subscribe", "channel": name.channel, "symbol": name.symbol}
        asked["id"] = StreamChecker.RESUME if resume else StreamChecker.ANEW
        if name.option is not None:
            asked["depth" if isinstance(name.option, int) else "interval"] = name.option
        if resume is not None:
            asked["resume"] = resume
        await self._send(connection, asked)

    async def _send(self, connection: ClientConnection, request: dict[str, object]) -> None:
        data = self._encode(request)
        await connection.send(data if self._subprotocols else data.decode())

    async def _catch_up(self, connection: ClientConnection) -> None:
        """Read until every stream is where the server was when it was asked."""
        await self._send(connection, {"action": "subscriptions"})
        ends: dict[str, int] = {}
        while not ends or any(self._last(channel) < end for channel, end in ends.items()):
            message = self._message(await connection.recv())
            if "subscriptions" in message:
                held = msgspec.convert(message["subscriptions"], list[Position])
                ends = {each.channel: each.seq for each in held}
                assert len(ends) == len(NAMES)
            else:
                self._take(message)

    def _last(self, channel: str) -> int:
        return next(stream.last for name, stream in self.checker.streams.items() if name.channel == channel)

    def _message(self, data: str | bytes) -> Message:
        message: Message
        message = msgspec.msgpack.decode(data) if isinstance(data, bytes) else msgspec.json.decode(data)
        return message

    def _read(self, data: str | bytes) -> None:
        self._take(self._message(data))

    def _take(self, message: Message) -> None:
        self.checker.read(message)
        if "status" not in message:
            self._compare(message)

    def _compare(self, event: Message) -> None:
        """Require that it says what it said to everybody else."""
        for name, stream in self.checker.streams.items():
            if name.channel == event["channel"] and stream.last in stream.received:
                said = content(event)
                key = (name, stream.epoch, stream.last, str(event.get("type")))
                stream.received[stream.last] = self._crowd.truth.setdefault(key, said)
                assert stream.received[stream.last] == said


class Position(msgspec.Struct):
    """Where a stream is."""

    channel: str
    seq: int


async def survive(clients: int, seconds: float, per_second: int) -> None:
    """Kill the sockets of so many clients for so long; require that each knows of every seq."""
    settings = (f"resume.seconds={RESUME_S}", "limits.handshakes_per_second=10000")
    with scripted(*settings, per_second=per_second) as server:
        crowd = Crowd(server, clients, random.Random(SEED))
        print(f"TEST_SEED={SEED}")  # shown where the test fails
        await crowd.suffer(seconds)
        reasons: Counter[str] = Counter()
        for client in crowd.clients:
            client.checker.check()
            for stream in [*client.checker.streams.values(), *client.checker.ended]:
                reasons.update(gap.reason for gap in stream.announcements)
        assert crowd.kills >= clients / 2
        resumes = await asyncio.to_thread(metrics, server)
        assert resumes['floorwire_resumes_total{outcome="replayed"}'] > 0
        assert reasons["expired"] > 0, "those who stayed away for long missed something, and were told"
        assert reasons["slow"] == 0


@pytest.mark.slow
async def test_a_few_clients_for_a_few_seconds() -> None:
    await survive(clients=30, seconds=4, per_second=10)


@pytest.mark.slow
async def test_two_hundred_clients_for_a_minute() -> None:
    await survive(clients=200, seconds=60, per_second=5)
