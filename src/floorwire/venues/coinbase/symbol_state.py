"""What the Coinbase adapter keeps for each product."""

from __future__ import annotations

from floorwire.core.instrument import Instrument
from floorwire.venues.common.links import SECOND_US
from floorwire.venues.common.trade_ids import TradeIds
from floorwire.venues.common.venue_book import VenueBook

SNAPSHOT_S = (10, 20, 40, 80, 160, 300)
"""Seconds that a snapshot may take before it is requested again, by the number of requests that failed."""


class SymbolState:
    """One product that the adapter follows."""

    __slots__ = (
        "awaited_trade",
        "book",
        "changed_us",
        "has_heartbeats",
        "has_left_out",
        "is_silent",
        "link",
        "requested_us",
        "resynced_to_trade",
        "ticker_sequence",
        "ticker_us",
        "trade_ids",
        "tries",
    )

    def __init__(self, instrument: Instrument, link: str) -> None:
        self.book = VenueBook(instrument)
        self.link = link
        self.requested_us = 0
        """When the snapshot was requested that has not come yet."""
        self.tries = 0
        self.trade_ids = TradeIds()
        self.ticker_sequence = 0
        """The highest sequence number of a ticker."""
        self.ticker_us = 0
        """The latest venue time of a ticker."""
        self.awaited_trade = 0
        """The id of a trade that the last heartbeat named and that has not come; 0: there is none."""
        self.has_heartbeats = False
        """Whether heartbeats came. Then the product is never silent for long."""
        self.has_left_out = False
        """Whether levels were left out of the book since its snapshot: they were between two ticks."""
        self.is_silent = False
        """Whether the venue stopped sending the product though its link is active."""
        self.changed_us = 0
        """The venue time of the last change of the book that was applied."""
        self.resynced_to_trade = 0
        """Trades up to this id that are missing have caused a resync already."""

    @property
    def instrument(self) -> Instrument:
        """The instrument of the product."""
        return self.book.instrument

    def clear(self, now_us: int) -> None:
        """Drop the book and wait for a snapshot."""
        self.book.clear()
        self.requested_us = now_us
        self.awaited_trade = 0

    def snapshot_is_due(self, now_us: int) -> bool:
        """Return whether a requested snapshot has not come in time."""
        return not self.book.is_synced and now_us - self.requested_us >= SNAPSHOT_S[self.tries] * SECOND_US
