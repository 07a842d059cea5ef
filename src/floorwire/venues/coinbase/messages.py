"""What Coinbase Exchange sends: its feed's messages, each with a ``type``, and its list of products.

Source: docs.cdp.coinbase.com, exchange/websocket-feed/channels. Coinbase Pro's feed of 2021 is the same under
other names of hosts.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal, TypeAlias

import msgspec

Time: TypeAlias = Annotated[datetime, msgspec.Meta(tz=True)]
Id: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=2**62)]
Seconds: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,11}$")]
Pairs: TypeAlias = list[tuple[str, str]]
"""(price, size) as decimals."""


class Snapshot(msgspec.Struct):
    """The whole book, best first; says when only since it is called Exchange."""

    product_id: str
    bids: Pairs
    asks: Pairs
    time: Time | None = None


class Change(msgspec.Struct):
    """Levels that changed, with their absolute sizes, "0" for gone."""

    product_id: str
    changes: list[tuple[Literal["buy", "sell"], str, str]]
    time: Time


class Match(msgspec.Struct):
    """A trade; ``side`` is the maker's."""

    product_id: str
    trade_id: Id
    side: Literal["buy", "sell"]
    price: str
    size: str
    time: Time


class Ticker(msgspec.Struct):
    """After a match: best bid and ask, and the last 24 hours. Empty: not told (sizes, before 2022)."""

    product_id: str
    sequence: Id = 0
    open_24h: str = ""
    high_24h: str = ""
    low_24h: str = ""
    volume_24h: str = ""
    best_bid: str = ""
    best_ask: str = ""
    best_bid_size: str = ""
    best_ask_size: str = ""
    time: Time | None = None


class Heartbeat(msgspec.Struct):
    """Once a second a product: the last trade, so that a lost one shows."""

    product_id: str
    last_trade_id: Id


class Candle(msgspec.Struct):
    """A candle of five minutes; ``start`` in seconds. Only Advanced Trade has them."""

    product_id: str
    start: Seconds
    open: str
    high: str
    low: str
    close: str
    volume: str
    time: Time


Message: TypeAlias = Snapshot | Change | Match | Ticker | Heartbeat | Candle

_by_type: dict[str, msgspec.json.Decoder[Message]] = {
    "snapshot": msgspec.json.Decoder(Snapshot),
    "l2update": msgspec.json.Decoder(Change),
    "match": msgspec.json.Decoder(Match),
    "last_match": msgspec.json.Decoder(Match),
    "ticker": msgspec.json.Decoder(Ticker),
    "heartbeat": msgspec.json.Decoder(Heartbeat),
}


class Head(msgspec.Struct):
    """A frame as far as what it is: ``type`` here, ``channel`` and ``sequence_num`` in Advanced Trade."""

    type: str = ""
    channel: str = ""
    product_id: str | None = None
    sequence_num: Id | None = None

    @property
    def is_of_a_book(self) -> bool:
        """Whether a book is wrong without this message."""
        return self.type in ("snapshot", "l2update") or self.channel == "l2_data"


_head = msgspec.json.Decoder(Head)


def head(data: str | bytes) -> Head:
    """Return what a frame is. Raises ValueError, or RecursionError where it is nested too deep."""
    return _head.decode(data)


def read(kind: str, data: str | bytes) -> Sequence[Message] | None:
    """Return the message of a ``type``, None where it is another. Raises ValueError, RecursionError."""
    decoder = _by_type.get(kind)
    return None if decoder is None else (decoder.decode(data),)


# --- what is asked and answered -----------------------------------------------------------------------


class Channel(msgspec.Struct):
    """A channel with products of its own."""

    name: str = ""
    product_ids: list[str] = []


class Request(msgspec.Struct):
    """What a client sends to subscribe."""

    type: str
    product_ids: list[str] = []
    channels: list[str | Channel] = []


class Product(msgspec.Struct):
    """One product as either list of products tells it; Advanced Trade's names are the longer ones."""

    id: str = ""
    product_id: str = ""
    base_currency: str = ""
    base_currency_id: str = ""
    quote_currency: str = ""
    quote_currency_id: str = ""
    base_increment: str = ""
    quote_increment: str = ""
    price_increment: str = ""
    min_market_funds: str = ""
    quote_min_size: str = ""
    product_type: str = "SPOT"
    status: str = ""
    trading_disabled: bool = False
    cancel_only: bool = False
    post_only: bool = False
    auction_mode: bool = False


class Products(msgspec.Struct):
    """Advanced Trade's list of products."""

    products: list[msgspec.Raw]


_products = msgspec.json.Decoder(list[msgspec.Raw] | Products)


def products(body: bytes) -> list[msgspec.Raw]:
    """Return the products of either list, each still raw. Raises as ``head``."""
    answer = _products.decode(body)
    return answer.products if isinstance(answer, Products) else answer
