"""HTTP requests of all connections share each turn of the event loop, and addresses take turns."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from starlette.types import Message, Receive, Scope, Send

from floorwire.hub.turn_queue import AT_ONCE_US, TURN_US, TurnQueue
from floorwire.web.request_turns import REQUEST_US, RequestTurns

AT_ONCE = AT_ONCE_US // REQUEST_US
IN_A_TURN = -(-TURN_US // REQUEST_US)
FLOOD, OTHER = "192.0.2.1", "198.51.100.7"


class Server:
    """An app that notes whose requests it began, and a queue whose turns end when the test says so."""

    def __init__(self) -> None:
        self.due: list[Callable[[], None]] = []
        self.began: list[str] = []
        self.turns = TurnQueue(lambda: 0, self.due.append)
        self.app = RequestTurns(self._app, self.turns)

    async def _app(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.began.append(scope["client"][0] if scope["client"] else "local")

    async def send(self, address: str | None, count: int = 1, kind: str = "http") -> list[asyncio.Task[None]]:
        """Let so many requests come in one turn."""

        async def receive() -> Message:
            raise AssertionError("nothing is read")

        async def send(_: Message) -> None:
            raise AssertionError("nothing is answered")

        scope: Scope = {"type": kind, "client": None if address is None else (address, 1)}
        tasks = [asyncio.create_task(self._run(scope, receive, send)) for _ in range(count)]
        await asyncio.sleep(0)
        return tasks

    async def _run(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)

    async def turn(self) -> list[str]:
        """End the turn; return whose requests began since the last one."""
        due, self.due[:] = list(self.due), []
        for callback in due:
            callback()
        await asyncio.sleep(0)
        began, self.began = self.began, []
        return began


async def test_a_turn_begins_a_bounded_number_of_requests() -> None:
    server = Server()
    await server.send(FLOOD, 50)
    counts = [len(server.began)]
    server.began.clear()
    while len(server.turns):
        counts.append(len(await server.turn()))
    assert counts[0] == AT_ONCE
    assert max(counts[1:]) == IN_A_TURN
    assert sum(counts) == 50


async def test_another_address_waits_for_one_turn() -> None:
    server = Server()
    await server.send(FLOOD, 50)
    await server.send(OTHER)
    server.began.clear()
    assert OTHER in await server.turn()


async def test_who_leaves_while_it_waits_is_passed_over() -> None:
    server = Server()
    tasks = await server.send(FLOOD, AT_ONCE + 10)
    for task in tasks[AT_ONCE : AT_ONCE + 5]:
        task.cancel()
    server.began.clear()
    await asyncio.sleep(0)
    began = []
    while len(server.turns):
        began += await server.turn()
    assert began == [FLOOD] * 5


async def test_websockets_and_clients_without_an_address_pass() -> None:
    server = Server()
    await server.send(None, AT_ONCE + 1)
    await server.send(FLOOD, 20, kind="websocket")
    assert server.began == ["local"] * AT_ONCE + [FLOOD] * 20
    server.began.clear()
    assert await server.turn() == ["local"]
