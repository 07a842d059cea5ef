"""The sampled connections: each of their messages is read, for latency and missing events."""

from __future__ import annotations

from array import array

import msgspec

from floorwire.cli.load.percentiles import Percentiles
from floorwire.cli.load.sequences import Event, SequenceCounts, SequenceTracker

_decoder = msgspec.json.Decoder(Event)


class SampleSummary(msgspec.Struct, frozen=True):
    """What the sampled connections received in one part of a run."""

    latency: Percentiles | None
    """From ``sent`` to arrival; None where no event said when it was sent."""
    tally: SequenceCounts


class Samples:
    """What the sampled connections of a run have received since the last ``pop``."""

    def __init__(self) -> None:
        self.tally = SequenceCounts()
        self._latencies_us = array("q")

    def pop(self) -> SampleSummary:
        """Return the summary and start a new one. The positions in the streams are kept."""
        summary = SampleSummary(Percentiles.of(self._latencies_us), self.tally)
        self.tally = SequenceCounts()
        self._latencies_us = array("q")
        return summary

    def add(self, latency_us: int) -> None:
        """Add one latency."""
        self._latencies_us.append(latency_us)


class SampledReader:
    """Reads the messages of one sampled connection."""

    __slots__ = ("_samples", "_sequences")

    def __init__(self, samples: Samples) -> None:
        self._samples = samples
        self._sequences = SequenceTracker()

    def on_message(self, payload: bytes, arrived_us: int) -> None:
        """Count one message. What is not an event of Floorwire does not count."""
        try:
            event = _decoder.decode(payload)
        except msgspec.DecodeError:
            return
        self._sequences.add(event, self._samples.tally)
        if event.sent is not None:
            self._samples.add(arrived_us - event.sent)
