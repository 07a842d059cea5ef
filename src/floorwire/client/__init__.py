"""The Python SDK: a client of the gateway, asyncio and typed. docs/sdk.md tells how to use it."""

from floorwire.client.book_keeper import Book
from floorwire.client.client import Client
from floorwire.client.errors import (
    ClientClosedError,
    ClientError,
    ClosedForGoodError,
    MissingLibraryError,
    OrderRejectedError,
    RequestRefusedError,
    SlowReaderError,
    UnreachableError,
)
from floorwire.client.gateway import Gateway, GatewayClient
from floorwire.client.order import Order, OrderPhase, OrderTerms
from floorwire.client.stream import Stream
from floorwire.client.stream_gap import StreamGap
from floorwire.client.table import Table
from floorwire.protocol.account_rows import (
    BalanceRow,
    FillRow,
    LedgerRow,
    OrderRow,
    PositionRow,
)
from floorwire.protocol.channel_events import Candles, Heartbeat, System, Ticker, Trades
from floorwire.protocol.market_replies import CandleHistory, CandleRow, TradeHistory, TradeRow
from floorwire.protocol.private_events import (
    BalancesEvent,
    FillsSnapshot,
    FillsUpdate,
    OrdersSnapshot,
    OrdersUpdate,
    PositionsEvent,
)
from floorwire.protocol.replies import SymbolRow

__all__ = [
    "BalanceRow",
    "BalancesEvent",
    "Book",
    "CandleHistory",
    "CandleRow",
    "Candles",
    "Client",
    "ClientClosedError",
    "ClientError",
    "ClosedForGoodError",
    "FillRow",
    "FillsSnapshot",
    "FillsUpdate",
    "Gateway",
    "GatewayClient",
    "Heartbeat",
    "LedgerRow",
    "MissingLibraryError",
    "Order",
    "OrderPhase",
    "OrderRejectedError",
    "OrderRow",
    "OrderTerms",
    "OrdersSnapshot",
    "OrdersUpdate",
    "PositionRow",
    "PositionsEvent",
    "RequestRefusedError",
    "SlowReaderError",
    "Stream",
    "StreamGap",
    "SymbolRow",
    "System",
    "Table",
    "Ticker",
    "TradeHistory",
    "TradeRow",
    "Trades",
    "UnreachableError",
]
