"""Kraken's channel `book`: a message for each change, with a checksum over the best ten levels."""

from collections.abc import Callable

from tests.fake_exchange.kraken.connection import Connection, Params, Subscription
from tests.fake_exchange.kraken.errors import KrakenError
from tests.fake_exchange.kraken.market_data import market_of
from tests.fake_exchange.kraken.names import KrakenNames, symbol_of
from tests.fake_exchange.kraken.number_texts import (
    checksum,
    price,
    price_text,
    quantity,
    quantity_text,
    rfc3339,
)
from tests.fake_exchange.kraken.orders import flag
from tests.fake_exchange.kraken.trading import KrakenTrading
from tests.fake_exchange.market import Market
from tests.fake_exchange.matching import MatchingCore
from tests.fake_exchange.orders import Event, LevelChanged, Side

DEPTHS = (10, 25, 100, 500, 1_000)
THIN = 4
KEYS = {Side.BUY: "bids", Side.SELL: "asks"}
Levels = dict[Side, list[tuple[int, int]]]


class KrakenBooks:
    names = frozenset({"book"})

    def __init__(
        self, core: MatchingCore, names: KrakenNames, trading: KrakenTrading,
        connections: set[Connection], now_us: Callable[[], int],
    ) -> None:  # fmt: skip
        self._core = core
        self._names = names
        self._trading = trading
        self._connections = connections
        self._now_us = now_us
        self._shown: dict[tuple[str, int], Levels] = {}  # of the depths that are followed
        self._thin_snapshots = 0
        self._thin: list[tuple[Connection, Subscription]] = []  # their full snapshot is due
        core.listeners.append(self._on_event)

    def thin_next_snapshot(self) -> None:
        """Send few levels without a checksum first, and all of them with the next change."""
        self._thin_snapshots += 1

    def subscription(self, params: Params) -> Subscription:
        for name in params:
            if name not in {"channel", "symbol", "snapshot", "depth", "asset_class"}:
                raise KrakenError(f"Unsupported field: '{name}' for the given msg type: subscribe")
        depth = params.get("depth", 10)
        if type(depth) is not int or depth not in DEPTHS:
            raise KrakenError("Subscription depth not supported")
        snapshot = flag({"snapshot": True, **params}, "snapshot")
        market = market_of(params, self._names, self._trading)
        self._shown.setdefault((market.symbol, depth), self._levels(market, depth))
        return Subscription("book", symbol_of(market), {"depth": depth, "snapshot": snapshot})

    def start(self, connection: Connection, subscription: Subscription) -> None:
        if self._thin_snapshots:
            self._thin_snapshots -= 1
            self._thin.append((connection, subscription))
            self._send_snapshot(connection, subscription, THIN)
        else:
            self._send_snapshot(connection, subscription, None)

    def send_full_snapshots(self) -> None:
        thin, self._thin = self._thin, []
        for connection, subscription in thin:
            if connection in self._connections:
                self._send_snapshot(connection, subscription, None)

    def _send_snapshot(self, connection: Connection, subscription: Subscription, most: int | None) -> None:
        market = self._names.by_symbol(subscription.symbol)
        assert market is not None
        levels = self._levels(market, _depth(subscription) if most is None else most)
        row = self._row(market, levels)
        if most is None:
            row["checksum"] = self._checksum(market)
        row["timestamp"] = rfc3339(self._now_us())
        connection.send_data("book", "snapshot", [row])

    def _on_event(self, event: Event) -> None:
        if not isinstance(event, LevelChanged):
            return
        market = self._core.markets[event.symbol]
        followers = [
            (connection, kept)
            for connection in self._connections
            for kept in connection.of_channel("book")
            if kept.symbol == symbol_of(market)
        ]
        rows = self._rows_by_depth(market, {_depth(kept) for _, kept in followers})
        waiting = {id(kept) for _, kept in self._thin}
        for connection, kept in followers:
            row = rows.get(_depth(kept))
            if row is not None and id(kept) not in waiting:
                connection.send_data("book", "update", [row])
        self.send_full_snapshots()

    def _rows_by_depth(self, market: Market, followed: set[int]) -> dict[int, dict[str, object]]:
        """What changed within each depth that is followed. A depth without a change is left out."""
        rows = {}
        for depth in DEPTHS:
            before = self._shown.pop((market.symbol, depth), None)
            if depth not in followed:
                continue
            after = self._shown[market.symbol, depth] = self._levels(market, depth)
            assert before is not None  # since the subscription
            if before != after:
                row = self._row(market, self._changes(market, before, after))
                row |= {"checksum": self._checksum(market), "timestamp": rfc3339(self._now_us())}
                rows[depth] = row
        return rows

    def _changes(self, market: Market, before: Levels, after: Levels) -> Levels:
        """Kraken deletes what is gone from the book, says nothing of what fell below the depth, and sends
        what came up from below."""
        changes: Levels = {}
        for side in Side:
            there = dict(self._core.levels(market.symbol, side))
            gone = [(price_ticks, 0) for price_ticks, _ in before[side] if price_ticks not in there]
            old = dict(before[side])
            new = [(p, lots) for p, lots in after[side] if old.get(p) != lots]
            changes[side] = gone + new
        return changes

    def _levels(self, market: Market, depth: int) -> Levels:
        return {side: self._core.levels(market.symbol, side)[:depth] for side in Side}

    def _row(self, market: Market, levels: Levels) -> dict[str, object]:
        row: dict[str, object] = {"symbol": symbol_of(market)}
        for side, key in KEYS.items():
            row[key] = [
                {"price": price(market, price_ticks), "qty": quantity(market, lots)}
                for price_ticks, lots in levels[side]
            ]
        return row

    def _checksum(self, market: Market) -> int:
        texts = {
            side: [(price_text(market, p), quantity_text(market, lots)) for p, lots in levels]
            for side, levels in self._levels(market, 10).items()
        }
        return checksum(texts[Side.SELL], texts[Side.BUY])


def _depth(subscription: Subscription) -> int:
    depth = subscription.options["depth"]
    assert isinstance(depth, int)
    return depth
