"""A tape: what a recording makes its adapter say, decoded once. Each run of a sweep plays it again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from floorwire.core.capabilities import Capabilities
from floorwire.core.ports import Activity, Venue, VenueInput, VenueOutput, Wake, Woke

PROGRESS_EVERY: Final = 5_000
"""Batches between two reports of progress."""


class MarketTape(msgspec.Struct, frozen=True, gc=False):
    """The outputs of a venue by the time at which they came; all of one call are one batch."""

    name: str
    capabilities: Capabilities
    begin_us: int
    batches: Sequence[tuple[int, Sequence[VenueOutput]]]

    @property
    def events(self) -> int:
        """How many market events it has."""
        return sum(len(outputs) for _, outputs in self.batches)


class TapeDecoder:
    """Plays a venue that needs nothing but time to its end, and keeps what it says."""

    def __init__(self, venue: Venue, capabilities: Capabilities, begin_us: int) -> None:
        self._venue = venue
        self._capabilities = capabilities
        self._begin_us = begin_us
        self._batches: list[tuple[int, Sequence[VenueOutput]]] = []

    def steps(self) -> Iterator[int]:
        """Decode; yield the recorded time now and then."""
        now_us = self._begin_us
        outputs = self._venue.start(now_us)
        count = 0
        while True:
            wake_us = None
            kept: list[VenueOutput] = []
            for output in outputs:
                if type(output) is Wake:
                    wake_us = output.at_us
                elif type(output) is not Activity:
                    kept.append(output)
            if kept:
                self._batches.append((now_us, tuple(kept)))
            if wake_us is None:
                return
            now_us = max(now_us, wake_us)
            outputs = self._venue.receive(Woke(), now_us)
            count += 1
            if count % PROGRESS_EVERY == 0:
                yield now_us

    def tape(self) -> MarketTape:
        """Return what was decoded."""
        return MarketTape(self._venue.name, self._capabilities, self._begin_us, self._batches)


class TapeVenue:
    """The venue that plays a tape, once, from the time at which it starts."""

    def __init__(self, tape: MarketTape) -> None:
        self.name = tape.name
        self._tape = tape
        self._next = 0
        self._shift_us = 0

    def start(self, now_us: int) -> Sequence[VenueOutput]:
        """Start at the beginning."""
        self._next = 0
        self._shift_us = now_us - self._tape.begin_us
        return self._play(now_us)

    def receive(self, happened: VenueInput, now_us: int) -> Sequence[VenueOutput]:
        """Return the next batch, if it is due."""
        return self._play(now_us) if type(happened) is Woke else ()

    def _play(self, now_us: int) -> Sequence[VenueOutput]:
        batches = self._tape.batches
        if self._next == len(batches):
            return ()
        at_us, outputs = batches[self._next]
        if at_us + self._shift_us > now_us:
            return (Wake(at_us + self._shift_us),)
        self._next += 1
        if self._next == len(batches):
            return outputs
        return (*outputs, Wake(batches[self._next][0] + self._shift_us))
