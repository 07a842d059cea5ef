"""Which link carries the streams of which symbol, for links of one kind.

A symbol stays on its link for as long as anything of it is wanted, whatever comes and goes beside it. It
moves only if more of it is wanted than its link has room for.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from typing import NamedTuple

from floorwire.core.capabilities import StreamKind

Streams = dict[str, frozenset[StreamKind]]
"""The exchange's name of a symbol -> kinds of its streams."""


class Changes(NamedTuple):
    """What changes by link when other streams are wanted."""

    opened: tuple[str, ...]
    closed: tuple[str, ...]
    """Links that nothing is wanted of any more."""
    added: Mapping[str, Streams]
    """Streams to subscribe to, on links that were there before."""
    removed: Mapping[str, Streams]
    """Streams to unsubscribe from, on links that stay."""


class StreamAssignment:
    """The links of one kind. Each has at most ``symbols`` symbols, and streams of at most ``capacity``."""

    __slots__ = (
        "_capacity",
        "_costs",
        "_kinds",
        "_link_of",
        "_links",
        "_name",
        "_released",
        "_symbols",
        "_used",
    )

    def __init__(
        self,
        name: str,
        kinds: frozenset[StreamKind],
        symbols: int,
        costs: Mapping[StreamKind, int] | None = None,
        capacity: int = 0,
    ) -> None:
        """``name``: links are named by it, with a number. ``kinds``: what these links carry.

        ``costs``: what the streams of a kind take of the capacity; None: nothing.
        """
        self._name = name
        self._kinds = kinds
        self._symbols = symbols
        self._costs = costs or {}
        self._capacity = capacity
        self._links: dict[str, Streams] = {}
        self._link_of: dict[str, str] = {}
        self._used: dict[str, int] = {}
        """Link -> how much of its capacity is taken."""
        self._released: set[str] = set()
        """Links that are being closed. Their names are used again when they are closed."""

    def streams(self, link: str) -> Streams:
        """Return what the link carries."""
        return self._links.get(link, {})

    def link_of(self, native: str) -> str | None:
        """Return the link that carries the symbol; None if none does."""
        return self._link_of.get(native)

    def want(self, wanted: Mapping[str, frozenset[StreamKind]]) -> Changes:
        """Take in all streams that are wanted; return what that changes."""
        added: dict[str, Streams] = {}
        removed: dict[str, Streams] = {}
        mine = {native: kinds & self._kinds for native, kinds in wanted.items() if kinds & self._kinds}
        known = dict(self._link_of)
        for native, link in known.items():
            before, now = self._links[link][native], mine.get(native, frozenset())
            if before - now:
                removed.setdefault(link, {})[native] = before - now
                self._set(native, link, before & now)
        waiting: list[str] = []
        for native, kinds in mine.items():
            link = known.get(native, "")
            before = self._links[link].get(native, frozenset()) if link else frozenset()
            if kinds == before:
                continue
            if link and self._fits(link, kinds - before):
                added.setdefault(link, {})[native] = kinds - before
                self._set(native, link, kinds)
                continue
            if link:  # it moves: its link is full
                removed.setdefault(link, {}).setdefault(native, frozenset())
                removed[link][native] |= before
                self._set(native, link, frozenset())
            waiting.append(native)
        opened: list[str] = []
        for native in waiting:
            link = self._room(mine[native])
            if link not in self._links:
                self._links[link], self._used[link] = {}, 0
                opened.append(link)
            added.setdefault(link, {})[native] = mine[native]
            self._set(native, link, mine[native])
        closed = tuple(link for link, streams in self._links.items() if not streams)
        for link in closed:
            del self._links[link], self._used[link]
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
        self._used[to] = self._used.pop(link)
        self._link_of.update(dict.fromkeys(streams, to))
        self._released.add(link)

    def closed(self, link: str) -> None:
        """Record that a link is down that nothing is wanted of. Its name can be used again."""
        self._released.discard(link)

    def _set(self, native: str, link: str, kinds: frozenset[StreamKind]) -> None:
        """Let a link carry these streams of a symbol, and no others of it."""
        streams = self._links[link]
        self._used[link] += self._cost(kinds) - self._cost(streams.pop(native, frozenset()))
        self._link_of.pop(native, None)
        if kinds:
            streams[native] = kinds
            self._link_of[native] = link

    def _cost(self, kinds: frozenset[StreamKind]) -> int:
        return sum(self._costs.get(kind, 0) for kind in kinds)

    def _fits(self, link: str, more: frozenset[StreamKind]) -> bool:
        return self._used[link] + self._cost(more) <= self._capacity or not self._cost(more)

    def _room(self, kinds: frozenset[StreamKind]) -> str:
        """Return a link with room for one more symbol: one that is there, or a new one."""
        for link, streams in self._links.items():
            if len(streams) < self._symbols and self._fits(link, kinds):
                return link
        names = (f"{self._name}-{number}" for number in count())
        return next(name for name in names if name not in self._links and name not in self._released)
