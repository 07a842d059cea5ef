"""Capabilities: what a venue can give and take. What it cannot give is said, and never invented."""

from __future__ import annotations

from typing import Literal, Protocol, TypeAlias, runtime_checkable

import msgspec

from floorwire.core.orders import OrderType, TimeInForce

StreamKind: TypeAlias = Literal["quote", "trades", "book", "candles", "day"]
"""Best prices, trades, the book, candles, and the figures of the last 24 hours."""


ORDER_TYPES: tuple[OrderType, ...] = ("limit", "market", "stop", "stop_limit")
TIMES_IN_FORCE: tuple[TimeInForce, ...] = ("gtc", "ioc", "fok", "gtd")


class Capabilities(msgspec.Struct, frozen=True):
    """What a venue of one kind can do.

    Channels that it does not send are made of what it sends, where that is possible: candles and the day are
    counted from trades, best prices are read from the book.
    """

    kind: str
    """The kind of venue: ``sim``, or the name of the exchange."""
    streams: tuple[StreamKind, ...] = ()
    """What the venue sends by itself."""
    book_depth: int | None = None
    """How many levels of a side its book has at most; None: all of them."""
    candle_intervals: tuple[str, ...] = ()
    """The intervals of its own candles."""
    places_orders: bool = False
    amends_orders: bool = False
    order_types: tuple[OrderType, ...] = ORDER_TYPES
    """The types of orders that it takes. Paper orders, which are filled here, may have all."""
    times_in_force: tuple[TimeInForce, ...] = TIMES_IN_FORCE
    """How long orders may rest there. It is of limit orders: not every one exists for each type."""


@runtime_checkable
class HasCapabilities(Protocol):
    """A venue that says what it can do."""

    @property
    def capabilities(self) -> Capabilities:
        """What it can do, the same for its whole life."""
        ...
