"""Bybit's market topics: books, trades, tickers, and the exchange's status."""

import asyncio
from collections.abc import Callable

from tests.fake_exchange.bybit import messages
from tests.fake_exchange.bybit.books import FULL_DEPTH, SentBook
from tests.fake_exchange.bybit.history import CANDLES
from tests.fake_exchange.bybit.queries import BybitQueries
from tests.fake_exchange.bybit.sockets import BybitSockets, Connection
from tests.fake_exchange.matching import MatchingCore
from tests.fake_exchange.orders import Event, LevelChanged, MarketChanged, Traded
from tests.fake_exchange.trade_statistics import Candle

Body = dict[str, object]
# How often each depth is pushed.
SPEEDS_US = {1: 10_000, 50: 20_000, 200: 100_000, 1_000: 200_000, FULL_DEPTH: 200_000}
TICK_S = 0.02
REPEAT_US = 3_000_000
MAX_TRADES = 1_024
STATUS = "system.status"


class BybitMarket:
    def __init__(
        self, core: MatchingCore, queries: BybitQueries, sockets: BybitSockets, now_us: Callable[[], int]
    ) -> None:
        self.repeat_us = REPEAT_US
        self._core = core
        self._queries = queries
        self._sockets = sockets
        self._now_us = now_us
        self._books = {
            (symbol, depth): SentBook(core, market, depth, now_us)
            for symbol, market in core.markets.items()
            for depth in SPEEDS_US
        }
        self._changed: set[tuple[str, int]] = set()
        self._trades: list[Traded] = []
        core.listeners.append(self._on_event)
        sockets.topics |= {"public": self, "status": self}
        queries.full_books = self._full_book

    def refusal(self, topic: str, home: str) -> str | None:
        if home == "status":
            return None if topic == STATUS else f"handler not found,topic:{topic}"
        family, _, symbol = topic.rpartition(".")
        if not self._is_family(family):
            return f"handler not found,topic:{topic}"
        market = self._core.markets.get(symbol)
        return None if market is not None and market.is_listed else f"Invalid symbol :[{topic}]"

    def start(self, connection: Connection, topic: str) -> None:
        if topic == STATUS:
            return
        family, _, symbol = topic.rpartition(".")
        if family == "tickers":
            connection.send(self._ticker(symbol))
        elif family.startswith("kline."):
            interval = family.removeprefix("kline.")
            candle = self._queries.candles.current(symbol, interval)
            if candle is not None:
                connection.send(self._candle(symbol, interval, candle))
        elif family.startswith("orderbook.") and family != "orderbook.full":
            book = self._books[symbol, int(family.removeprefix("orderbook."))]
            self._flush(symbol, book.depth)
            connection.send(book.snapshot())

    def flush_due(self, passed_us: int) -> None:
        """Send what changed in the depths whose time has come."""
        for symbol, depth in list(self._books):
            if passed_us % max(SPEEDS_US[depth], int(TICK_S * 1_000_000)) == 0:
                self._flush(symbol, depth)

    def flush(self, symbol: str) -> None:
        for depth in SPEEDS_US:
            self._flush(symbol, depth)

    def publish_candles(self) -> None:
        for symbol, interval, candle in self._queries.candles.take_due():
            self._publish(self._candle(symbol, interval, candle))

    def restart_ids(self, symbol: str) -> None:
        """u begins again at 1, with the whole book, as after a restart of the exchange."""
        for depth in SPEEDS_US:
            self._changed.discard((symbol, depth))
            self._publish(self._books[symbol, depth].restart())

    def publish_status(self, state: str) -> None:
        now = messages.time_text(self._now_us())
        body: Body = {
            "id": "4d95b2a0-587f-11f0-bcc9-56f28c94d6ea",
            "title": "Maintenance",
            "state": state,
            "begin": now,
            "end": now,
            "href": "",
            "serviceTypes": [2, 3, 4, 5],
            "product": [1, 2],
            "uidSuffix": [],
            "maintainType": "1",
            "env": "1",
        }
        self._queries.maintenance[:] = [body]
        self._publish({"topic": STATUS, "ts": self._now_us() // 1_000, "data": [body]})

    def _is_family(self, family: str) -> bool:
        if family in ("publicTrade", "tickers", "orderbook.full"):
            return True
        if family.startswith("kline."):
            return family.removeprefix("kline.") in CANDLES
        depth = family.removeprefix("orderbook.")
        return depth != family and depth.isdigit() and int(depth) in SPEEDS_US and int(depth) < FULL_DEPTH

    def _full_book(self, symbol: str) -> Body:
        self._flush(symbol, FULL_DEPTH)
        return self._books[symbol, FULL_DEPTH].rest_snapshot()

    def _flush(self, symbol: str, depth: int) -> None:
        book = self._books[symbol, depth]
        update = None
        if (symbol, depth) in self._changed:
            self._changed.discard((symbol, depth))
            update = book.take_update()
        if update is not None:
            self._publish(update)
        elif depth == 1 and self._now_us() - book.sent_us > self.repeat_us:
            # Bybit: every three seconds the best prices come again, with the same u.
            book.sent_us = self._now_us()
            self._publish(book.snapshot())

    def _on_event(self, event: Event) -> None:
        if isinstance(event, LevelChanged | MarketChanged):
            self._changed |= {(event.symbol, depth) for depth in SPEEDS_US}
        elif isinstance(event, Traded):
            if not self._trades:
                asyncio.get_running_loop().call_soon(self._publish_trades)
            self._trades.append(event)

    def _publish_trades(self) -> None:
        trades, self._trades = self._trades, []
        for symbol in self._core.markets:
            rows = [messages.trade_event(trade) for trade in trades if trade.symbol == symbol]
            for first in range(0, len(rows), MAX_TRADES):
                body = {"topic": f"publicTrade.{symbol}", "ts": self._now_us() // 1_000, "type": "snapshot"}
                self._publish(body | {"data": rows[first : first + MAX_TRADES]})
            if rows:
                self._publish(self._ticker(symbol))

    def _ticker(self, symbol: str) -> Body:
        return {
            "topic": f"tickers.{symbol}",
            "ts": self._now_us() // 1_000,
            "type": "snapshot",
            "cs": self._core.update_ids[symbol],
            "data": messages.ticker(self._core, self._core.markets[symbol]),
        }

    def _candle(self, symbol: str, interval: str, candle: Candle) -> Body:
        now_us = self._now_us()
        body: Body = {"topic": f"kline.{interval}.{symbol}", "ts": now_us // 1_000, "type": "snapshot"}
        return body | {"data": [messages.candle(candle, interval, now_us)]}

    def _publish(self, body: Body) -> None:
        for connection in self._sockets.subscribers(str(body["topic"])):
            connection.send(body)
