"""The backtest of ``benchmarks.backtest`` in nautilus_trader. It runs in an environment of its own.

Its exchange has the book of levels (L2) that the recording has, and its strategy gets quotes and trades, as
Floorwire's bot does. All objects are made before the clock starts. It logs nothing.
"""

from __future__ import annotations

import gc
import sys
import time
from decimal import Decimal
from pathlib import Path

from nautilus_trader.backtest.config import BacktestEngineConfig  # type: ignore[import-not-found]
from nautilus_trader.backtest.engine import BacktestEngine  # type: ignore[import-not-found]
from nautilus_trader.config import LoggingConfig  # type: ignore[import-not-found]
from nautilus_trader.model.currencies import USDT  # type: ignore[import-not-found]
from nautilus_trader.model.data import (  # type: ignore[import-not-found]
    BookOrder,
    OrderBookDelta,
    OrderBookDeltas,
    QuoteTick,
    TradeTick,
)
from nautilus_trader.model.enums import (  # type: ignore[import-not-found]
    AccountType,
    AggressorSide,
    BookAction,
    BookType,
    OmsType,
    OrderSide,
)
from nautilus_trader.model.identifiers import TradeId, Venue  # type: ignore[import-not-found]
from nautilus_trader.model.objects import Money  # type: ignore[import-not-found]
from nautilus_trader.test_kit.providers import TestInstrumentProvider  # type: ignore[import-not-found]
from nautilus_trader.trading.strategy import Strategy  # type: ignore[import-not-found]

from benchmarks.backtest_events import (
    MONEY,
    SIZE,
    Averages,
    Book,
    Event,
    Quote,
    Result,
    Trade,
    print_result,
    read,
)

INSTRUMENT = TestInstrumentProvider.btcusdt_binance()
"""Its tick and lot are those of the recording."""


class Cross(Strategy):  # type: ignore[misc] # untyped
    """Holds while the fast average is above the slow one."""

    def __init__(self) -> None:
        super().__init__()
        self._averages = Averages()
        self._holds = self._waits = False
        self.fills = self.trades = 0

    def on_start(self) -> None:
        self.subscribe_quote_ticks(INSTRUMENT.id)
        self.subscribe_trade_ticks(INSTRUMENT.id)

    def on_quote_tick(self, tick: QuoteTick) -> None:
        is_up = self._averages.is_up(float(tick.bid_price), float(tick.ask_price))
        if not self._waits and is_up is not self._holds:
            self._waits, self._holds = True, is_up
            side = OrderSide.BUY if is_up else OrderSide.SELL
            self.submit_order(
                self.order_factory.market(INSTRUMENT.id, side, INSTRUMENT.make_qty(Decimal(SIZE)))
            )

    def on_trade_tick(self, tick: TradeTick) -> None:
        self.trades += 1

    def on_order_filled(self, _event: object) -> None:
        self.fills += 1
        self._waits = False


def made(event: Event) -> object:
    """Return the event as nautilus_trader has it."""
    price, size = INSTRUMENT.make_price, INSTRUMENT.make_qty
    at = event.ts_ns
    if isinstance(event, Quote):
        return QuoteTick(
            INSTRUMENT.id,
            price(event.bid),
            price(event.ask),
            size(event.bid_size),
            size(event.ask_size),
            at,
            at,
        )
    if isinstance(event, Book):
        return _book(event)
    side = AggressorSide.BUYER if event.side == "buy" else AggressorSide.SELLER
    return TradeTick(
        INSTRUMENT.id, price(event.price), size(event.size), side, TradeId(event.trade_id), at, at
    )


def _book(event: Book) -> object:
    price, size, at = INSTRUMENT.make_price, INSTRUMENT.make_qty, event.ts_ns
    deltas = [OrderBookDelta.clear(INSTRUMENT.id, 0, at, at)] if event.is_snapshot else []
    for side, levels in ((OrderSide.BUY, event.bids), (OrderSide.SELL, event.asks)):
        for level_price, level_size in levels:
            action = BookAction.UPDATE if float(level_size) else BookAction.DELETE
            order = BookOrder(side, price(level_price), size(level_size), 0)
            deltas.append(OrderBookDelta(INSTRUMENT.id, action, order, 0, 0, at, at))
    return OrderBookDeltas(INSTRUMENT.id, deltas)


def run(path: Path) -> Result:
    """Run it once."""
    events = read(path)
    engine = BacktestEngine(BacktestEngineConfig(logging=LoggingConfig(bypass_logging=True)))
    engine.add_venue(
        Venue("BINANCE"),
        OmsType.NETTING,
        AccountType.CASH,
        [Money(MONEY, USDT)],
        book_type=BookType.L2_MBP,
    )
    engine.add_instrument(INSTRUMENT)
    for kind in (Quote, Trade, Book):  # it looks at the first of what it is given
        engine.add_data([made(event) for event in events if isinstance(event, kind)], sort=False)
    engine.sort_data()
    strategy = Cross()
    engine.add_strategy(strategy)
    gc.collect()
    began = time.process_time()
    engine.run()
    seconds = time.process_time() - began
    assert strategy.trades, "it got the trades"
    return Result(seconds, len(events), strategy.fills)


if __name__ == "__main__":
    print_result(run(Path(sys.argv[1])))
