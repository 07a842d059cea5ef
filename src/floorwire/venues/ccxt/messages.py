"""What the connector of ccxt says: ccxt's unified structures, with decimal texts in place of its floats.

They are the frames of its links, and the answer to a request for the markets.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

Watch: TypeAlias = Literal["book", "trades", "day"]
"""What ccxt can watch of a symbol: its methods watch_order_book, watch_trades and watch_ticker."""
DEPTH = 100
"""Levels of a side that are told. ccxt shows whole books, and each message has all of them."""
MARKETS_URL = "ccxt:markets"


def link_of(watch: Watch, native: str) -> str:
    """Return the name of the link on which a watch of a symbol comes."""
    return f"{watch} {native}"


class BookRow(msgspec.Struct, frozen=True, tag="book"):
    """The best levels of a book, as (price, size), best first."""

    bids: tuple[tuple[str, str], ...]
    asks: tuple[tuple[str, str], ...]
    ts_ms: int | None = None


class TradeRow(msgspec.Struct, frozen=True):
    """One trade. ``side`` is the taker's."""

    price: str
    size: str
    side: str | None = None
    id: str | None = None
    ts_ms: int | None = None


class TradeRows(msgspec.Struct, frozen=True, tag="trades"):
    """Trades that are new, the oldest first."""

    trades: tuple[TradeRow, ...]


class DayRow(msgspec.Struct, frozen=True, tag="day"):
    """The last 24 hours, as a ticker has them. None: the exchange does not say."""

    open: str | None = None
    high: str | None = None
    low: str | None = None
    volume: str | None = None
    quote_volume: str | None = None
    ts_ms: int | None = None


Row: TypeAlias = BookRow | TradeRows | DayRow


class MarketRow(msgspec.Struct, frozen=True):
    """One spot market."""

    native: str
    base: str
    quote: str
    price_step: str | None = None
    """As text; None: the exchange rounds prices in another way, or does not say."""
    size_step: str | None = None
    min_cost: str | None = None
    is_active: bool | None = None
    """Whether it can be traded; None: the exchange does not say."""
    min_amount: str | None = None
