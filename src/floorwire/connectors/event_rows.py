"""Market events as rows of one table, with decimals, for files that other programs read.

A book is a row a level: the levels of one message have the same ``message``. Sizes are absolute; 0 removes a
level. Columns that an event does not have are empty.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Literal, TypeAlias, get_args

from floorwire.connectors.table_columns import Columns, Row
from floorwire.core.instrument import Instrument
from floorwire.core.market_events import (
    BookChange,
    BookSnapshot,
    Candle,
    DayStats,
    FeedStatus,
    Level,
    Listing,
    MarketEvent,
    Quote,
    Trade,
)

EventName: TypeAlias = Literal[
    "listing", "status", "trade", "quote", "book_snapshot", "book_change", "candle", "day"
]
EVENTS: tuple[EventName, ...] = get_args(EventName)

TEXT_COLUMNS = (
    "event",
    "symbol",
    "side",
    "trade_id",
    "feed",
    "reason",
    "state",
)
DECIMAL_COLUMNS = (
    "price",
    "size",
    "bid_price",
    "bid_size",
    "ask_price",
    "ask_size",
    "open",
    "high",
    "low",
    "close",
    "volume",
    "tick_size",
    "lot_size",
)
INTEGER_COLUMNS = ("message", "ts_us", "interval_us", "start_us", "trades")
BOOLEAN_COLUMNS = ("closed",)
COLUMNS: Columns = {
    **dict.fromkeys(INTEGER_COLUMNS, "integer"),
    **dict.fromkeys(TEXT_COLUMNS, "text"),
    **dict.fromkeys(DECIMAL_COLUMNS, "decimal"),
    **dict.fromkeys(BOOLEAN_COLUMNS, "boolean"),
}


class EventRows:
    """Makes rows. It keeps the instruments, whose ticks and lots the events are in."""

    def __init__(self) -> None:
        self.messages = 0
        """How many events had rows, or would have had: the number of the last."""
        self._instruments: dict[str, Instrument] = {}

    def rows(self, event: MarketEvent) -> Iterator[Row]:
        """Yield the rows of an event; none for events about our own clock, or of unlisted symbols."""
        self.messages += 1
        match event:
            case Listing(instruments):
                for of in instruments:
                    self._instruments[of.symbol] = of
                    yield self._row("listing", event.ts_us, of.symbol) | {
                        "tick_size": Decimal(of.tick_size),
                        "lot_size": Decimal(of.lot_size),
                        "state": of.state,
                    }
            case FeedStatus(symbol, feed, reason):
                yield self._row("status", event.ts_us, symbol) | {"feed": feed, "reason": reason}
            case Trade() | Quote() | BookSnapshot() | BookChange() | DayStats() | Candle():
                listed = self._instruments.get(event.symbol)
                if listed is not None:
                    yield from self._prices(event, listed)

    def _prices(
        self, event: Trade | Quote | BookSnapshot | BookChange | DayStats | Candle, of: Instrument
    ) -> Iterator[Row]:
        match event:
            case Trade():
                yield self._row("trade", event.ts_us, of.symbol) | {
                    "trade_id": event.trade_id,
                    "side": event.side,
                    "price": _price(of, event.price_ticks),
                    "size": _size(of, event.size_lots),
                }
            case Quote():
                yield self._row("quote", event.ts_us, of.symbol) | {
                    "bid_price": _price(of, event.bid_ticks) if event.bid_lots else None,
                    "bid_size": _size(of, event.bid_lots),
                    "ask_price": _price(of, event.ask_ticks) if event.ask_lots else None,
                    "ask_size": _size(of, event.ask_lots),
                }
            case BookSnapshot():
                yield from self._levels("book_snapshot", event, of)
            case BookChange():
                yield from self._levels("book_change", event, of)
            case DayStats():
                yield self._row("day", event.ts_us, of.symbol) | {
                    "open": _price(of, event.open_ticks),
                    "high": _price(of, event.high_ticks),
                    "low": _price(of, event.low_ticks),
                    "volume": _size(of, event.volume_lots),
                }
            case Candle():
                yield self._row("candle", event.ts_us, of.symbol) | {
                    "interval_us": event.interval_us,
                    "start_us": event.start_us,
                    "open": _price(of, event.open_ticks),
                    "high": _price(of, event.high_ticks),
                    "low": _price(of, event.low_ticks),
                    "close": _price(of, event.close_ticks),
                    "volume": _size(of, event.volume_lots),
                    "trades": event.trades,
                    "closed": event.closed,
                }

    def _levels(self, name: EventName, event: BookSnapshot | BookChange, of: Instrument) -> Iterator[Row]:
        sides: tuple[tuple[str, tuple[Level, ...]], ...] = ("bid", event.bids), ("ask", event.asks)
        for side, levels in sides:
            for ticks, lots in levels:
                yield self._row(name, event.ts_us, of.symbol) | {
                    "side": side,
                    "price": _price(of, ticks),
                    "size": _size(of, lots),
                }

    def _row(self, name: EventName, ts_us: int, symbol: str | None) -> Row:
        return {"message": self.messages, "event": name, "ts_us": ts_us, "symbol": symbol}


def _price(of: Instrument, ticks: int) -> Decimal:
    return Decimal(of.price.format(ticks))


def _size(of: Instrument, lots: int) -> Decimal:
    return Decimal(of.size.format(lots))
