"""Bots: one class, run live, on paper and on recordings. docs/bots.md tells how to write one."""

from floorwire.bot.bot import Bot
from floorwire.bot.bot_order import BotOrder
from floorwire.client.book_keeper import Book
from floorwire.client.errors import OrderRejectedError
from floorwire.client.stream_gap import StreamGap
from floorwire.protocol.account_rows import FillRow, OrderRow
from floorwire.protocol.channel_events import Candles, Ticker, Trades
from floorwire.protocol.replies import SymbolRow

__all__ = [
    "Book",
    "Bot",
    "BotOrder",
    "Candles",
    "FillRow",
    "OrderRejectedError",
    "OrderRow",
    "StreamGap",
    "SymbolRow",
    "Ticker",
    "Trades",
]
