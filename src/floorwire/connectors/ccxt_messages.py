"""From ccxt's structures to the messages of its adapter."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from itertools import islice
from typing import Final

import msgspec

from floorwire.connectors.ccxt_exchange import Structure
from floorwire.connectors.ccxt_values import milliseconds, number, part, structure, text
from floorwire.venues.ccxt.messages import DEPTH, BookRow, DayRow, MarketRow, TradeRow, TradeRows, Watch

DECIMAL_PLACES: Final = 2
TICK_SIZE: Final = 4
"""The modes of ccxt's precision that say a step. The third one (significant digits) has none."""


def markets(found: Mapping[str, Structure], precision_mode: int) -> bytes:
    """Return the spot markets."""
    return msgspec.json.encode(
        [_market(one, precision_mode) for one in found.values() if one.get("spot") is True]
    )


def _market(market: Structure, precision_mode: int) -> MarketRow:
    precision, limits, active = part(market, "precision"), part(market, "limits"), market.get("active")
    return MarketRow(
        native=str(market.get("symbol")),
        base=str(market.get("base")),
        quote=str(market.get("quote")),
        price_step=_step(precision.get("price"), precision_mode),
        size_step=_step(precision.get("amount"), precision_mode),
        min_cost=text(part(limits, "cost").get("min")),
        is_active=active if isinstance(active, bool) else None,
        min_amount=text(part(limits, "amount").get("min")),
    )


def _step(precision: object, mode: int) -> str | None:
    written = text(precision)
    if written is None or mode not in (DECIMAL_PLACES, TICK_SIZE):
        return None
    if mode == DECIMAL_PLACES:
        written = format(Decimal(1).scaleb(-int(Decimal(written))), "f")
    return written if Decimal(written) > 0 else None


def book(found: object) -> bytes:
    """Return the best levels of a book. Raises TypeError if it is none."""
    book = structure(found)
    return msgspec.json.encode(
        BookRow(_levels(book["bids"]), _levels(book["asks"]), milliseconds(book.get("timestamp")))
    )


def _levels(side: object) -> tuple[tuple[str, str], ...]:
    if not isinstance(side, Iterable):
        raise TypeError("levels")
    return tuple((number(level[0]), number(level[1])) for level in islice(side, DEPTH))


def trades(found: object) -> bytes:
    """Return trades, the oldest first."""
    if not isinstance(found, Iterable):
        raise TypeError("trades")
    return msgspec.json.encode(TradeRows(tuple(map(_trade, found))))


def _trade(found: object) -> TradeRow:
    trade = structure(found)
    side, trade_id = trade.get("side"), trade.get("id")
    return TradeRow(
        price=number(trade["price"]),
        size=number(trade["amount"]),
        side=side if isinstance(side, str) else None,
        id=None if trade_id is None else str(trade_id),
        ts_ms=milliseconds(trade.get("timestamp")),
    )


def day(found: object) -> bytes:
    """Return the figures of 24 hours in a ticker."""
    ticker = structure(found)
    return msgspec.json.encode(
        DayRow(
            open=text(ticker.get("open")),
            high=text(ticker.get("high")),
            low=text(ticker.get("low")),
            volume=text(ticker.get("baseVolume")),
            quote_volume=text(ticker.get("quoteVolume")),
            ts_ms=milliseconds(ticker.get("timestamp")),
        )
    )


MESSAGES: Mapping[Watch, Callable[[object], bytes]] = {"book": book, "trades": trades, "day": day}
