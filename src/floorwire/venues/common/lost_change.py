"""The error of a book that is not the exchange's any more."""

from __future__ import annotations


class LostChangeError(ValueError):
    """A change of a book was lost, or the book differs from the exchange's."""

    def __init__(self, symbol: str, reason: str) -> None:
        super().__init__(f"the book of {symbol} lost a change: {reason}")
        self.symbol = symbol
        self.reason = reason
        """A reason of a FeedStatus: ``sequence_gap``, ``bad_message`` or ``silent``."""
