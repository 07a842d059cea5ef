"""Samples: the few connections whose every message is read, for latency and for missing events."""

from __future__ import annotations

from array import array

import msgspec

from floorwire.cli.load.percentiles import Percentiles
from floorwire.cli.load.sequences import Event, Sequences, Tally

_decoder = msgspec.json.Decoder(Event)


class Heard(msgspec.Struct, frozen=True):
    """What the sampled connections heard in one stretch of a run."""

    latency: Percentiles | None
    """From ``sent`` to arrival; None where no event said when it was sent."""
    tally: Tally


class Samples:
    """What the sampled connections of a run have heard since the last ``take``."""

    def __init__(self) -> None:
        self.tally = Tally()
        self._latencies_us = array("q")

    def take(self) -> Heard:
        """Return what was heard and begin anew; the streams' positions are kept."""
        heard = Heard(Percentiles.of(self._latencies_us), self.tally)
        self.tally = Tally()
        self._latencies_us = array("q")
        return heard

    def add(self, latency_us: int) -> None:
        """Keep one latency."""
        self._latencies_us.append(latency_us)


class Sampled:
    """The ear of one sampled connection."""

    __slots__ = ("_samples", "_sequences")

    def __init__(self, samples: Samples) -> None:
        self._samples = samples
        self._sequences = Sequences()

    def hear(self, payload: bytes, arrived_us: int) -> None:
        """Take one message; what is not an event of ours is not counted."""
        try:
            event = _decoder.decode(payload)
        except msgspec.DecodeError:
            return
        self._sequences.follow(event, self._samples.tally)
        if event.sent is not None:
            self._samples.add(arrived_us - event.sent)
