"""What a fuzzer drives: one surface that a client without a key reaches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Target(Protocol):
    """One surface. A run is the same each time that it gets the same bytes."""

    name: str
    max_bytes: int
    """The longest input that is worth trying."""

    def seeds(self) -> Sequence[bytes]:
        """Return good inputs to begin with."""
        ...

    def words(self) -> Sequence[bytes]:
        """Return what inputs are made of. The fuzzer puts such words in."""
        ...

    def run(self, data: bytes) -> None:
        """Feed one input. Raises AssertionError if an invariant does not hold, and nothing else ever."""
        ...

    def close(self) -> None:
        """Release what the target holds."""
        ...
