"""The beginning of a recording, played at once: does its adapter understand it?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from floorwire.connectors.recording import Playable
from floorwire.core.market_events import BookChange, BookSnapshot, Candle, DayStats, Listing, Quote, Trade
from floorwire.core.ports import Frame, Wake, Woke
from floorwire.venues.common.links import STALE_US
from floorwire.venues.recorded_links import RecordedInput
from floorwire.venues.replay import Replay

PREVIEW_MESSAGES = 100_000
"""At most so many messages are played in a preview, to see whether the adapter can show anything of them."""
SHOWN_EVENTS = (Trade, Quote, BookSnapshot, BookChange, DayStats, Candle)
"""A recording can be shown if it gives at least one of these."""


class FirstMessages:
    """The first ``PREVIEW_MESSAGES`` messages of a recording, with all HTTP answers."""

    def __init__(self, recording: Playable) -> None:
        self.answers = recording.answers
        self.frames = 0
        """How many messages were played."""
        self._recording = recording

    def inputs(self) -> Iterator[RecordedInput]:
        """Yield what happened on the WebSockets up to the last of these messages."""
        for recorded in self._recording.inputs():
            if isinstance(recorded.happened, Frame):
                if self.frames == PREVIEW_MESSAGES:
                    return
                self.frames += 1
            yield recorded


class Preview(NamedTuple):
    """What the adapter made of the beginning of a recording, up to the first event that can be shown."""

    frames: int
    """How many messages of the exchange were played."""
    is_shown: bool
    """Whether they gave one of ``SHOWN_EVENTS``."""
    skipped: Mapping[str, int]
    """How many messages and levels the adapter left out, by reason."""
    symbols: frozenset[str]
    """The instruments that were listed so far."""


def preview(recording: Playable) -> Preview:
    """Play the beginning without waiting, to see whether the adapter understands it."""
    first = FirstMessages(recording)
    replay = Replay(lambda: recording.make_adapter("", STALE_US), first, None)
    outputs = list(replay.start(0))
    is_shown = False
    listed: set[str] = set()
    while outputs and not is_shown:
        is_shown = any(isinstance(output, SHOWN_EVENTS) for output in outputs)
        for listing in (output for output in outputs if isinstance(output, Listing)):
            listed.update(instrument.symbol for instrument in listing.instruments)
        outputs = list(replay.receive(Woke(), 0)) if isinstance(outputs[-1], Wake) else []
    return Preview(first.frames, is_shown, +replay.skipped, frozenset(listed))
