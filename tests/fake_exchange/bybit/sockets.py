"""Bybit's WebSockets: pings, subscriptions and authentication. Orders are in `trade.py`."""

import re
import secrets
from collections.abc import Callable, Mapping
from typing import Protocol

import msgspec
from starlette.websockets import WebSocket, WebSocketDisconnect

from tests.fake_exchange.bybit.errors import BybitError
from tests.fake_exchange.bybit.signatures import BybitAccount, BybitKeys
from tests.fake_exchange.faults import Faults, RequestFault
from tests.fake_exchange.limits import Counts, SlidingWindow
from tests.fake_exchange.outbox import Outbox, refuse

PATHS = {
    "/v5/public/spot": "public",
    "/v5/public/misc/status": "status",
    "/v5/private": "private",
    "/v5/trade": "trade",
}
MAX_ARGS = 10
MAX_CHARACTERS = 21_000
IDLE_S = 600
ACTIVE_TIME = re.compile(r"(\d+)s?")


class Request(msgspec.Struct):
    op: str
    args: list[object] = []
    req_id: str | int = ""


class Connection:
    def __init__(self, outbox: Outbox, home: str, idle_us: int, now_us: Callable[[], int]) -> None:
        self.outbox = outbox
        self.home = home
        self.idle_us = idle_us
        self.conn_id = secrets.token_hex(10)
        self.account: BybitAccount | None = None
        self.topics: list[str] = []
        self.used_ids: set[str] = set()  # of requests for orders: none may come twice
        self.last_traffic_us = now_us()
        self._now_us = now_us

    def send(self, body: Mapping[str, object]) -> None:
        self.last_traffic_us = self._now_us()
        self.outbox.put(msgspec.json.encode(body).decode())


class Topics(Protocol):
    """The publishers of market and private topics."""

    def refusal(self, topic: str, home: str) -> str | None:
        """Why a connection to this address has no such topic, or None if it has."""

    def start(self, connection: Connection, topic: str) -> None:
        """Send what a new subscription gets at once."""


class Trade(Protocol):
    def answer(self, connection: Connection, text: str, fault: RequestFault | None) -> Mapping[str, object]:
        """Carry out a request for orders."""


class BybitSockets:
    def __init__(self, keys: BybitKeys, faults: Faults, counts: Counts, now_us: Callable[[], int]) -> None:
        self.connections: set[Connection] = set()
        self.attempts = SlidingWindow(500, 300_000_000, now_us)
        self.topics: dict[str, Topics] = {}  # by the home of connections
        self.trade: Trade | None = None
        self._keys = keys
        self._faults = faults
        self._counts = counts
        self._now_us = now_us

    async def serve(self, socket: WebSocket) -> None:
        home = PATHS.get(socket.url.path)
        idle_s = _active_time_s(socket, home)
        if home is None or idle_s is None or not self.attempts.take() or self._faults.in_maintenance:
            await refuse(socket, self._faults)
            return
        await socket.accept()
        self._counts.connections[home] += 1
        connection = Connection(Outbox(socket, self._faults), home, idle_s * 1_000_000, self._now_us)
        self.connections.add(connection)
        try:
            while True:
                text = await socket.receive_text()
                connection.last_traffic_us = self._now_us()
                await self._take(connection, text)
        except WebSocketDisconnect:
            return
        finally:
            self.connections.discard(connection)
            await connection.outbox.end()

    async def end_idle(self) -> None:
        for connection in list(self.connections):
            if self._now_us() - connection.last_traffic_us > connection.idle_us:
                await connection.outbox.disconnect(1000)

    def subscribers(self, topic: str) -> list[Connection]:
        return [connection for connection in self.connections if topic in connection.topics]

    async def _take(self, connection: Connection, text: str) -> None:
        try:
            request = msgspec.json.decode(text, type=Request)
        except msgspec.MsgspecError:
            self._counts.refusals[10001] += 1
            connection.send(self._reply(connection, "", "", "Params Error"))
            return
        fault = self._faults.take_request(f"/ws/{request.op}")
        if fault is RequestFault.LOSE_BEFORE:
            return await connection.outbox.reset()
        answer = self._answer(connection, request, text, fault)
        if fault is RequestFault.LOSE_AFTER:
            await connection.outbox.reset()
        elif answer is not None:
            connection.send(answer)

    def _answer(
        self, connection: Connection, request: Request, text: str, fault: RequestFault | None
    ) -> Mapping[str, object] | None:
        if request.op == "ping":
            return self._pong(connection, request)
        if request.op == "auth" and connection.home in ("private", "trade"):
            return self._authenticate(connection, request)
        if connection.home == "trade":
            assert self.trade is not None
            return self.trade.answer(connection, text, fault)
        if request.op not in ("subscribe", "unsubscribe"):
            return self._reply(connection, request.req_id, request.op, "Invalid op")
        topics = [str(topic) for topic in request.args]
        refusal = self._refusal(connection, topics, fault)
        if refusal is not None:
            # Bybit: one bad topic refuses the whole request.
            self._counts.refusals[10001] += 1
            return self._reply(connection, request.req_id, request.op, refusal)
        if request.op == "unsubscribe":
            connection.topics = [topic for topic in connection.topics if topic not in topics]
            return self._reply(connection, request.req_id, request.op)
        connection.send(self._reply(connection, request.req_id, request.op))
        for topic in topics:
            self._counts.subscriptions[topic] += 1
            self.topics[connection.home].start(connection, topic)
            if topic not in connection.topics:
                connection.topics.append(topic)
        return None

    def _refusal(self, connection: Connection, topics: list[str], fault: RequestFault | None) -> str | None:
        if fault in (RequestFault.TOO_MANY, RequestFault.BANNED):
            return "Too many visits!"
        if connection.home == "private" and connection.account is None:
            return "Request not authorized"
        if not topics:
            return "Params Error"
        if connection.home == "public" and len(topics) > MAX_ARGS:
            return "args size >10"
        if len("".join([*connection.topics, *topics])) > MAX_CHARACTERS:
            return "args characters exceed 21000"
        families = {topic.removesuffix(".spot") for topic in topics}
        if connection.home == "private" and len(families) < len(set(topics)):
            return "The topics of all categories and of one do not go together"
        known = self.topics[connection.home]
        refusals = (known.refusal(topic, connection.home) for topic in topics)
        return next((text for text in refusals if text is not None), None)

    def _reply(
        self, connection: Connection, req_id: str | int, op: str, refusal: str | None = None
    ) -> dict[str, object]:
        # Bybit: the text of an acknowledgement is empty on the private address.
        acknowledged = "" if connection.home == "private" else op
        reply: dict[str, object] = {
            "success": refusal is None,
            "ret_msg": acknowledged if refusal is None else refusal,
            "conn_id": connection.conn_id,
        }
        return reply | ({"req_id": req_id} if req_id != "" else {}) | {"op": op}

    def _pong(self, connection: Connection, request: Request) -> dict[str, object]:
        """Bybit has three forms of it."""
        now = str(self._now_us() // 1_000)
        if connection.home == "trade":
            return {"retCode": 0, "retMsg": "OK", "op": "pong", "data": [now], "connId": connection.conn_id}
        if connection.home == "private":
            body: dict[str, object] = {"req_id": request.req_id} if request.req_id != "" else {}
            return body | {"op": "pong", "args": [now], "conn_id": connection.conn_id}
        return self._reply(connection, request.req_id, "ping") | {"ret_msg": "pong"}

    def _authenticate(self, connection: Connection, request: Request) -> dict[str, object]:
        error: BybitError | None = None
        if connection.account is not None:
            error = BybitError(20001, "Repeat auth")
        else:
            try:
                connection.account = self._keys.of_auth(request.args, self._now_us())
                self._counts.requests["auth"] += 1
            except BybitError as refused:
                error = refused
        if error is not None:
            self._counts.refusals[error.code] += 1
        if connection.home == "trade":
            code, text = (0, "OK") if error is None else (error.code, error.text)
            return {"retCode": code, "retMsg": text, "op": "auth", "connId": connection.conn_id}
        return self._reply(connection, request.req_id, "auth", None if error is None else error.text)


def _active_time_s(socket: WebSocket, home: str | None) -> int | None:
    """How long a connection may be silent. None if it asked for a time that is not allowed."""
    text = socket.query_params.get("max_active_time")
    if text is None or home not in ("private", "trade"):
        return IDLE_S
    found = ACTIVE_TIME.fullmatch(text)
    if text.endswith("m") and text[:-1].isdigit():
        seconds = 60 * int(text[:-1])
    elif found is not None:
        seconds = int(found[1])
    else:
        return None
    return seconds if 30 <= seconds <= IDLE_S else None
