"""Kraken's public channels: book, trade, ticker, ohlc and instrument."""

from collections.abc import Callable, Iterator
from itertools import islice

from tests.fake_exchange.kraken import messages
from tests.fake_exchange.kraken.connection import Connection, Params, Subscription
from tests.fake_exchange.kraken.errors import KrakenError
from tests.fake_exchange.kraken.history import INTERVALS, MOST_CANDLES
from tests.fake_exchange.kraken.names import KrakenNames, symbol_of
from tests.fake_exchange.kraken.number_texts import (
    amount,
    decimals_of,
    fixed,
    number,
    price,
    quantity,
    rfc3339,
)
from tests.fake_exchange.kraken.orders import flag
from tests.fake_exchange.kraken.trading import KrakenTrading
from tests.fake_exchange.market import UNIT, Market
from tests.fake_exchange.matching import MatchingCore
from tests.fake_exchange.orders import Event, LevelChanged, MarketChanged, Side, Traded
from tests.fake_exchange.trade_history import RestHistory, traded_candles
from tests.fake_exchange.trade_statistics import Candle

SNAPSHOT_TRADES = 50


class KrakenMarketData:
    names = frozenset({"trade", "ticker", "ohlc", "instrument"})

    def __init__(
        self, core: MatchingCore, names: KrakenNames, trading: KrakenTrading,
        connections: set[Connection], now_us: Callable[[], int],
    ) -> None:  # fmt: skip
        self._core = core
        self._names = names
        self._trading = trading
        self._connections = connections
        self._now_us = now_us
        self._history = RestHistory(core.history, now_us)
        self._tops: dict[str, object] = {}
        core.listeners.append(self._on_event)

    def subscription(self, params: Params) -> Subscription:
        channel = str(params["channel"])
        known = {"ticker": {"event_trigger"}, "ohlc": {"interval"}, "instrument": set(), "trade": set()}
        for name in params:
            if name not in known[channel] | {
                "channel",
                "symbol",
                "snapshot",
                "execution_venue",
                "asset_class",
            }:
                raise KrakenError(f"Unsupported field: '{name}' for the given msg type: subscribe")
        options: dict[str, object] = {"snapshot": flag({"snapshot": True, **params}, "snapshot")}
        if channel == "instrument":
            if "symbol" in params:
                raise KrakenError("Unsupported field: 'symbol' for the given msg type: subscribe")
            warning = "tick_size is deprecated, use price_increment"
            return Subscription(channel, "", options | {"warnings": [warning]})
        market = market_of(params, self._names, self._trading)
        if channel == "ticker":
            options["event_trigger"] = params.get("event_trigger", "trades")
            if options["event_trigger"] not in ("trades", "bbo"):
                raise KrakenError("Subscription event_trigger not supported")
        if channel == "ohlc":
            options["interval"] = params.get("interval", 1)
            if type(options["interval"]) is not int or options["interval"] not in INTERVALS:
                raise KrakenError("Subscription ohlc interval not supported")
            options["warnings"] = ["timestamp is deprecated, use interval_begin"]
        return Subscription(channel, symbol_of(market), options)

    def start(self, connection: Connection, subscription: Subscription) -> None:
        channel = subscription.channel
        if channel == "instrument":
            assets = sorted({asset for m in self._core.markets.values() for asset in (m.base, m.quote)})
            data = {
                "assets": [messages.instrument_asset(asset) for asset in assets],
                "pairs": [self._pair(market) for market in self._core.markets.values()],
            }
            connection.send_data(channel, "snapshot", data)
            return
        market = self._names.by_symbol(subscription.symbol)
        assert market is not None
        if channel == "trade":
            # Kraken: oldest first.
            trades = self._core.history.of(market.symbol)[-SNAPSHOT_TRADES:]
            if trades:
                connection.send_data(channel, "snapshot", [_trade_row(market, trade) for trade in trades])
        elif channel == "ticker":
            connection.send_data(channel, "snapshot", [self._ticker(market)])
        else:
            interval = subscription.options["interval"]
            assert isinstance(interval, int)
            candles = traded_candles(self._history.newest_candles(market.symbol, INTERVALS[interval]))
            rows = [self._ohlc(market, interval, candle) for candle in islice(candles, MOST_CANDLES)]
            connection.send_data(channel, "snapshot", rows[::-1])

    def announce_pair(self, market: Market) -> None:
        data = {"assets": [], "pairs": [self._pair(market)]}
        for connection in self._connections:
            for _ in connection.of_channel("instrument"):
                connection.send_data("instrument", "update", data)

    def _on_event(self, event: Event) -> None:
        if isinstance(event, Traded):
            self._on_trade(self._core.markets[event.symbol], event)
        elif isinstance(event, LevelChanged):
            market = self._core.markets[event.symbol]
            top = [self._core.levels(event.symbol, side)[:1] for side in Side]
            if self._tops.get(event.symbol) != top:
                self._tops[event.symbol] = top
                self._publish_ticker(market, "bbo")
        elif isinstance(event, MarketChanged):
            self.announce_pair(self._core.markets[event.symbol])

    def _on_trade(self, market: Market, trade: Traded) -> None:
        for connection, _ in self._followers("trade", market):
            connection.send_data("trade", "update", [_trade_row(market, trade)])
        for connection, kept in self._followers("ohlc", market):
            interval = kept.options["interval"]
            assert isinstance(interval, int)
            candle = self._core.history.candle(market.symbol, INTERVALS[interval], trade.time_us)
            assert candle is not None
            connection.send_data("ohlc", "update", [self._ohlc(market, interval, candle)])
        self._publish_ticker(market, "trades")

    def _publish_ticker(self, market: Market, trigger: str) -> None:
        for connection, kept in self._followers("ticker", market):
            if kept.options["event_trigger"] == trigger:
                connection.send_data("ticker", "update", [self._ticker(market)])

    def _followers(self, channel: str, market: Market) -> Iterator[tuple[Connection, Subscription]]:
        for connection in self._connections:
            for kept in connection.of_channel(channel):
                if kept.symbol == symbol_of(market):
                    yield connection, kept

    def _pair(self, market: Market) -> dict[str, object]:
        return messages.instrument_pair(market, self._trading.status_of(market))

    def _ticker(self, market: Market) -> dict[str, object]:
        row: dict[str, object] = {"symbol": symbol_of(market)}
        for name, side in (("bid", Side.BUY), ("ask", Side.SELL)):
            # Kraken: zeros where there is none.
            price_ticks, lots = (self._core.levels(market.symbol, side) or [(0, 0)])[0]
            row |= {name: price(market, price_ticks), f"{name}_qty": quantity(market, lots)}
        day = self._core.days[market.symbol].candle()
        change_e8 = day.close_e8 - day.open_e8
        percent_e8 = change_e8 * 100 * UNIT // day.open_e8 if day.open_e8 else 0
        return row | {
            "last": amount(day.close_e8),
            "volume": amount(day.volume_e8),
            "vwap": amount(day.average_e8),
            "low": amount(day.low_e8),
            "high": amount(day.high_e8),
            "change": amount(change_e8),
            "change_pct": amount(percent_e8 // 10**6 * 10**6),
            "timestamp": rfc3339(self._now_us()),
        }

    def _ohlc(self, market: Market, interval: int, candle: Candle) -> dict[str, object]:
        # Kraken: the begin has nanoseconds. The timestamp is the end of the interval.
        begin = rfc3339(candle.begin_us).replace("Z", "000Z")
        return {
            "symbol": symbol_of(market),
            "open": amount(candle.open_e8),
            "high": amount(candle.high_e8),
            "low": amount(candle.low_e8),
            "close": amount(candle.close_e8),
            "trades": candle.trades,
            "volume": amount(candle.volume_e8),
            "vwap": amount(candle.average_e8),
            "interval_begin": begin,
            "interval": interval,
            "timestamp": rfc3339(candle.end_us),
        }


def _trade_row(market: Market, trade: Traded) -> dict[str, object]:
    return {
        "symbol": symbol_of(market),
        "side": trade.taker_side.value.lower(),
        "price": number(fixed(trade.price_e8, decimals_of(market.tick_e8))),
        "qty": number(fixed(trade.size_e8, decimals_of(market.step_e8))),
        "ord_type": "market" if trade.is_market_order else "limit",
        "trade_id": trade.trade_id,
        "timestamp": rfc3339(trade.time_us),
    }


def market_of(params: Params, names: KrakenNames, trading: KrakenTrading) -> Market:
    symbol = params.get("symbol")
    market = names.by_symbol(symbol) if isinstance(symbol, str) else None
    if market is None or trading.status_of(market) == "delisted":
        raise KrakenError(f"Currency pair not supported {symbol}")
    return market
