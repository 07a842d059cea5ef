"""Public events: trades, book changes and quotes of one market, made from its matching events."""

from __future__ import annotations

from collections.abc import Iterable

from floorwire.core.market_events import BookChange, BookSnapshot, Level, MarketEvent, Quote, Trade
from floorwire.engine.matching import Matching
from floorwire.engine.matching_events import LevelChanged, MatchingEvent, TradeMatched


class PublicEvents:
    """Turns the events of one command into trades, one book change and, if the best changed, a quote."""

    __slots__ = ("_best", "_market", "_symbol", "first_trade")

    def __init__(self, symbol: str, market: Matching, first_trade: int) -> None:
        self._symbol = symbol
        self._market = market
        self.first_trade = first_trade
        """Added to a match id it is the trade's public id."""
        self._best: tuple[Level, Level] | None = None

    def snapshot(self, ts_us: int) -> BookSnapshot:
        """Return the whole book."""
        bids, asks = self._market.bids.sizes(), self._market.asks.sizes()
        return BookSnapshot(self._symbol, tuple(bids), tuple(asks), ts_us)

    def quote(self, ts_us: int) -> Quote:
        """Return the best bid and ask now."""
        self._best = bid, ask = self._market.bids.best_size(), self._market.asks.best_size()
        return Quote(self._symbol, *bid, *ask, ts_us)

    def market_events(self, events: Iterable[MatchingEvent], ts_us: int) -> list[MarketEvent]:
        """Return what one command showed to the public: trades, then the book change, then the quote."""
        bids: dict[int, int] = {}
        asks: dict[int, int] = {}
        public: list[MarketEvent] = []
        for event in events:
            if type(event) is LevelChanged:
                side = bids if event.side == "buy" else asks
                side[event.price_ticks] = event.lots
            elif type(event) is TradeMatched:
                public.append(self._trade(event, ts_us))
        if bids or asks:
            public.append(BookChange(self._symbol, tuple(bids.items()), tuple(asks.items()), ts_us))
            best = self._market.bids.best_size(), self._market.asks.best_size()
            if best != self._best:
                public.append(self.quote(ts_us))
        return public

    def _trade(self, match: TradeMatched, ts_us: int) -> Trade:
        trade_id = str(self.first_trade + match.match_id)
        return Trade(self._symbol, trade_id, match.price_ticks, match.lots, match.taker_side, ts_us)
