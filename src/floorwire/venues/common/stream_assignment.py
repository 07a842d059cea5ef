"""Which link carries the streams of which symbol, for links of one kind.

A symbol stays on its link for as long as anything of it is wanted, whatever comes and goes beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from floorwire.core.capabilities import StreamKind

Streams = dict[str, frozenset[StreamKind]]
"""The exchange's name of a symbol -> kinds of its streams."""


class Changes(NamedTuple):
    """What a new wish changes, by link."""

    opened: tuple[str, ...]
    closed: tuple[str, ...]
    """Links that nothing is wanted of any more."""
    added: Mapping[str, Streams]
    """Streams to subscribe to, on links that were there before."""
    removed: Mapping[str, Streams]
    """Streams to unsubscribe from, on links that stay."""


class StreamAssignment:
    """The links of one kind, each with at most ``symbols_per_link`` symbols."""

    __slots__ = ("_kinds", "_link_of", "_links", "_name", "_released", "_symbols_per_link")

    def __init__(self, name: str, kinds: frozenset[StreamKind], symbols_per_link: int) -> None:
        """``name``: links are named by it, with a number. ``kinds``: what these links carry."""
        self._name = name
        self._kinds = kinds
        self._symbols_per_link = symbols_per_link
        self._links: dict[str, Streams] = {}
        self._link_of: dict[str, str] = {}
        self._released: set[str] = set()
        """Links that are being closed. Their names are used again when they are closed."""

    def streams(self, link: str) -> Streams:
        """Return what the link carries."""
        return self._links.get(link, {})

    def link_of(self, native: str) -> str | None:
        """Return the link that carries the symbol; None if none does."""
        return self._link_of.get(native)

    def want(self, wish: Mapping[str, frozenset[StreamKind]]) -> Changes:
        """Take in the whole wish; return what it changes."""
        added: dict[str, Streams] = {}
        removed: dict[str, Streams] = {}
        mine = {native: kinds & self._kinds for native, kinds in wish.items() if kinds & self._kinds}
        for native, link in list(self._link_of.items()):
            if gone := self._links[link][native] - mine.get(native, frozenset()):
                removed.setdefault(link, {})[native] = gone
            if native not in mine:
                del self._links[link][native], self._link_of[native]
        opened: list[str] = []
        room = self._room()
        for native, kinds in mine.items():
            known = self._link_of.get(native)
            link = next(room) if known is None else known
            if link not in self._links:
                self._links[link] = {}
                opened.append(link)
            if new := kinds - self._links[link].get(native, frozenset()):
                added.setdefault(link, {})[native] = new
            self._links[link][native] = kinds
            self._link_of[native] = link
        closed = tuple(link for link, streams in self._links.items() if not streams)
        for link in closed:
            del self._links[link]
        self._released.update(closed)
        return Changes(
            tuple(opened),
            closed,
            {link: streams for link, streams in added.items() if link not in opened},
            {link: streams for link, streams in removed.items() if link in self._links},
        )

    def rename(self, link: str, to: str) -> None:
        """Move all that a link carries to another one. The first is being closed."""
        streams = self._links[to] = self._links.pop(link)
        self._link_of.update(dict.fromkeys(streams, to))
        self._released.add(link)

    def closed(self, link: str) -> None:
        """Record that a link is down that nothing is wanted of. Its name can be used again."""
        self._released.discard(link)

    def _room(self) -> Iterator[str]:
        """Yield a link with room for one more symbol, for each: those that are there first, then new ones."""
        for link, streams in list(self._links.items()):
            while len(streams) < self._symbols_per_link:
                yield link
        number = 0
        while True:
            link = f"{self._name}-{number}"
            number += 1
            if link in self._links or link in self._released:
                continue
            yield link
            while len(self._links[link]) < self._symbols_per_link:
                yield link
