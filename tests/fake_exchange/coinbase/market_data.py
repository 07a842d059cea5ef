"""Coinbase's market channels: level2, market_trades, ticker, ticker_batch, candles and status."""

from collections.abc import Callable, Iterator
from itertools import islice

from tests.fake_exchange.candle_intervals import minutes
from tests.fake_exchange.coinbase.connection import Connection
from tests.fake_exchange.coinbase.history import candle_row
from tests.fake_exchange.coinbase.messages import time_text
from tests.fake_exchange.coinbase.products import CoinbaseProducts, percent_text, product_id_of
from tests.fake_exchange.market import Market, plain_e8
from tests.fake_exchange.matching import MatchingCore
from tests.fake_exchange.orders import Event, LevelChanged, Side, Traded
from tests.fake_exchange.trade_history import RestHistory, traded_candles

SIDES = {Side.BUY: "bid", Side.SELL: "offer"}
INTERVAL = minutes(5)
SNAPSHOT_TRADES = 100
SNAPSHOT_CANDLES = 350
Row = dict[str, object]


class CoinbaseMarketData:
    """Frames of an alias name the product whose book it has.

    `tells_takers`: trades have the taker's side. Else they have the maker's, as recordings suggest."""

    names = frozenset({"level2", "market_trades", "ticker", "ticker_batch", "candles", "status"})

    def __init__(
        self, core: MatchingCore, products: CoinbaseProducts, connections: set[Connection],
        now_us: Callable[[], int],
    ) -> None:  # fmt: skip
        self.tells_takers = False
        self._core = core
        self._products = products
        self._connections = connections
        self._now_us = now_us
        self._levels: dict[str, dict[tuple[Side, int], int]] = {symbol: {} for symbol in core.markets}
        self._trades: dict[str, list[Row]] = {symbol: [] for symbol in core.markets}
        self._history = RestHistory(core.history, now_us)
        self._tops: dict[str, object] = {}
        core.listeners.append(self._on_event)
        products.listeners.append(self._announce)

    def start(self, connection: Connection, channel: str, product_ids: list[str]) -> None:
        """Send the snapshots."""
        if channel == "status":
            products = [self._products.status_view(name) for name in product_ids]
            connection.send("status", [{"type": "snapshot", "products": products}])
            return
        markets = {}
        for product_id in product_ids:
            market = self._products.find(product_id)
            assert market is not None
            markets[market.symbol] = market
        for market in markets.values():
            match channel:
                case "level2":
                    self._flush(market, besides=connection)
                    connection.send("l2_data", [self._book(market)])
                    connection.send("l2_data", [self._updates(market, [])])  # seen so in recordings
                case "market_trades":
                    recent = self._core.history.of(market.symbol)[-SNAPSHOT_TRADES:]
                    newest_first = [self._trade(market, trade) for trade in reversed(recent)]
                    connection.send(channel, [{"type": "snapshot", "trades": newest_first}])
                case "candles":
                    rows = self._candles(market, SNAPSHOT_CANDLES)
                    connection.send(channel, [{"type": "snapshot", "candles": rows}])
                case _:
                    tickers = [self._ticker(market, channel == "ticker")]
                    connection.send(channel, [{"type": "snapshot", "tickers": tickers}])

    def flush_levels(self) -> None:
        """As every 50 ms."""
        for market in self._core.markets.values():
            self._flush(market)

    def _flush(self, market: Market, besides: Connection | None = None) -> None:
        """Send what changed. `besides` gets a snapshot instead, which has the changes."""
        changes, self._levels[market.symbol] = self._levels[market.symbol], {}
        if not changes:
            return
        event = self._updates(market, [(side, p, lots) for (side, p), lots in changes.items()])
        for connection in self._followers("level2", market):
            if connection is not besides:
                connection.send("l2_data", [event])

    def flush_trades(self) -> None:
        """As every 250 ms. The newest trade comes first."""
        for symbol, rows in self._trades.items():
            if rows:
                self._trades[symbol] = []
                event = {"type": "update", "trades": rows[::-1]}
                for connection in self._followers("market_trades", self._core.markets[symbol]):
                    connection.send("market_trades", [event])

    def flush_candles(self) -> None:
        """As each second."""
        for market in self._core.markets.values():
            followers = list(self._followers("candles", market))
            rows = self._candles(market, 1) if followers else []
            for connection in followers if rows else ():
                connection.send("candles", [{"type": "update", "candles": rows}])

    def flush_tickers(self) -> None:
        """As every five seconds."""
        for market in self._core.markets.values():
            for connection in self._followers("ticker_batch", market):
                tickers = [self._ticker(market, False)]
                connection.send("ticker_batch", [{"type": "update", "tickers": tickers}])

    def _on_event(self, event: Event) -> None:
        if isinstance(event, LevelChanged):
            market = self._core.markets[event.symbol]
            self._levels[event.symbol][event.side, event.price_ticks] = event.lots
            top = [self._core.levels(event.symbol, side)[:1] for side in Side]
            if self._tops.get(event.symbol) != top:
                self._tops[event.symbol] = top
                self._publish_ticker(market)
        elif isinstance(event, Traded):
            market = self._core.markets[event.symbol]
            self._trades[event.symbol].append(self._trade(market, event))
            self._publish_ticker(market)

    def _announce(self, product_id: str) -> None:
        view = self._products.status_view(product_id)
        for connection in self._connections:
            if connection.follows("status", [product_id]):
                connection.send("status", [{"type": "update", "products": [view]}])

    def _publish_ticker(self, market: Market) -> None:
        for connection in self._followers("ticker", market):
            connection.send("ticker", [{"type": "update", "tickers": [self._ticker(market, True)]}])

    def _followers(self, channel: str, market: Market) -> Iterator[Connection]:
        names = [name for name in self._products.ids if self._products.find(name) is market]
        for connection in self._connections:
            if connection.follows(channel, names):
                yield connection

    def _book(self, market: Market) -> Row:
        levels = [(side, p, lots) for side in Side for p, lots in self._core.levels(market.symbol, side)]
        return self._updates(market, levels) | {"type": "snapshot"}

    def _updates(self, market: Market, levels: list[tuple[Side, int, int]]) -> Row:
        event_time = time_text(self._now_us())
        updates = [
            {
                "side": SIDES[side],
                "event_time": event_time,
                "price_level": plain_e8(price_ticks * market.tick_e8),
                "new_quantity": plain_e8(lots * market.step_e8),
            }
            for side, price_ticks, lots in levels
        ]
        return {"type": "update", "product_id": product_id_of(market), "updates": updates}

    def _ticker(self, market: Market, with_best: bool) -> Row:
        day = self._products.day(market)
        row: Row = {
            "type": "ticker",
            "product_id": product_id_of(market),
            "price": plain_e8(day.close_e8),
            "volume_24_h": plain_e8(day.volume_e8),
            "low_24_h": plain_e8(day.low_e8),
            "high_24_h": plain_e8(day.high_e8),
            "low_52_w": plain_e8(day.low_e8),
            "high_52_w": plain_e8(day.high_e8),
            "price_percent_chg_24_h": percent_text(day.close_e8 - day.open_e8, day.open_e8),
        }
        for name, side in (("bid", Side.BUY), ("ask", Side.SELL)) if with_best else ():
            price_ticks, lots = (self._core.levels(market.symbol, side) or [(0, 0)])[0]
            row[f"best_{name}"] = plain_e8(price_ticks * market.tick_e8)
            row[f"best_{name}_quantity"] = plain_e8(lots * market.step_e8)
        return row

    def _trade(self, market: Market, trade: Traded) -> Row:
        side = trade.taker_side if self.tells_takers else trade.taker_side.opposite
        return {
            "product_id": product_id_of(market),
            "trade_id": str(trade.trade_id),
            "price": plain_e8(trade.price_e8),
            "size": plain_e8(trade.size_e8),
            "time": time_text(trade.time_us),
            "side": side.value,
        }

    def _candles(self, market: Market, most: int) -> list[Row]:
        """The newest first."""
        traded = traded_candles(self._history.newest_candles(market.symbol, INTERVAL))
        return [candle_row(candle) | {"product_id": product_id_of(market)} for candle in islice(traded, most)]
