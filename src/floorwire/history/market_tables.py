"""Market history as rows of tables that other programs read: trades and candles.

The fields are those of the protocol's rows, after the names that a page has once.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from floorwire.connectors.table_columns import Columns, Row
from floorwire.core.market_history import StoredCandle, StoredTrade

TRADES: Final[Columns] = {
    "symbol": "text",
    "trade_id": "text",
    "price": "decimal",
    "size": "decimal",
    "side": "text",
    "ts": "integer",
}
CANDLES: Final[Columns] = {
    "symbol": "text",
    "interval": "text",
    "start": "integer",
    "open": "decimal",
    "high": "decimal",
    "low": "decimal",
    "close": "decimal",
    "volume": "decimal",
    "trades": "integer",
    "closed": "boolean",
    "incomplete": "boolean",
    "simulated": "boolean",
}


def trade_row(symbol: str, trade: StoredTrade) -> Row:
    """Return the row of a trade."""
    return {
        "symbol": symbol,
        "trade_id": trade.trade_id,
        "price": Decimal(trade.price),
        "size": Decimal(trade.size),
        "side": trade.side,
        "ts": trade.ts_us,
    }


def candle_row(symbol: str, interval: str, candle: StoredCandle) -> Row:
    """Return the row of a candle. Whether it is ``incomplete`` or ``simulated`` is always said."""
    return {
        "symbol": symbol,
        "interval": interval,
        "start": candle.start_us,
        "open": Decimal(candle.price(candle.open_units)),
        "high": Decimal(candle.price(candle.high_units)),
        "low": Decimal(candle.price(candle.low_units)),
        "close": Decimal(candle.price(candle.close_units)),
        "volume": Decimal(candle.volume),
        "trades": candle.trades,
        "closed": candle.is_closed,
        "incomplete": candle.is_incomplete,
        "simulated": candle.is_simulated,
    }
