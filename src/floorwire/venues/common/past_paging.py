"""How the past of an exchange is read page by page: candles in one way, trades in another one."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from floorwire.core.instrument import Instrument
from floorwire.core.past_candles import PastPage, PastWanted
from floorwire.core.past_trades import PastTradesPage


class PageRead(NamedTuple):
    """What an answer gives."""

    page: PastPage | PastTradesPage | None
    """None: nothing new is known."""
    rest: PastWanted | None
    """What is left to ask for; None: nothing."""


class PastPages(Protocol):
    """The pages of one kind. It keeps where the wish that was begun last stands."""

    weight: int
    """What a request costs of the rate limit."""

    def begin(self, wanted: PastWanted) -> None:
        """Begin with another wish."""
        ...

    def url(self, of: Instrument, native: str, wanted: PastWanted) -> str:
        """Return the address of the next page. ``wanted``: what is left of the wish."""
        ...

    def read(self, of: Instrument, wanted: PastWanted, body: bytes) -> PageRead:
        """Return the page of an answer.

        Raises ValueError, RecursionError; TooManyRequestsError if that is what the exchange says.
        """
        ...
