"""Rows of market history, and the messages that have them; states of channels over HTTP."""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from floorwire.core.instrument import Side
from floorwire.core.market_events import Feed
from floorwire.core.market_history import Hole, StoredCandle, StoredTrade
from floorwire.protocol.channel_events import WireLevel
from floorwire.protocol.replies import SymbolRow, VenueRow


class ServerTime(msgspec.Struct, frozen=True, kw_only=True):
    """The server's clock, in microseconds since the epoch, UTC."""

    status: str = "ok"
    ts: int


class SymbolPage(msgspec.Struct, frozen=True, kw_only=True):
    """Instruments, in the order in which they were listed. ``next``: there are more; give it as ``after``."""

    status: str = "ok"
    symbols: list[SymbolRow]
    venues: list[VenueRow]
    """The venues of these instruments, and what each can give."""
    next: str | UnsetType = UNSET


class TickerRow(msgspec.Struct, frozen=True, kw_only=True):
    """A ticker as it is now. ``feed``: whether it is current."""

    symbol: str
    feed: Feed
    ts: int
    """The venue's time of the last event that changed it."""
    bid: str | None
    bid_size: str | None
    ask: str | None
    ask_size: str | None
    last: str | None
    last_size: str | None
    open: str | None
    high: str | None
    low: str | None
    volume: str | None
    quote_volume: str | None
    change: str | None


class TickerList(msgspec.Struct, frozen=True, kw_only=True):
    """Tickers, in the order of the request, or of all symbols of which something is known."""

    status: str = "ok"
    tickers: list[TickerRow]


class BookReply(msgspec.Struct, frozen=True, kw_only=True):
    """The best levels of a book, best first. ``feed``: whether they are current."""

    status: str = "ok"
    symbol: str
    feed: Feed
    ts: int
    depth: int
    bids: tuple[WireLevel, ...]
    asks: tuple[WireLevel, ...]
    checksum: int


class TradeRow(msgspec.Struct, frozen=True, kw_only=True):
    """A trade of the past; ``side`` is the taker's."""

    trade_id: str
    price: str
    size: str
    side: Side
    ts: int

    @classmethod
    def of(cls, trade: StoredTrade) -> TradeRow:
        """Return the row of a trade."""
        return cls(
            trade_id=trade.trade_id, price=trade.price, size=trade.size, side=trade.side, ts=trade.ts_us
        )


class CandleRow(msgspec.Struct, frozen=True, kw_only=True):
    """A candle of the past, or the open one."""

    start: int
    open: str
    high: str
    low: str
    close: str
    volume: str
    trades: int
    closed: bool
    incomplete: bool | UnsetType = UNSET
    """True where trades of it may be missing."""
    simulated: bool | UnsetType = UNSET
    """True where it was made for the past of a simulated market."""

    @classmethod
    def of(cls, candle: StoredCandle) -> CandleRow:
        """Return the row of a candle. Its figures are exact, in the steps of its time."""
        return cls(
            start=candle.start_us,
            open=candle.price(candle.open_units),
            high=candle.price(candle.high_units),
            low=candle.price(candle.low_units),
            close=candle.price(candle.close_units),
            volume=candle.volume,
            trades=candle.trades,
            closed=candle.is_closed,
            incomplete=candle.is_incomplete or UNSET,
            simulated=candle.is_simulated or UNSET,
        )


class HoleRow(msgspec.Struct, frozen=True, rename={"first": "from", "last": "to"}):
    """A time of which something may be missing, and why. ``to`` null: it lasts."""

    first: int
    last: int | None
    reason: str

    @classmethod
    def of(cls, hole: Hole) -> HoleRow:
        """Return the row of a hole."""
        return cls(hole.from_us, hole.to_us, hole.reason)


class TradeHistory(msgspec.Struct, frozen=True, kw_only=True):
    """The trades before a subscription to ``trades``, the oldest first. It has no seq of its own.

    ``seq`` is that of the reply. ``code``: they could not be read.
    """

    channel: Literal["trades"] = "trades"
    event: Literal["history"] = "history"
    symbol: str
    epoch: str
    seq: int
    trades: list[TradeRow]
    holes: list[HoleRow]
    code: str | UnsetType = UNSET
    sent: int


class CandleHistory(msgspec.Struct, frozen=True, kw_only=True):
    """The closed candles before the first one of a subscription to ``candles``, the oldest first.

    It has no seq of its own: ``seq`` is that of the reply. ``code``: they could not be read.
    """

    channel: Literal["candles"] = "candles"
    event: Literal["history"] = "history"
    symbol: str
    interval: str
    closed_only: bool | UnsetType = UNSET
    epoch: str
    seq: int
    candles: list[CandleRow]
    holes: list[HoleRow]
    code: str | UnsetType = UNSET
    sent: int


class TradeList(msgspec.Struct, frozen=True, kw_only=True):
    """Trades, the latest first. ``next``: there are older ones; give it as ``before``."""

    status: str = "ok"
    symbol: str
    trades: list[TradeRow]
    holes: list[HoleRow]
    """Those in the time of these trades."""
    filling: bool | UnsetType = UNSET
    """True while the exchange is asked for what is missing of the symbol."""
    next: str | UnsetType = UNSET


class CandleList(msgspec.Struct, frozen=True, kw_only=True):
    """The latest candles of the time that was asked for, the oldest of them first.

    ``next``: there are older ones; give it as ``to``.
    """

    status: str = "ok"
    symbol: str
    interval: str
    candles: list[CandleRow]
    holes: list[HoleRow]
    """Those in the time of these candles."""
    filling: bool | UnsetType = UNSET
    """True while the exchange is asked for what is missing of the symbol."""
    next: int | UnsetType = UNSET
