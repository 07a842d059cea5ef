"""Bybit's books of one symbol: a depth that is pushed as a snapshot and deltas, and the whole book."""

from collections.abc import Callable

from tests.fake_exchange.bybit import messages
from tests.fake_exchange.market import Market
from tests.fake_exchange.matching import MatchingCore
from tests.fake_exchange.orders import Side
from tests.fake_exchange.sent_levels import Levels, SentLevels

Body = dict[str, object]
FULL_DEPTH = 10_000


class SentBook:
    """What subscribers of one depth have. `u` counts its messages, `seq` is common to all depths."""

    def __init__(self, core: MatchingCore, market: Market, depth: int, now_us: Callable[[], int]) -> None:
        self.market = market
        self.depth = depth
        self.update_id = 10_000
        self.sent_us = now_us()
        self._core = core
        self._now_us = now_us
        self._levels = SentLevels(core, market, depth)
        self._sequence = core.update_ids[market.symbol]

    @property
    def topic(self) -> str:
        name = "full" if self.depth == FULL_DEPTH else str(self.depth)
        return f"orderbook.{name}.{self.market.symbol}"

    def snapshot(self) -> Body:
        return self._message("snapshot", self._levels.snapshot())

    def take_update(self) -> Body | None:
        """The next message, or None if nothing changed. Bybit: depth 1 has snapshots alone."""
        changes = self._levels.take_changes()
        if changes is None:
            return None
        self.update_id += 1
        self.sent_us = self._now_us()
        self._sequence = self._core.update_ids[self.market.symbol]
        if self.depth == 1:
            return self.snapshot()
        return self._message("delta", changes)

    def restart(self) -> Body:
        """Bybit: u is 1 after a restart of the service, and the message has the whole book."""
        self._levels.take_changes()
        self.update_id = 1
        self._sequence = self._core.update_ids[self.market.symbol]
        if self.depth == FULL_DEPTH:
            return self._message("delta", {side: [] for side in Side})
        return self.snapshot()

    def rest_snapshot(self) -> Body:
        """Of /v5/market/full_orderbook. u and seq fit the stream."""
        now_ms = self._now_us() // 1_000
        return self._data(self._levels.snapshot()) | {"ts": now_ms, "cts": now_ms}

    def _message(self, kind: str, levels: Levels) -> Body:
        now_ms = self._now_us() // 1_000
        # Bybit: on spot the type comes after the time.
        return {"topic": self.topic, "ts": now_ms, "type": kind, "data": self._data(levels), "cts": now_ms}

    def _data(self, levels: Levels) -> Body:
        market = self.market
        body: Body = {"s": market.symbol}
        for name, side in (("b", Side.BUY), ("a", Side.SELL)):
            body[name] = [
                [messages.price_text(market, price), messages.quantity_text(market, lots)]
                for price, lots, _ in levels[side]
            ]
        return body | {"u": self.update_id, "seq": self._sequence}
