"""What is counted of the recording of one venue: plain numbers, for the metrics."""

from __future__ import annotations


class RecordingCounts:
    """The counts since the start."""

    __slots__ = ("is_failed", "left_out", "messages")

    def __init__(self) -> None:
        self.messages = 0
        """Messages of the venue that were recorded."""
        self.left_out = 0
        """Records that were left out, because the disk was too slow."""
        self.is_failed = False
        """Whether recording has ended by a fault of the disk."""
