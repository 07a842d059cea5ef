"""Recorded links that replaced others while both were up: one after the other, as one link.

An adapter replaces a link before the exchange ends it (venues/common/link_rotation.py), and reads each symbol
from one of the two meanwhile. A replay has one link, to which the same changes of a book must not come twice.
So the old link is played to its end, and then the new one from its beginning: whole books first, then all
changes. Messages of the time when both were up come late then, and those that are known are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from floorwire.core.ports import Closed, Frame, Opened
from floorwire.venues.common.stream_links import REPLACEMENT
from floorwire.venues.recorded_links import RecordedInput

MAX_HELD = 500_000
"""So many messages of new links are held at most; more are played as they came."""


def one_after_the_other(inputs: Iterable[RecordedInput]) -> Iterator[RecordedInput]:
    """Yield the inputs, those of new links after the end of the links that they replace."""
    is_up: set[str] = set()
    held: dict[str, list[RecordedInput]] = {}
    """By the new link: what came on it."""
    now_us = 0
    for recorded in inputs:
        now_us, link = recorded.at_us, recorded.happened.link
        match recorded.happened:
            case Opened():
                is_up.add(link)
                if _partner(link) in is_up and _partner(link) not in held:
                    held[link] = [recorded]
                else:
                    yield recorded
            case Frame() if link in held and sum(map(len, held.values())) < MAX_HELD:
                held[link].append(recorded)
            case Frame():
                yield from _late(held.pop(link, ()), now_us)
                yield recorded
            case Closed():
                is_up.discard(link)
                if held.pop(link, None) is not None:
                    continue  # the replacement was given up: the old link goes on
                yield from _late(held.pop(_partner(link), ()), now_us)
                yield recorded
    for waiting in held.values():  # the recording ended meanwhile
        yield from _late(waiting, now_us)


def _late(held: Iterable[RecordedInput], now_us: int) -> Iterator[RecordedInput]:
    return (replace(recorded, at_us=now_us) for recorded in held)


def _partner(link: str) -> str:
    """Return the link that this one replaces, or that replaces it."""
    return link.removesuffix(REPLACEMENT) if link.endswith(REPLACEMENT) else link + REPLACEMENT
