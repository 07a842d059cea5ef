"""What is kept of each product of Coinbase besides its book, over all its links."""

from __future__ import annotations

from floorwire.venues.common.trade_ids import TradeIds


class SymbolState:
    """One product."""

    __slots__ = ("resynced_to_trade", "ticker_sequence", "ticker_us", "trade_ids")

    def __init__(self) -> None:
        self.trade_ids = TradeIds()
        self.ticker_sequence = 0
        """The highest sequence number of a ticker."""
        self.ticker_us = 0
        """The latest venue time of a ticker."""
        self.resynced_to_trade = 0
        """Trades up to this id that are missing have caused a resync already."""
