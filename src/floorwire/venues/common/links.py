"""All lines of a venue: opened, watched and opened again. A link that was never asked for is ignored."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, TypeAlias

from floorwire.core.ports import Close, Open
from floorwire.venues.common.link import Link

Hearing: TypeAlias = Literal["deaf", "heard", "heard_again"]


class Links:
    """The venue's links by name."""

    __slots__ = ("_lines", "_most", "_silent_us", "_stale_us")

    def __init__(self, silent_us: int, most: int | None, stale_us: int) -> None:
        """``silent_us``: when a link on which nothing comes is given up. ``most``: how many symbols it
        carries, any number where None. ``stale_us``: when what came on it is not current any more."""
        self._silent_us = silent_us
        self._stale_us = stale_us
        self._most = most
        self._lines: dict[str, Link] = {}

    def spread(self, symbols: Iterable[str]) -> Iterator[list[str]]:
        """Yield the symbols, as many at a time as a link carries; no symbols, once, where there are none."""
        all_of_them = list(symbols)
        step = self._most or len(all_of_them) or 1
        for start in range(0, len(all_of_them) or 1, step):
            yield all_of_them[start : start + step]

    def add(self, link: str, url: str, now_us: int) -> Open:
        """Ask for one more link."""
        line = self._lines[link] = Link(link, url, self._silent_us)
        return line.open(now_us)

    def opened(self, link: str, now_us: int) -> bool:
        """The link is up; return whether it was asked for."""
        line = self._lines.get(link)
        if line is not None:
            line.opened(now_us)
        return line is not None

    def heard(self, link: str, now_us: int) -> Hearing:
        """Something came on the link; return whether to listen, and whether the link was quiet before."""
        line = self._lines.get(link)
        if line is None or line.state != "up":
            return "deaf"
        was_quiet = line.is_quiet
        line.heard(now_us)
        return "heard_again" if was_quiet else "heard"

    def quieted(self, now_us: int) -> list[str]:
        """Return the open links that have become quiet."""
        return [line.link for line in self._lines.values() if line.becomes_quiet(now_us, self._stale_us)]

    def speaks_us(self, link: str, now_us: int) -> int:
        """Return for how long the link has been up without falling quiet, 0 where it is not."""
        line = self._lines.get(link)
        return 0 if line is None else line.speaks_us(now_us)

    def any_speaks(self) -> bool:
        """Return whether a link is up and not quiet."""
        return any(line.state == "up" and not line.is_quiet for line in self._lines.values())

    def close(self, link: str, reason: str, now_us: int) -> Close:
        """Give a link up, to have it opened anew."""
        return self._lines[link].close(reason, now_us)

    def lost(self, link: str, now_us: int) -> bool:
        """The link is down; return whether that is news, and not what ``close`` asked for."""
        line = self._lines.get(link)
        if line is None:
            return False
        was_given_up = line.state == "closing"
        line.lost(now_us)
        return not was_given_up

    def watch(self, now_us: int) -> Iterator[Open | Close]:
        """Do what is due: ask again for lost links, give up silent and stuck ones."""
        for line in self._lines.values():
            match line.due(now_us):
                case "open":
                    yield line.open(now_us)
                case "silent":
                    yield line.close("silent", now_us)
                case "stuck":
                    yield line.close("link_lost", now_us)
                case "nothing":
                    pass

    def up_us(self, link: str, now_us: int) -> int | None:
        """Return for how long the link has been up, None where it is not."""
        line = self._lines.get(link)
        return line.up_us(now_us) if line is not None and line.state == "up" else None

    def any_up(self) -> bool:
        """Return whether a link is up."""
        return any(line.state == "up" for line in self._lines.values())

    def __len__(self) -> int:
        return len(self._lines)
