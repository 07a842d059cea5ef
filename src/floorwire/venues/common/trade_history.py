"""Trades of an exchange's past: what differs from one exchange to another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from floorwire.core.instrument import Instrument, Side
from floorwire.core.past_candles import PastWanted


class TradeRow(NamedTuple):
    """A row of an answer: price and size as the exchange wrote them."""

    trade_id: str
    """As the exchange numbers its live trades."""
    ts_us: int
    price: str
    size: str
    side: Side
    """The side of the taker: who met an order that was there."""


class TradeRows(NamedTuple):
    """The rows of an answer."""

    rows: Sequence[TradeRow]
    """The oldest first."""
    cursor: str
    """From where the next request goes on; "": there is no way on."""
    is_all: bool
    """Whether they reach to the end of what was asked for. Otherwise there may be more."""


class TradeHistory(Protocol):
    """What differs at one exchange."""

    weight: int
    """What a request costs of the rate limit."""
    is_oldest_first: bool
    """Whether pages go on to later trades. Otherwise they go back to earlier ones."""
    are_parts: bool
    """Whether its live trades may be sums of several."""

    def first_cursor(self, wanted: PastWanted) -> str:
        """Return from where the first request goes on; "" if the time says it."""
        ...

    def url(self, of: Instrument, native: str, wanted: PastWanted, cursor: str) -> str:
        """Return the address of the trades of this time, from the cursor on."""
        ...

    def rows(self, body: bytes, cursor: str) -> TradeRows:
        """Return the rows of the answer to a request from this cursor on.

        Raises ValueError, RecursionError; TooManyRequestsError if that is what the exchange says.
        """
        ...
