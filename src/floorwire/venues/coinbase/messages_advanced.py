"""What Coinbase Advanced Trade sends, each message with a ``channel``, read as the Exchange feed's messages.

Source: docs.cdp.coinbase.com, advanced-trade/websocket-channels. Of the ticker the opening price is not told,
of a trade it is not told whose side ``side`` is: read as the taker's, as other clients do.
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
MAKERS: dict[str, Literal["buy", "sell"]] = {"BUY": "sell", "SELL": "buy"}


class Level(msgspec.Struct):
    """One level with its absolute size."""

    side: Literal["bid", "offer"]
    price_level: str
    new_quantity: str


class BookEvent(msgspec.Struct):
    """The whole book, or what changed in it."""

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
        return [(SIDES[of.side], of.price_level, of.new_quantity) for of in self.updates]

    def _side(self, side: str) -> list[tuple[str, str]]:
        return [(of.price_level, of.new_quantity) for of in self.updates if of.side == side]


class Trade(msgspec.Struct):
    """A trade."""

    product_id: str
    trade_id: Digits
    side: Literal["BUY", "SELL"]
    price: str
    size: str
    time: Time


class TradesEvent(msgspec.Struct):
    """The latest trades at first, then new ones; in no order that is promised."""

    type: Literal["snapshot", "update"]
    trades: list[Trade]

    def read(self, _at: Time) -> Iterator[Message]:
        """Yield matches, oldest first; of the latest ones only each product's last, as ``last_match`` is."""
        trades = sorted(self.trades, key=lambda trade: int(trade.trade_id))
        if self.type == "snapshot":
            trades = list({trade.product_id: trade for trade in trades}.values())
        for of in trades:
            yield Match(of.product_id, int(of.trade_id), MAKERS[of.side], of.price, of.size, of.time)


class TickerOf(msgspec.Struct):
    """Best bid and ask; ``ticker_batch`` leaves them out."""

    product_id: str
    best_bid: str = ""
    best_ask: str = ""
    best_bid_quantity: str = ""
    best_ask_quantity: str = ""


class TickersEvent(msgspec.Struct):
    """Tickers of one or more products."""

    tickers: list[TickerOf]

    def read(self, at: Time) -> Iterator[Message]:
        """Yield tickers without the last 24 hours, whose opening price is not told."""
        for of in self.tickers:
            yield Ticker(
                of.product_id,
                best_bid=of.best_bid,
                best_ask=of.best_ask,
                best_bid_size=of.best_bid_quantity,
                best_ask_size=of.best_ask_quantity,
                time=at,
            )


class CandleOf(msgspec.Struct):
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

    candles: list[CandleOf]

    def read(self, at: Time) -> Iterator[Message]:
        """Yield candles."""
        for of in self.candles:
            yield Candle(of.product_id, of.start, of.open, of.high, of.low, of.close, of.volume, at)


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
    """Return a channel's messages, None where it is another. Raises ValueError, RecursionError."""
    decoder = _by_channel.get(channel)
    if decoder is None:
        return None
    message = decoder.decode(data)
    return list(chain.from_iterable(event.read(message.timestamp) for event in message.events))
