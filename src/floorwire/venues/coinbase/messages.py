"""Messages of Coinbase Exchange: those of its feed, each with a ``type``, and its list of products.

Source: docs.cdp.coinbase.com, exchange/websocket-feed/channels. The feed of Coinbase Pro in 2021 was the
same, on other hosts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, TypeAlias

import msgspec

Time: TypeAlias = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,12})?"
        r"(Z|[+-][0-9]{2}:[0-9]{2})$"
    ),
]
"""RFC 3339, as text: msgspec would round nanoseconds, which could move a trade into the next minute."""
Id: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=2**62)]
Seconds: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,11}$")]
Pairs: TypeAlias = list[tuple[str, str]]
"""(price, size) as decimals."""


class Snapshot(msgspec.Struct):
    """The whole book, best levels first. Coinbase Pro sent no ``time``."""

    product_id: str
    bids: Pairs
    asks: Pairs
    time: Time | None = None


class Change(msgspec.Struct):
    """Levels that changed, with their absolute sizes; "0" removes the level."""

    product_id: str
    changes: list[tuple[Literal["buy", "sell"], str, str]]
    time: Time


class Match(msgspec.Struct):
    """A trade. ``side`` is the maker's side."""

    product_id: str
    trade_id: Id
    side: Literal["buy", "sell"]
    price: str
    size: str
    time: Time


class Ticker(msgspec.Struct):
    """Sent after a match: best bid and ask, and the last 24 hours. Sizes came only from 2022 on."""

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
    """Sent once a second for each product, with the last trade id, so that a lost trade is noticed."""

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
    """The fields that show the kind of a frame: ``type``; in Advanced Trade ``channel``, ``sequence_num``."""

    type: str = ""
    channel: str = ""
    product_id: str | None = None
    sequence_num: Id | None = None

    @property
    def is_of_a_book(self) -> bool:
        """Whether the message is part of a book, which is wrong without it."""
        return self.type in ("snapshot", "l2update") or self.channel == "l2_data"

    @property
    def is_of_trades(self) -> bool:
        """Whether the message is a trade, or has some."""
        return self.type in ("match", "last_match") or self.channel == "market_trades"


_head_decoder = msgspec.json.Decoder(Head)


def head(data: str | bytes) -> Head:
    """Return the kind of a frame. Raises ValueError, or RecursionError if it is nested too deep."""
    return _head_decoder.decode(data)


def read(kind: str, data: str | bytes) -> Sequence[Message] | None:
    """Return the message of a ``type``; None for an unknown type. Raises ValueError, RecursionError."""
    decoder = _by_type.get(kind)
    return None if decoder is None else (decoder.decode(data),)


# --- requests and their answers -------------------------------------------------------------------------


class Channel(msgspec.Struct):
    """A channel with products of its own."""

    name: str = ""
    product_ids: list[str] = []


class Request(msgspec.Struct):
    """A request of a client to subscribe or unsubscribe."""

    type: str
    product_ids: list[str] = []
    channels: list[str | Channel] = []


class Product(msgspec.Struct):
    """One product of either list of products. Advanced Trade has the longer names."""

    id: str = ""
    product_id: str = ""
    base_currency: str = ""
    base_currency_id: str = ""
    quote_currency: str = ""
    quote_currency_id: str = ""
    base_increment: str = ""
    base_min_size: str = ""
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
    alias: str = ""
    """The product whose book it shares. Messages name that one."""


class Products(msgspec.Struct):
    """Advanced Trade's list of products."""

    products: list[msgspec.Raw]


_products_decoder = msgspec.json.Decoder(list[msgspec.Raw] | Products)


def products(body: bytes) -> list[msgspec.Raw]:
    """Return the products of either list, not decoded yet. Raises ValueError, RecursionError."""
    answer = _products_decoder.decode(body)
    return answer.products if isinstance(answer, Products) else answer
