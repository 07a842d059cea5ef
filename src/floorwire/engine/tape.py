"""The tape: a market's events as those see them who watch it."""

from __future__ import annotations

from collections.abc import Iterable

from floorwire.core.market_events import BookChange, BookSnapshot, Level, MarketEvent, Quote, Trade
from floorwire.engine.matching import Matching
from floorwire.engine.matching_events import Event, LevelChanged, TradeMatched


class MarketTape:
    """Turns the events of one command into trades, one book change and, where the best changed, a quote."""

    __slots__ = ("_best", "_market", "_symbol", "first_trade")

    def __init__(self, symbol: str, market: Matching, first_trade: int) -> None:
        self._symbol = symbol
        self._market = market
        self.first_trade = first_trade
        self._best: tuple[Level, Level] | None = None

    def snapshot(self, ts_us: int) -> BookSnapshot:
        """Return the whole book."""
        bids, asks = self._market.bids.sizes(), self._market.asks.sizes()
        return BookSnapshot(self._symbol, tuple(bids), tuple(asks), ts_us)

    def quote(self, ts_us: int) -> Quote:
        """Return the best of both sides."""
        self._best = bid, ask = self._market.bids.best_size(), self._market.asks.best_size()
        return Quote(self._symbol, *bid, *ask, ts_us)

    def record(self, events: Iterable[Event], ts_us: int) -> list[MarketEvent]:
        """Return what one command showed to everybody: trades, then the book, then the best prices."""
        bids: dict[int, int] = {}
        asks: dict[int, int] = {}
        shown: list[MarketEvent] = []
        for event in events:
            if type(event) is LevelChanged:
                side = bids if event.side == "buy" else asks
                side[event.price_ticks] = event.lots
            elif type(event) is TradeMatched:
                shown.append(self._trade(event, ts_us))
        if bids or asks:
            shown.append(BookChange(self._symbol, tuple(bids.items()), tuple(asks.items()), ts_us))
            best = self._market.bids.best_size(), self._market.asks.best_size()
            if best != self._best:
                shown.append(self.quote(ts_us))
        return shown

    def _trade(self, match: TradeMatched, ts_us: int) -> Trade:
        trade_id = str(self.first_trade + match.match_id)
        return Trade(self._symbol, trade_id, match.price_ticks, match.lots, match.taker_side, ts_us)
