"""What the scanned messages of all exchanges have."""

from __future__ import annotations


class ScannedMessage:
    """The one message of a frame that was read byte by byte."""

    __slots__ = ("symbol",)
    symbol: str
    """The exchange's name of its symbol."""
