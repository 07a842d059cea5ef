"""Recorded links, and how they become the links that an adapter opens in a replay."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from floorwire.core.ports import Closed, Frame, Opened, VenueInput


class RecordedInput(msgspec.Struct, frozen=True):
    """One input of a recorded link. Its ``link`` is the recording's name for the link."""

    at_us: int
    happened: Opened | Frame | Closed


class RecordedLinks:
    """Maps recorded links to the links that the adapter opened: one each, and all others to the last."""

    __slots__ = ("_asked", "_open", "_recorded", "_up")

    def __init__(self) -> None:
        self._asked: list[str] = []
        self._recorded: list[str] = []
        self._up: set[str] = set()
        self._open: set[str] = set()

    def __bool__(self) -> bool:
        return bool(self._asked)

    def open(self, link: str) -> Iterator[VenueInput]:
        """Open a link for the adapter. It is up at once if its recorded link is."""
        if link not in self._asked:
            self._asked.append(link)
        if any(self._carrier(recorded) == link for recorded in self._up):
            yield from self._opened(link)

    def close(self, link: str, reason: str) -> Iterator[VenueInput]:
        """Close a link for the adapter."""
        self._open.discard(link)
        yield Closed(link, reason)

    def apply(self, happened: Opened | Frame | Closed) -> Iterator[VenueInput]:
        """Yield the inputs that the adapter gets from it; none if its link is not open."""
        if happened.link not in self._recorded:
            self._recorded.append(happened.link)
        link = self._carrier(happened.link)
        match happened:
            case Opened(recorded):
                self._up.add(recorded)
                if link is not None:
                    yield from self._opened(link)
            case Frame(_, data) if link is not None and link in self._open:
                yield Frame(link, data)
            case Closed(recorded, reason):
                self._up.discard(recorded)
                if link in self._open and not any(self._carrier(other) == link for other in self._up):
                    yield from self.close(link, reason)
            case _:
                pass

    def _carrier(self, recorded: str) -> str | None:
        if not self._asked:
            return None
        return self._asked[min(self._recorded.index(recorded), len(self._asked) - 1)]

    def _opened(self, link: str) -> Iterator[VenueInput]:
        if link not in self._open:
            self._open.add(link)
            yield Opened(link)
