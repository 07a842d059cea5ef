"""Errors of venues: an order that cannot be sent, and a book that is not the exchange's any more."""

from __future__ import annotations

from floorwire.core.codes import Code


class UnplaceableError(ValueError):
    """The venue has no order, or no amend, like this one. Nothing is sent."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code


class LostChangeError(ValueError):
    """A change of a book was lost, or the book differs from the exchange's."""

    def __init__(self, symbol: str, reason: str) -> None:
        super().__init__(f"the book of {symbol} lost a change: {reason}")
        self.symbol = symbol
        self.reason = reason
        """A reason of a FeedStatus: ``sequence_gap``, ``bad_message`` or ``silent``."""
