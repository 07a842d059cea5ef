"""OKX's market channels: books, best prices, trades, tickers, instruments and the exchange's status."""

import asyncio
from collections.abc import Callable

from tests.fake_exchange.live_candles import LiveCandles
from tests.fake_exchange.market import Market
from tests.fake_exchange.matching import MatchingCore
from tests.fake_exchange.okx import messages
from tests.fake_exchange.okx.books import SentBook, TextLevels
from tests.fake_exchange.okx.history import BARS
from tests.fake_exchange.okx.queries import OkxQueries
from tests.fake_exchange.okx.requests import OkxRequests
from tests.fake_exchange.okx.sockets import Arg, Connection, OkxSockets
from tests.fake_exchange.orders import Event, LevelChanged, MarketChanged, Traded

Body = dict[str, object]
OF_ONE = frozenset(
    {"books", "books5", "bbo-tbt", "trades", "trades-all", "tickers"} | {f"candle{name}" for name in BARS}
)


class OkxMarket:
    def __init__(
        self, core: MatchingCore, requests: OkxRequests, queries: OkxQueries, sockets: OkxSockets,
        now_us: Callable[[], int],
    ) -> None:  # fmt: skip
        self.keep_alive_us = 60_000_000
        self.sends_snapshots = True
        self.sends_checksums = False  # OKX: always 0 since June 2026
        self._core = core
        self._requests = requests
        self._queries = queries
        self._sockets = sockets
        self._now_us = now_us
        self._books = {symbol: SentBook(core, market) for symbol, market in core.markets.items()}
        for book in self._books.values():
            book.sent_us = now_us()
        self._tops: dict[str, tuple[object, ...]] = {}
        self._changed: set[str] = set()
        self._trades: list[Traded] = []
        self._candles = LiveCandles(core, BARS, now_us)
        core.listeners.append(self._on_event)
        sockets.add(self)

    def is_known(self, arg: Arg) -> bool:
        channel = arg.get("channel", "")
        if channel in OF_ONE:
            return self._requests.market_by_id(arg.get("instId", "")) is not None
        if channel == "instruments":
            return arg.get("instType") == "SPOT"
        return channel == "status"

    def start(self, connection: Connection, arg: dict[str, str]) -> None:
        channel = arg["channel"]
        if channel == "instruments":
            connection.send({"arg": arg, "data": self._queries.instruments({"instType": "SPOT"})})
        if channel not in OF_ONE:
            return
        market = self._market(arg)
        self.flush(market.symbol)
        book = self._books[market.symbol]
        if channel == "books" and self.sends_snapshots:
            # OKX: a snapshot has the previous sequence -1.
            self._send_book(connection, arg, book, "snapshot", book.snapshot(), -1)
        elif channel == "books5":
            connection.send({"arg": arg, "data": [self._short_book(book, 5)]})
        elif channel == "bbo-tbt":
            connection.send({"arg": arg, "data": [self._top(book)]})
        elif channel.startswith("candle"):
            current = self._candles.current(market.symbol, channel.removeprefix("candle"))
            if current is not None:
                connection.send({"arg": arg, "data": [messages.candle(current)]})
        elif channel == "tickers":
            connection.send({"arg": arg, "data": [messages.ticker(self._core, market, self._now_us())]})

    def flush_all(self) -> None:
        for symbol in self._core.markets:
            self.flush(symbol)

    def flush(self, symbol: str) -> None:
        """Send what changed in a book since the last time."""
        book, changed = self._books[symbol], symbol in self._changed
        self._changed.discard(symbol)
        changes = book.take_changes() if changed else None
        previous, now_us = book.seq_id, self._now_us()
        if changes is None and now_us - book.sent_us <= self.keep_alive_us:
            return
        book.sent_us = now_us
        if changes is not None:
            book.seq_id = self._core.update_ids[symbol]
        # OKX: if nothing changed for a minute, an empty update repeats the sequence.
        levels: TextLevels = changes or {"asks": [], "bids": []}
        for connection, arg in self._followers("books", symbol):
            self._send_book(connection, arg, book, "update", levels, previous)
        if changes is None:
            return
        self._publish("books5", symbol, self._short_book(book, 5))
        self._publish("tickers", symbol, messages.ticker(self._core, book.market, now_us))

    def publish_candles(self) -> None:
        for symbol, name, candle in self._candles.take_due():
            for connection, arg in self._followers(f"candle{name}", symbol):
                connection.send({"arg": arg, "data": [messages.candle(candle)]})

    def restart_ids(self, symbol: str) -> None:
        """The sequence begins again. The next update has a smaller one than the update before it."""
        self._core.update_ids[symbol] = 0

    def publish_status(self, state: str) -> None:
        now = messages.time_text(self._now_us())
        body: Body = {
            "title": "Maintenance",
            "state": state,
            "begin": now,
            "end": now,
            "preOpenBegin": "",
            "href": "",
            "serviceType": "5",
            "system": "unified",
            "scheDesc": "",
            "maintType": "1",
            "env": "1",
            "ts": now,
        }
        self._queries.maintenance[:] = [body]
        for connection, arg in self._sockets.subscribers("status"):
            connection.send({"arg": arg, "data": [body]})

    def _on_event(self, event: Event) -> None:
        if isinstance(event, LevelChanged):
            self._changed.add(event.symbol)
            self._publish_top(event.symbol)
        elif isinstance(event, Traded):
            if not self._trades:
                asyncio.get_running_loop().call_soon(self._publish_trades)
            self._trades.append(event)
        elif isinstance(event, MarketChanged):
            self._changed.add(event.symbol)
            rows = self._queries.instruments({"instType": "SPOT"})
            market = self._core.markets[event.symbol]
            changed = [row for row in rows if row["instId"] == messages.inst_id(market)]
            for connection, arg in self._sockets.subscribers("instruments"):
                connection.send({"arg": arg, "data": changed})

    def _publish_trades(self) -> None:
        """OKX: `trades` has one entry for all fills of one order at one price, with the last trade's id."""
        trades, self._trades = self._trades, []
        groups: list[list[Traded]] = []
        for trade in trades:
            self._publish("trades-all", trade.symbol, self._trade(trade, trade.size_e8))
            last = groups[-1][-1] if groups else None
            if last is not None and (last.symbol, last.taker_order_id, last.price_e8) == (
                trade.symbol, trade.taker_order_id, trade.price_e8,
            ):  # fmt: skip
                groups[-1].append(trade)
            else:
                groups.append([trade])
        for group in groups:
            body = self._trade(group[-1], sum(trade.size_e8 for trade in group))
            seq_id = self._core.update_ids[group[0].symbol]
            self._publish("trades", group[0].symbol, body | {"count": str(len(group)), "seqId": seq_id})

    def _publish_top(self, symbol: str) -> None:
        if not self._followers("bbo-tbt", symbol):
            return
        fresh = SentBook(self._core, self._core.markets[symbol])
        body = self._top(fresh)
        top = (body["asks"], body["bids"])
        if self._tops.get(symbol) != top:
            self._tops[symbol] = top
            self._publish("bbo-tbt", symbol, body)

    def _top(self, book: SentBook) -> Body:
        return book.snapshot(1) | {"ts": messages.time_text(self._now_us()), "seqId": book.seq_id}

    def _short_book(self, book: SentBook, depth: int) -> Body:
        body: Body = {"instId": messages.inst_id(book.market), "seqId": book.seq_id}
        return book.snapshot(depth) | body | {"ts": messages.time_text(self._now_us())}

    def _send_book(
        self, connection: Connection, arg: Arg, book: SentBook, action: str,
        levels: TextLevels, previous: int,
    ) -> None:  # fmt: skip
        row: Body = {
            **levels,
            "ts": messages.time_text(self._now_us()),
            "checksum": book.checksum() if self.sends_checksums else 0,
            "seqId": book.seq_id,
            "prevSeqId": previous,
        }
        connection.send({"arg": arg, "action": action, "data": [row]})

    def _trade(self, trade: Traded, size_e8: int) -> Body:
        return messages.trade(self._core.markets[trade.symbol], trade, size_e8)

    def _publish(self, channel: str, symbol: str, body: Body) -> None:
        for connection, arg in self._followers(channel, symbol):
            connection.send({"arg": arg, "data": [body]})

    def _followers(self, channel: str, symbol: str) -> list[tuple[Connection, dict[str, str]]]:
        inst_id = messages.inst_id(self._core.markets[symbol])
        return [(c, arg) for c, arg in self._sockets.subscribers(channel) if arg.get("instId") == inst_id]

    def _market(self, arg: Arg) -> Market:
        market = self._requests.market_by_id(arg["instId"])
        assert market is not None
        return market
