"""Messages of Coinbase Advanced Trade, each with a ``channel``, converted to messages of the Exchange feed.

Source: docs.cdp.coinbase.com, advanced-trade/websocket-channels. The ticker has no opening price. The source
does not say whose side ``side`` of a trade is. It is read as the maker's, as in the Exchange feed: recorded
trades that took the ask are ``SELL``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Annotated, Literal, TypeAlias

import msgspec

from floorwire.venues.coinbase.messages import (
    Candle,
    Change,
    Match,
    Message,
    Seconds,
    Snapshot,
    Ticker,
    Time,
)

Digits: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,18}$")]


SIDES: dict[str, Literal["buy", "sell"]] = {"bid": "buy", "offer": "sell"}
MAKER_SIDE: dict[str, Literal["buy", "sell"]] = {"BUY": "buy", "SELL": "sell"}


class Level(msgspec.Struct):
    """One level with its absolute size."""

    side: Literal["bid", "offer"]
    price_level: str
    new_quantity: str


class BookEvent(msgspec.Struct):
    """The whole book, or the levels that changed."""

    type: Literal["snapshot", "update"]
    product_id: str
    updates: list[Level]

    def read(self, at: Time) -> Iterator[Message]:
        """Yield the snapshot or the change."""
        if self.type == "update":
            yield Change(self.product_id, self._changes(), at)
        else:
            yield Snapshot(self.product_id, self._side("bid"), self._side("offer"), at)

    def _changes(self) -> list[tuple[Literal["buy", "sell"], str, str]]:
        return [(SIDES[item.side], item.price_level, item.new_quantity) for item in self.updates]

    def _side(self, side: str) -> list[tuple[str, str]]:
        return [(item.price_level, item.new_quantity) for item in self.updates if item.side == side]


class Trade(msgspec.Struct):
    """A trade."""

    product_id: str
    trade_id: Digits
    side: Literal["BUY", "SELL"]
    price: str
    size: str
    time: Time


class TradesEvent(msgspec.Struct):
    """First the latest trades, then new ones. Coinbase promises no order."""

    type: Literal["snapshot", "update"]
    trades: list[Trade]

    def read(self, _at: Time) -> Iterator[Message]:
        """Yield matches, the oldest first. Of the first message, yield only the last of each product."""
        trades = sorted(self.trades, key=lambda trade: int(trade.trade_id))
        if self.type == "snapshot":
            trades = list({trade.product_id: trade for trade in trades}.values())
        for item in trades:
            yield Match(
                item.product_id, int(item.trade_id), MAKER_SIDE[item.side], item.price, item.size, item.time
            )


class ProductTicker(msgspec.Struct):
    """Best bid and ask of a product; ``ticker_batch`` has none."""

    product_id: str
    best_bid: str = ""
    best_ask: str = ""
    best_bid_quantity: str = ""
    best_ask_quantity: str = ""


class TickersEvent(msgspec.Struct):
    """Tickers of one or more products."""

    tickers: list[ProductTicker]

    def read(self, at: Time) -> Iterator[Message]:
        """Yield tickers without the last 24 hours, because the opening price is missing."""
        for item in self.tickers:
            yield Ticker(
                item.product_id,
                best_bid=item.best_bid,
                best_ask=item.best_ask,
                best_bid_size=item.best_bid_quantity,
                best_ask_size=item.best_ask_quantity,
                time=at,
            )


class ProductCandle(msgspec.Struct):
    """A candle of five minutes."""

    product_id: str
    start: Seconds
    open: str
    high: str
    low: str
    close: str
    volume: str


class CandlesEvent(msgspec.Struct):
    """Candles of one or more products."""

    candles: list[ProductCandle]

    def read(self, at: Time) -> Iterator[Message]:
        """Yield candles."""
        for item in self.candles:
            yield Candle(
                item.product_id, item.start, item.open, item.high, item.low, item.close, item.volume, at
            )


class BookMessage(msgspec.Struct):
    """``l2_data``."""

    timestamp: Time
    events: list[BookEvent]


class TradesMessage(msgspec.Struct):
    """``market_trades``."""

    timestamp: Time
    events: list[TradesEvent]


class TickersMessage(msgspec.Struct):
    """``ticker`` and ``ticker_batch``."""

    timestamp: Time
    events: list[TickersEvent]


class CandlesMessage(msgspec.Struct):
    """``candles``."""

    timestamp: Time
    events: list[CandlesEvent]


AnyMessage: TypeAlias = BookMessage | TradesMessage | TickersMessage | CandlesMessage

_by_channel: dict[str, msgspec.json.Decoder[AnyMessage]] = {
    "l2_data": msgspec.json.Decoder(BookMessage),
    "market_trades": msgspec.json.Decoder(TradesMessage),
    "ticker": msgspec.json.Decoder(TickersMessage),
    "ticker_batch": msgspec.json.Decoder(TickersMessage),
    "candles": msgspec.json.Decoder(CandlesMessage),
}


def read(channel: str, data: str | bytes) -> Sequence[Message] | None:
    """Return the messages of a channel; None for an unknown channel. Raises ValueError, RecursionError."""
    decoder = _by_channel.get(channel)
    if decoder is None:
        return None
    message = decoder.decode(data)
    return list(chain.from_iterable(event.read(message.timestamp) for event in message.events))
