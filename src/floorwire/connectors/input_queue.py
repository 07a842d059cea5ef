"""What happened at a venue, in order, until its feed takes it in."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

InputT = TypeVar("InputT")


class InputQueue(Generic[InputT]):
    """Inputs of one connector. They are bounded by the connector, which knows what each belongs to."""

    __slots__ = ("_on_input", "waiting")

    def __init__(self) -> None:
        self.waiting: deque[InputT] = deque()
        self._on_input: Callable[[], None] = _nobody

    def start(self, on_input: Callable[[], None]) -> None:
        """Call ``on_input`` whenever an input was put in, from now on."""
        self._on_input = on_input

    def stop(self) -> None:
        """Call nobody any more."""
        self._on_input = _nobody

    def put(self, happened: InputT) -> None:
        """Add an input, and tell the feed."""
        self.waiting.append(happened)
        self._on_input()


def _nobody() -> None:
    """Do nothing: the venue does not run."""
