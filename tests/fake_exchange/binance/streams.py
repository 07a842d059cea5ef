"""Binance's market streams: subscriptions, and the events of books and trades."""

import re
from collections.abc import Callable

import msgspec
from starlette.websockets import WebSocket, WebSocketDisconnect

from tests.fake_exchange.binance import messages
from tests.fake_exchange.binance.queries import BinanceQueries
from tests.fake_exchange.faults import Faults
from tests.fake_exchange.limits import Counts, SlidingWindow
from tests.fake_exchange.matching import MatchingCore
from tests.fake_exchange.orders import Event, LevelChanged, Side, Traded
from tests.fake_exchange.outbox import Outbox, refuse

MAX_STREAMS = 1_024
LIFETIME_US = 86_400_000_000  # no connection lives longer than a day
STREAM_ID = re.compile(r"[a-zA-Z0-9]{1,36}")


class Request(msgspec.Struct):
    method: str
    id: int | str | None = None
    params: list[str | bool] = []


class Connection:
    def __init__(self, outbox: Outbox, combined: bool, streams: list[str], opened_us: int) -> None:
        self.outbox = outbox
        self.opened_us = opened_us
        self.combined = combined
        self.streams = dict.fromkeys(streams)

    def send(self, stream: str, data: object) -> None:
        body = {"stream": stream, "data": data} if self.combined else data
        self.outbox.put(msgspec.json.encode(body).decode())


class PendingDiff:
    """The levels of one symbol that changed since the last depth event."""

    def __init__(self) -> None:
        self.first_id = 0
        self.last_id = 0
        self.levels: dict[Side, dict[int, int]] = {Side.BUY: {}, Side.SELL: {}}

    def add(self, changed: LevelChanged) -> None:
        self.first_id = self.first_id or changed.update_id
        self.last_id = changed.update_id
        self.levels[changed.side][changed.price_ticks] = changed.lots


class BinanceStreams:
    def __init__(
        self, core: MatchingCore, queries: BinanceQueries, faults: Faults, counts: Counts,
        now_us: Callable[[], int],
    ) -> None:  # fmt: skip
        self.connections: set[Connection] = set()
        self._core = core
        self._faults = faults
        self._counts = counts
        self._now_us = now_us
        self.attempts = SlidingWindow(300, 300_000_000, now_us)
        self._pending = {(symbol, speed): PendingDiff() for symbol in core.markets for speed in (100, 1_000)}
        self.candles = queries.candles
        core.listeners.append(self._on_event)

    async def serve(self, socket: WebSocket) -> None:
        if not self.attempts.take() or self._faults.in_maintenance:
            await refuse(socket, self._faults)
            return
        await socket.accept()
        self._counts.connections["streams"] += 1
        path, query = socket.url.path, socket.query_params.get("streams", "")
        names = query.split("/") if query else [name for name in path.split("/")[2:] if name]
        outbox = Outbox(socket, self._faults)
        connection = Connection(outbox, path.startswith("/stream"), names, self._now_us())
        self._counts.subscriptions.update(names)
        self.connections.add(connection)
        # Binance: pings, pongs and requests of a client, five in a second.
        allowed = SlidingWindow(5, 1_000_000, self._now_us)
        try:
            while True:
                text = await socket.receive_text()
                answer = self._answer(connection, text)
                if not allowed.take() or len(connection.streams) > MAX_STREAMS:
                    await socket.close(1008)
                    return
                outbox.put(msgspec.json.encode(answer).decode())
        except WebSocketDisconnect:
            return
        finally:
            self.connections.discard(connection)
            await outbox.end()

    async def end_old(self) -> None:
        for connection in list(self.connections):
            if self._now_us() - connection.opened_us > LIFETIME_US:
                await connection.outbox.disconnect()

    def flush(self, speed: int) -> None:
        for symbol, market in self._core.markets.items():
            diff = self._pending[symbol, speed]
            if not diff.last_id:
                continue
            self._pending[symbol, speed] = PendingDiff()
            event: dict[str, object] = {
                "e": "depthUpdate",
                "E": self._now_us() // 1_000,
                "s": symbol,
                "U": diff.first_id,
                "u": diff.last_id,
            }
            for key, side in (("b", Side.BUY), ("a", Side.SELL)):
                event[key] = [
                    [market.price_text(price_ticks), market.quantity_text(lots)]
                    for price_ticks, lots in diff.levels[side].items()
                ]
            self._publish(f"{symbol.lower()}@depth" + ("@100ms" if speed == 100 else ""), event)

    def publish_klines(self) -> None:
        for symbol, interval, candle in self.candles.take_due():
            event = messages.kline_event(candle, symbol, interval, self._now_us())
            self._publish(f"{symbol.lower()}@kline_{interval}", event)

    def restart_ids(self, symbol: str) -> None:
        """Update ids begin again, as after a restart of the exchange."""
        self._core.update_ids[symbol] = 0
        for speed in (100, 1_000):
            self._pending[symbol, speed] = PendingDiff()

    def announce_shutdown(self) -> None:
        event = {"e": "serverShutdown", "E": self._now_us() // 1_000}
        for connection in self.connections:
            connection.send("!serverShutdown", event)

    def _on_event(self, event: Event) -> None:
        if isinstance(event, LevelChanged):
            for speed in (100, 1_000):
                self._pending[event.symbol, speed].add(event)
            self._publish_top(event)
        elif isinstance(event, Traded):
            self._publish(f"{event.symbol.lower()}@trade", messages.trade_event(event))

    def _publish_top(self, changed: LevelChanged) -> None:
        market = self._core.markets[changed.symbol]
        tops = [self._core.levels(changed.symbol, side)[:1] for side in (Side.BUY, Side.SELL)]
        if not all(tops):
            return
        (bid, bid_lots), (ask, ask_lots) = (top[0] for top in tops)
        event = {
            "u": changed.update_id,
            "s": changed.symbol,
            "b": market.price_text(bid),
            "B": market.quantity_text(bid_lots),
            "a": market.price_text(ask),
            "A": market.quantity_text(ask_lots),
        }
        self._publish(f"{changed.symbol.lower()}@bookTicker", event)

    def _publish(self, stream: str, data: object) -> None:
        for connection in self.connections:
            if stream in connection.streams:
                connection.send(stream, data)

    def _answer(self, connection: Connection, text: str) -> dict[str, object]:
        try:
            request = msgspec.json.decode(text, type=Request)
        except msgspec.ValidationError:
            return {"code": 2, "msg": "Invalid request"}
        except msgspec.DecodeError:
            return {"code": 3, "msg": "Invalid JSON"}
        if isinstance(request.id, str) and not STREAM_ID.fullmatch(request.id):
            return {"code": 2, "msg": "Invalid request: id"}
        names = [name for name in request.params if isinstance(name, str)]
        result: object = None
        match request.method:
            case "SUBSCRIBE":
                # A name that does not exist is acknowledged too, and stays silent.
                connection.streams |= dict.fromkeys(names)
                self._counts.subscriptions.update(names)
            case "UNSUBSCRIBE":
                for name in names:
                    connection.streams.pop(name, None)
            case "LIST_SUBSCRIPTIONS":
                result = list(connection.streams)
            case "SET_PROPERTY":
                if request.params[:1] != ["combined"] or len(request.params) != 2:
                    return {"code": 0, "msg": "Unknown property", "id": request.id}
                connection.combined = bool(request.params[1])
            case "GET_PROPERTY":
                result = connection.combined
            case _:
                return {"code": 2, "msg": "Invalid request: method", "id": request.id}
        return {"result": result, "id": request.id}
