"""When each link and each symbol of a venue was heard: what the venue sent, and nothing that we made."""

from __future__ import annotations

from collections.abc import Iterator

from floorwire.core.ports import Heard


class Ages:
    """Notes what was heard and tells it once a second."""

    __slots__ = ("_heard_us", "_links", "_symbols")

    def __init__(self) -> None:
        self._heard_us: dict[str, int] = {}
        self._links: set[str] = set()
        self._symbols: set[str] = set()

    def link(self, link: str) -> None:
        """Something came on the link."""
        self._links.add(link)

    def symbol(self, symbol: str, now_us: int) -> None:
        """Something came of the symbol."""
        self._heard_us[symbol] = now_us
        self._symbols.add(symbol)

    def of(self, symbol: str, now_us: int) -> int | None:
        """Return how long ago the symbol was heard, None where it never was."""
        heard_us = self._heard_us.get(symbol)
        return None if heard_us is None else now_us - heard_us

    def news(self) -> Iterator[Heard]:
        """Tell what was heard since the last call."""
        if self._links:
            yield Heard(tuple(sorted(self._links)), tuple(sorted(self._symbols)))
            self._links.clear()
            self._symbols.clear()
