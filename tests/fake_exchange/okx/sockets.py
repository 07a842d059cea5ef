"""OKX's WebSockets: login, subscriptions, orders, the text ping, and what ends a connection."""

import re
import secrets
from collections.abc import Callable, Mapping
from typing import Protocol

import msgspec
from starlette.websockets import WebSocket, WebSocketDisconnect

from tests.fake_exchange.faults import Faults, RequestFault
from tests.fake_exchange.limits import Counts, SlidingWindow, TokenBucket
from tests.fake_exchange.market import Market
from tests.fake_exchange.okx.errors import OrderError, RequestError, too_many
from tests.fake_exchange.okx.history import BARS
from tests.fake_exchange.okx.orders import Fields
from tests.fake_exchange.okx.requests import OkxRequests, Verdicts
from tests.fake_exchange.okx.rest import check_expiry
from tests.fake_exchange.okx.signatures import OkxAccount, OkxKeys
from tests.fake_exchange.outbox import Outbox, refuse

PATH = re.compile(r"/ws/v5/(public|private|business)")
REQUEST_ID = re.compile(r"[a-zA-Z0-9]{1,32}")
MAX_FRAME = 65_536
ORDER_OPS = frozenset(
    {"order", "batch-orders", "amend-order", "batch-amend-orders", "cancel-order", "batch-cancel-orders"}
)
# What each address has. A channel at another address is refused.
HOMES = {
    "books": "public",
    "books5": "public",
    "bbo-tbt": "public",
    "books-l2-tbt": "public",
    "books50-l2-tbt": "public",
    "trades": "public",
    "tickers": "public",
    "instruments": "public",
    "status": "public",
    "trades-all": "business",
    **{f"candle{name}": "business" for name in BARS},
    "orders": "private",
    "account": "private",
    "balance_and_position": "private",
    "fills": "private",
}
VIP_CHANNELS = {"books-l2-tbt": "60030", "books50-l2-tbt": "60029", "fills": "60029"}
Arg = Mapping[str, str]


class Request(msgspec.Struct):
    op: str
    args: list[dict[str, object]] = []
    id: str = ""
    expTime: str = ""  # OKX's name


class Connection:
    def __init__(self, outbox: Outbox, home: str, now_us: Callable[[], int]) -> None:
        self.outbox = outbox
        self.home = home
        self.conn_id = secrets.token_hex(4)
        self.account: OkxAccount | None = None
        self.args: list[dict[str, str]] = []
        self.last_traffic_us = now_us()
        # OKX: 480 in an hour, which behaves as a bucket.
        self.subscriptions = TokenBucket(480, 7_500_000, now_us)
        self._now_us = now_us

    def send(self, body: Mapping[str, object]) -> None:
        self.last_traffic_us = self._now_us()
        self.outbox.put(msgspec.json.encode(body).decode())


class Channels(Protocol):
    """The publishers of market and private channels."""

    def is_known(self, arg: Arg) -> bool: ...

    def start(self, connection: Connection, arg: dict[str, str]) -> None:
        """Send what a new subscription gets at once."""


class OkxSockets:
    def __init__(
        self, requests: OkxRequests, keys: OkxKeys, faults: Faults, counts: Counts, now_us: Callable[[], int]
    ) -> None:
        self.connections: set[Connection] = set()
        self.attempts = SlidingWindow(3, 1_000_000, now_us)
        self.idle_us = 30_000_000
        self.channel_connections = 30  # of one private channel by account
        self._requests = requests
        self._keys = keys
        self._faults = faults
        self._counts = counts
        self._now_us = now_us
        self._channels: list[Channels] = []

    def add(self, channels: Channels) -> None:
        self._channels.append(channels)

    async def serve(self, socket: WebSocket) -> None:
        path = PATH.fullmatch(socket.url.path)
        if path is None or not self.attempts.take() or self._faults.in_maintenance:
            await refuse(socket, self._faults)
            return
        await socket.accept()
        self._counts.connections[path[1]] += 1
        # OKX: 4005 for those who read too slowly.
        connection = Connection(Outbox(socket, self._faults, slow_code=4005), path[1], self._now_us)
        self.connections.add(connection)
        try:
            while True:
                text = await socket.receive_text()
                connection.last_traffic_us = self._now_us()
                if len(text) > MAX_FRAME:
                    await socket.close(1009)
                elif text == "ping":
                    connection.outbox.put("pong")
                else:
                    await self._take(connection, text)
        except WebSocketDisconnect:
            return
        finally:
            self.connections.discard(connection)
            await connection.outbox.end()

    async def end_idle(self) -> None:
        for connection in list(self.connections):
            if self._now_us() - connection.last_traffic_us > self.idle_us:
                await connection.outbox.disconnect(4004)

    def subscribers(self, channel: str) -> list[tuple[Connection, dict[str, str]]]:
        return [(c, arg) for c in self.connections for arg in c.args if arg["channel"] == channel]

    def announce_upgrade(self) -> None:
        text = "The connection will soon be closed for a service upgrade. Please reconnect."
        for connection in self.connections:
            connection.send({"event": "notice", "code": "64008", "msg": text, "connId": connection.conn_id})

    async def _take(self, connection: Connection, text: str) -> None:
        try:
            request = msgspec.json.decode(text, type=Request)
        except msgspec.MsgspecError:
            return self._refuse(connection, RequestError(400, "60012", "Illegal request"), "")
        if request.id and not REQUEST_ID.fullmatch(request.id):
            return self._refuse(connection, RequestError(400, "60012", "Illegal request: id"), "")
        fault = self._faults.take_request(f"/ws/{request.op}")
        if fault is RequestFault.LOSE_BEFORE:
            return await connection.outbox.reset()
        if request.op in ORDER_OPS:
            self._trade(connection, request, fault)
        else:
            try:
                if (
                    fault in (RequestFault.TOO_MANY, RequestFault.BANNED)
                    or not connection.subscriptions.take()
                ):
                    raise RequestError(400, "60014", "Requests too frequent.")
                await self._do(connection, request)
            except RequestError as error:
                self._refuse(connection, error, request.id)
        if fault is RequestFault.LOSE_AFTER:
            await connection.outbox.reset()

    def _refuse(self, connection: Connection, error: RequestError, request_id: str) -> None:
        self._counts.refusals[error.code] += 1
        body: dict[str, object] = {"id": request_id} if request_id else {}
        body |= {"event": "error", "code": error.code, "msg": error.text, "connId": connection.conn_id}
        connection.send(body)

    async def _do(self, connection: Connection, request: Request) -> None:
        match request.op:
            case "login":
                await self._log_in(connection, request)
            case "subscribe" | "unsubscribe" if request.args:
                for fields in request.args:
                    try:
                        self._follow(connection, request, {k: str(v) for k, v in fields.items()})
                    except RequestError as error:
                        self._refuse(connection, error, request.id)
            case _:
                raise RequestError(400, "60012", f"Illegal request: {request.op}")

    async def _log_in(self, connection: Connection, request: Request) -> None:
        if connection.account is not None:
            raise RequestError(400, "60031", "The WebSocket endpoint does not support multiple logins.")
        try:
            account = self._keys.of_login(request.args[0] if request.args else {}, self._now_us())
        except RequestError as error:
            self._refuse(connection, error, request.id)
            await connection.outbox.disconnect(4001)
            return
        connection.account = account
        self._counts.requests["login"] += 1
        connection.send({"event": "login", "code": "0", "msg": "", "connId": connection.conn_id})

    def _follow(self, connection: Connection, request: Request, arg: dict[str, str]) -> None:
        channel = arg.get("channel", "")
        channels = next((known for known in self._channels if known.is_known(arg)), None)
        if channel in VIP_CHANNELS:
            if connection.account is None:
                raise RequestError(400, "60011", "Please log in")
            raise RequestError(
                400, VIP_CHANNELS[channel], "Only users of a higher trading fee tier have this."
            )
        if HOMES.get(channel) != connection.home or channels is None:
            text = (
                "Wrong URL or the channel does not exist. Please use the correct URL, channel and parameters."
            )
            raise RequestError(400, "60018", text)
        if connection.home == "private" and connection.account is None:
            raise RequestError(400, "60011", "Please log in")
        acknowledged: dict[str, object] = {"id": request.id} if request.id else {}
        acknowledged |= {"event": request.op, "arg": arg, "connId": connection.conn_id}
        if request.op == "unsubscribe":
            connection.args = [kept for kept in connection.args if kept != arg]
            connection.send(acknowledged)
            return
        is_over = connection.home == "private" and self._count_connections(connection, channel)
        connection.send(acknowledged)
        if is_over:
            # OKX: the subscription is acknowledged, and then it is not there.
            self._send_count(connection, "channel-conn-count-error", channel, self.channel_connections)
            return
        self._counts.subscriptions[channel] += 1
        if connection.home == "private":
            followers = self._followers(connection, channel) | {connection}
            for follower in followers:
                self._send_count(follower, "channel-conn-count", channel, len(followers))
        channels.start(connection, arg)
        if arg not in connection.args:
            connection.args.append(arg)

    def _followers(self, connection: Connection, channel: str) -> set[Connection]:
        return {c for c, _ in self.subscribers(channel) if c.account == connection.account}

    def _count_connections(self, connection: Connection, channel: str) -> bool:
        followers = self._followers(connection, channel) | {connection}
        return len(followers) > self.channel_connections

    def _send_count(self, connection: Connection, event: str, channel: str, count: int) -> None:
        body = {"event": event, "channel": channel, "connCount": str(count), "connId": connection.conn_id}
        connection.send(body)

    def _trade(self, connection: Connection, request: Request, fault: RequestFault | None) -> None:
        started_us = self._now_us()
        body: dict[str, object] = {"id": request.id, "op": request.op, "code": "0", "msg": "", "data": []}
        try:
            verdicts = self._carry_out(connection, request, fault)
            body |= {"code": verdicts.code, "data": verdicts.data}
        except RequestError as error:
            self._counts.refusals[error.code] += 1
            body |= {"code": error.code, "msg": error.text}
        body |= {"inTime": str(started_us), "outTime": str(self._now_us())}
        if fault is not RequestFault.LOSE_AFTER:
            connection.send(body)

    def _carry_out(self, connection: Connection, request: Request, fault: RequestFault | None) -> Verdicts:
        if connection.home != "private" or connection.account is None:
            raise RequestError(400, "60011", "Please log in")
        if not request.id:
            raise RequestError(400, "60013", "Invalid args: id")
        if self._faults.in_maintenance:
            raise RequestError(400, "50001", "Service temporarily unavailable. Try again later.")
        if fault in (RequestFault.TOO_MANY, RequestFault.BANNED):
            raise too_many()
        if request.expTime:
            check_expiry(request.expTime, self._now_us())
        for row in request.args:
            # OKX since March 2026: the number of the instrument, not its name.
            if type(row.get("instIdCode")) is not int:
                raise RequestError(400, "60013", "Parameter instIdCode can not be empty")
        rows: list[Fields] = list(request.args)
        verdicts = self._requests.carry_out(request.op, connection.account.name, self._market_of, rows)
        if fault is RequestFault.TIMEOUT_AFTER:
            for verdict in verdicts.data:
                verdict |= {"ordId": "", "sCode": "51149", "sMsg": "Order timed out. Please try again later."}
        return verdicts

    def _market_of(self, row: Fields) -> Market:
        market = self._requests.market_by_code(row["instIdCode"])
        if market is None or not market.is_trading:
            raise OrderError("51001", "Instrument ID does not exist.")
        return market
