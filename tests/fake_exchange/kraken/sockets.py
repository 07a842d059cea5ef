"""Kraken's WebSockets, version 2: subscriptions and orders, heartbeats and statuses."""

from collections.abc import Callable, Mapping, Sequence

from starlette.websockets import WebSocket, WebSocketDisconnect

from tests.fake_exchange.faults import Faults, RequestFault
from tests.fake_exchange.kraken.connection import Channels, Connection, Params, Subscription, decode
from tests.fake_exchange.kraken.errors import LOCKOUT, ORDER_RATE, TIMEOUT, KrakenError
from tests.fake_exchange.kraken.keys import KrakenAccount, KrakenKeys
from tests.fake_exchange.kraken.number_texts import rfc3339
from tests.fake_exchange.kraken.ws_orders import Answer, KrakenWsOrders, failure
from tests.fake_exchange.limits import Counts, SlidingWindow
from tests.fake_exchange.outbox import Outbox, refuse

# Kraken has two hosts. The fake has two paths.
HOMES = {"/v2": "public", "/auth/v2": "private"}
MESSAGE_RATE = "Exceeded msg rate"
NOT_PUBLIC = "Private data and trading are unavailable on this endpoint. Try ws-auth.kraken.com"
NOT_PRIVATE = "Public market data subscriptions are unavailable on this endpoint. Try ws.kraken.com"
OPTIONS = ("depth", "interval", "event_trigger")


class KrakenSockets:
    """`acks_late`: the snapshot comes before the acknowledgement, as Kraken sometimes has it."""

    def __init__(
        self, connections: set[Connection], keys: KrakenKeys, orders: KrakenWsOrders, faults: Faults,
        counts: Counts, now_us: Callable[[], int], system: Callable[[], str],
    ) -> None:  # fmt: skip
        self.connections = connections
        self.acks_late = False
        self.attempts = SlidingWindow(150, 600_000_000, now_us)
        self.messages_per_s = 100
        self._keys = keys
        self._orders = orders
        self._faults = faults
        self._counts = counts
        self._now_us = now_us
        self._system = system
        self._locked_until_us = 0
        self._channels: dict[str, dict[str, Channels]] = {"public": {}, "private": {}}

    def add(self, home: str, channels: Channels) -> None:
        self._channels[home] |= dict.fromkeys(channels.names, channels)

    async def serve(self, socket: WebSocket) -> None:
        home = HOMES.get(socket.url.path)
        if home is None or not self.attempts.take() or self._now_us() < self._locked_until_us:
            await refuse(socket, self._faults)
            return
        await socket.accept()
        self._counts.connections[home] += 1
        connection = Connection(Outbox(socket, self._faults), home)
        self.connections.add(connection)
        connection.send_status(self._system())
        allowed = SlidingWindow(self.messages_per_s, 1_000_000, self._now_us)
        try:
            while True:
                await self._take(connection, await socket.receive_text(), allowed.take())
        except WebSocketDisconnect:
            return
        finally:
            self.connections.discard(connection)
            await connection.outbox.end()

    def announce(self) -> None:
        for connection in self.connections:
            connection.send_status(self._system())

    def send_heartbeats(self) -> None:
        """Kraken: about once a second, if something is followed and nothing else was sent."""
        for connection in self.connections:
            if connection.subscriptions and not connection.has_sent:
                connection.send({"channel": "heartbeat"})
            connection.has_sent = False

    async def _take(self, connection: Connection, text: str, is_allowed: bool) -> None:
        started_us = self._now_us()
        try:
            method, params, request_id = decode(text)
        except KrakenError as error:
            return self._answer(connection, {"method": "error"}, [failure(error)], started_us)
        envelope: dict[str, object] = {"method": method}
        if request_id is not None:
            envelope["req_id"] = request_id
        fault = self._faults.take_request(method)
        if fault is RequestFault.LOSE_BEFORE:
            return await connection.outbox.reset()
        try:
            if not is_allowed:
                raise KrakenError(MESSAGE_RATE)
            answers = self._carry_out(connection, method, params, envelope, fault, started_us)
        except KrakenError as error:
            answers = [failure(error)]
        if fault in (RequestFault.LOSE_AFTER, RequestFault.CUT_ANSWER):
            return await connection.outbox.reset()
        self._answer(connection, envelope, answers, started_us)

    def _answer(
        self,
        connection: Connection,
        envelope: Mapping[str, object],
        answers: Sequence[Answer],
        started_us: int,
    ) -> None:
        times = {"time_in": rfc3339(started_us), "time_out": rfc3339(self._now_us())}
        for answer in answers:
            if "error" in answer:
                self._counts.refusals[str(answer["error"])] += 1
            connection.send({**envelope, **answer, **times})

    def _carry_out(
        self, connection: Connection, method: str, params: Params, envelope: Mapping[str, object],
        fault: RequestFault | None, started_us: int,
    ) -> Sequence[Answer]:  # fmt: skip
        is_order = method in self._orders.methods
        if fault is RequestFault.TOO_MANY:
            raise KrakenError(ORDER_RATE if is_order else MESSAGE_RATE)
        if fault is RequestFault.BANNED:
            # Kraken: an address that is banned waits ten minutes.
            self._locked_until_us = self._now_us() + 600_000_000
            raise KrakenError(LOCKOUT)
        self._counts.requests[method] += 1
        match method:
            case "ping":
                self._answer(connection, {**envelope, "method": "pong"}, [{}], started_us)
                return []
            case "subscribe" | "unsubscribe":
                self._follow(connection, method, params, envelope, started_us)
                return []
            case _ if is_order:
                answers = self._orders.carry_out(method, self._account(connection, params), params)
                if fault is RequestFault.TIMEOUT_AFTER:
                    raise KrakenError(TIMEOUT)
                return answers
            case _:
                raise KrakenError("Malformed request: method")

    def _account(self, connection: Connection, params: Params) -> KrakenAccount:
        if connection.home == "public":
            raise KrakenError(NOT_PUBLIC)
        return self._keys.account_of(params.get("token"), self._kept_token(connection))

    def _kept_token(self, connection: Connection) -> str | None:
        return next((kept.token for kept in connection.subscriptions.values() if kept.token), None)

    def _follow(
        self, connection: Connection, method: str, params: Params, envelope: Mapping[str, object],
        started_us: int,
    ) -> None:  # fmt: skip
        """One acknowledgement for each symbol."""
        channel = params.get("channel")
        channels = self._channels[connection.home].get(channel) if isinstance(channel, str) else None
        if channels is None:
            other = "private" if connection.home == "public" else "public"
            text = NOT_PUBLIC if connection.home == "public" else NOT_PRIVATE
            raise KrakenError(text if channel in self._channels[other] else "Subscription name invalid")
        symbols: list[object] = [None]
        if "symbol" in params:
            given = params["symbol"]
            if not isinstance(given, list) or not given:
                raise KrakenError("Symbol(s) must be an array")
            symbols = given
        for symbol in symbols:
            one = dict(params) if symbol is None else {**params, "symbol": symbol}
            try:
                self._follow_one(connection, method, channels, one, envelope, started_us)
            except KrakenError as error:
                refusal = failure(error) if symbol is None else failure(error) | {"symbol": symbol}
                self._answer(connection, envelope, [refusal], started_us)

    def _follow_one(
        self, connection: Connection, method: str, channels: Channels, params: dict[str, object],
        envelope: Mapping[str, object], started_us: int,
    ) -> None:  # fmt: skip
        wanted = channels.subscription(params)
        if connection.home == "private":
            wanted.account = self._account(connection, params)
            wanted.token = str(params["token"])
        kept = connection.subscriptions.get(wanted.key)
        result: dict[str, object] = {"channel": wanted.channel, **wanted.options}
        if wanted.symbol:
            result["symbol"] = wanted.symbol
        acknowledged: Answer = {"result": result, "success": True}
        if method == "unsubscribe":
            if kept is None or not _has_options(kept, wanted):
                raise KrakenError("Subscription Not Found")
            del connection.subscriptions[wanted.key]
            result.pop("snapshot", None)
            self._answer(connection, envelope, [acknowledged], started_us)
            return
        if kept is not None:
            raise KrakenError("Already subscribed")
        self._counts.subscriptions[wanted.channel] += 1
        connection.subscriptions[wanted.key] = wanted
        if not self.acks_late:
            self._answer(connection, envelope, [acknowledged], started_us)
        if wanted.options.get("snapshot", True):
            channels.start(connection, wanted)
        if self.acks_late:
            self._answer(connection, envelope, [acknowledged], started_us)


def _has_options(kept: Subscription, wanted: Subscription) -> bool:
    """Kraken: an unsubscription has to name the same depth, interval and trigger."""
    return all(kept.options.get(name) == wanted.options.get(name) for name in OPTIONS)
