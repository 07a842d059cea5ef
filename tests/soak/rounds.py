"""Counts what the clients did, to see at the end that each kind did something."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator


class Rounds:
    """How often each thing was done."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def add(self, what: str, times: int = 1) -> None:
        """Count it."""
        self._counts[what] += times

    def lines(self) -> Iterator[str]:
        """Yield a Markdown list, in alphabetical order."""
        for what, count in sorted(self._counts.items()):
            yield f"- {what}: {count:,}"

    def missing(self, *wanted: str) -> list[str]:
        """Return those that were never done."""
        return [what for what in wanted if not self._counts[what]]
