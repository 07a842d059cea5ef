"""Binance's WebSocket API: requests, and the user data stream."""

import secrets
from collections.abc import Callable

import msgspec
from starlette.websockets import WebSocket, WebSocketDisconnect

from tests.fake_exchange.binance import messages, order_messages
from tests.fake_exchange.binance.errors import BinanceError
from tests.fake_exchange.binance.limits import BinanceLimits
from tests.fake_exchange.binance.requests import BinanceRequests
from tests.fake_exchange.binance.signatures import Account, check_time, check_ws_api
from tests.fake_exchange.binance.streams import LIFETIME_US
from tests.fake_exchange.faults import Faults, RequestFault
from tests.fake_exchange.limits import Counts, SlidingWindow
from tests.fake_exchange.matching import MatchingCore
from tests.fake_exchange.orders import BalanceChanged, Event, OrderChanged
from tests.fake_exchange.outbox import Outbox, refuse

MAX_SUBSCRIPTIONS = 65_535
Value = str | int | float | bool


class Request(msgspec.Struct):
    method: str
    id: int | str | None = None
    params: dict[str, Value] = {}


class Connection:
    def __init__(self, outbox: Outbox, opened_us: int) -> None:
        self.outbox = outbox
        self.opened_us = opened_us
        self.accounts: dict[int, str] = {}  # by subscription id
        self.next_id = 0


class BinanceWsApi:
    def __init__(
        self, core: MatchingCore, requests: BinanceRequests, limits: BinanceLimits, accounts: list[Account],
        faults: Faults, counts: Counts, now_us: Callable[[], int],
    ) -> None:  # fmt: skip
        self.connections: set[Connection] = set()
        self._core = core
        self._requests = requests
        self._limits = limits
        self._accounts = {account.api_key: account for account in accounts}
        self._faults = faults
        self._counts = counts
        self._now_us = now_us
        self.attempts = SlidingWindow(300, 300_000_000, now_us)
        self._execution_id = 0
        core.listeners.append(self._on_event)

    async def serve(self, socket: WebSocket) -> None:
        # Opening a socket weighs 2.
        if not self.attempts.take() or self._faults.in_maintenance or not self._limits.weight.take(2):
            await refuse(socket, self._faults)
            return
        await socket.accept()
        self._counts.connections["ws-api"] += 1
        connection = Connection(Outbox(socket, self._faults), self._now_us())
        self.connections.add(connection)
        try:
            while True:
                text = await socket.receive_text()
                fault = self._faults.take_request(_method(text))
                if fault is RequestFault.LOSE_BEFORE:
                    await connection.outbox.reset()
                    continue
                answer = self._answer(connection, text, fault)
                if fault is RequestFault.LOSE_AFTER:
                    await connection.outbox.reset()
                    continue
                connection.outbox.put(msgspec.json.encode(answer).decode())
        except WebSocketDisconnect:
            return
        finally:
            self.connections.discard(connection)
            await connection.outbox.end()

    async def end_old(self) -> None:
        for connection in list(self.connections):
            if self._now_us() - connection.opened_us > LIFETIME_US:
                await connection.outbox.disconnect()

    def end_subscriptions(self) -> None:
        """End the user data streams, as when a key's permission changes."""
        for connection in self.connections:
            for number in list(connection.accounts):
                event = {"e": "eventStreamTerminated", "E": self._now_us() // 1_000}
                self._send(connection, number, event)
                del connection.accounts[number]

    def announce_shutdown(self) -> None:
        event = {"event": {"e": "serverShutdown", "E": self._now_us() // 1_000}}
        for connection in self.connections:
            connection.outbox.put(msgspec.json.encode(event).decode())

    def _answer(self, connection: Connection, text: str, fault: RequestFault | None) -> dict[str, object]:
        try:
            request = msgspec.json.decode(text, type=Request)
        except msgspec.MsgspecError:
            error = {"code": -1000, "msg": "Malformed request."}
            return {"id": None, "status": 400, "error": error}
        params = {name: _text(value) for name, value in request.params.items()}
        with_limits = params.get("returnRateLimits", "true") == "true"
        body: dict[str, object] = {"id": request.id}
        try:
            body |= {"status": 200, "result": self._do(connection, request.method, params, fault)}
        except BinanceError as error:
            details = error.body()
            if error.retry_after_s is not None:
                retry_ms = self._now_us() // 1_000 + error.retry_after_s * 1_000
                details["data"] = {"serverTime": self._now_us() // 1_000, "retryAfter": retry_ms}
            body |= {"status": error.status, "error": details}
        if with_limits:
            weight = self._limits.weight
            limit = {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1}
            body["rateLimits"] = [limit | {"limit": weight.limit, "count": weight.used}]
        return body

    def _do(
        self, connection: Connection, method: str, params: dict[str, str], fault: RequestFault | None
    ) -> object:
        if self._faults.in_maintenance:
            raise BinanceError(503, -1016, "This service is no longer available.")
        if fault is RequestFault.TOO_MANY:
            raise self._limits.too_many()
        if fault is RequestFault.BANNED:
            self._limits.ban()
            raise self._limits.banned()
        self._limits.admit(method, params)
        result = self._result(connection, method, params)
        if fault is RequestFault.TIMEOUT_AFTER:
            raise BinanceError(504, -1007, "Timeout waiting for response from backend server.")
        return result

    def _result(self, connection: Connection, method: str, params: dict[str, str]) -> object:
        match method:
            case "userDataStream.subscribe.signature":
                return self._subscribe(connection, self._signed_by(params))
            case "userDataStream.unsubscribe":
                return self._unsubscribe(connection, params)
            case "session.subscriptions":
                return [{"subscriptionId": number} for number in connection.accounts]
            case "session.logon":
                # Only Ed25519 keys may log on. The fake's keys are HMAC keys.
                raise BinanceError(400, -4056, "HMAC_SHA256 API key is not supported.")
            case _ if not self._requests.is_known(method):
                raise BinanceError(400, -1000, "Unknown method.")
            case _ if not self._requests.is_signed(method):
                return self._requests.call(method, None, params)
            case _:
                account = self._signed_by(params)
                return self._requests.call(method, account, params)

    def _signed_by(self, params: dict[str, str]) -> Account:
        account = self._accounts.get(params.get("apiKey", ""))
        if account is None:
            raise BinanceError(401, -2015, "Invalid API-key, IP, or permissions for action.")
        check_ws_api(account, params)
        check_time(params, self._now_us())
        return account

    def _subscribe(self, connection: Connection, account: Account) -> dict[str, object]:
        if account.name in connection.accounts.values():
            raise BinanceError(400, -2035, "User Data Stream subscription already active.")
        if connection.next_id >= MAX_SUBSCRIPTIONS:
            raise BinanceError(400, -2042, "Maximum subscription ID reached for this connection.")
        number, connection.next_id = connection.next_id, connection.next_id + 1
        connection.accounts[number] = account.name
        self._counts.subscriptions["userDataStream"] += 1
        return {"subscriptionId": number}

    def _unsubscribe(self, connection: Connection, params: dict[str, str]) -> dict[str, object]:
        number = params.get("subscriptionId")
        ended = [kept for kept in connection.accounts if number in (None, str(kept))]
        for kept in ended:
            event = {"e": "eventStreamTerminated", "E": self._now_us() // 1_000}
            self._send(connection, kept, event)
            del connection.accounts[kept]
        return {}

    def _on_event(self, event: Event) -> None:
        if isinstance(event, OrderChanged):
            self._execution_id += 1
            report = order_messages.execution_report(event, self._execution_id)
            self._publish(event.order.account, report)
            if event.fill and self._faults.repeat_fills and self._is_followed(event.order.account):
                self._faults.repeat_fills -= 1
                self._publish(event.order.account, report)
        elif isinstance(event, BalanceChanged):
            position = messages.account_position(self._core, event.account, event.assets, self._now_us())
            self._publish(event.account, position)

    def _is_followed(self, account: str) -> bool:
        return any(account in connection.accounts.values() for connection in self.connections)

    def _publish(self, account: str, event: dict[str, object]) -> None:
        for connection in self.connections:
            for number, owner in connection.accounts.items():
                if owner == account:
                    self._send(connection, number, event)

    def _send(self, connection: Connection, number: int, event: dict[str, object]) -> None:
        connection.outbox.put(msgspec.json.encode({"subscriptionId": number, "event": event}).decode())


def _method(text: str) -> str:
    try:
        return msgspec.json.decode(text, type=Request).method
    except msgspec.MsgspecError:
        return ""


def _text(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def new_account(name: str) -> Account:
    return Account(name, secrets.token_hex(32), secrets.token_hex(32))
