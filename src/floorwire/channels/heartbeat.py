"""The heartbeat channel: one numbered message a second; a quiet market then differs from a dead link."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import UNSET

from floorwire.channels import Channel, Option, refuse_options
from floorwire.core.capabilities import StreamKind
from floorwire.core.instrument import Instrument
from floorwire.core.market_events import MarketEvent
from floorwire.core.notices import Notice, SecondPassed
from floorwire.protocol import channel_events
from floorwire.protocol.event_stamps import EventStamp
from floorwire.protocol.requests import OnSlow


class HeartbeatTracker:
    """The last beat."""

    __slots__ = ("beat",)

    def __init__(self) -> None:
        self.beat: SecondPassed | None = None

    def apply(self, event: MarketEvent | Notice) -> None:
        """Remember the beat."""
        if isinstance(event, SecondPassed):
            self.beat = event

    def change_steps(self, _instrument: Instrument) -> None:
        """Do nothing: no state here is in ticks or lots."""

    def stream(self, _option: Option) -> HeartbeatStream:
        """Return a new stream."""
        return HeartbeatStream(self)


class HeartbeatStream:
    """The beats; ``seq`` counts them."""

    __slots__ = ("_tracker",)

    def __init__(self, tracker: HeartbeatTracker) -> None:
        self._tracker = tracker

    def apply(self, event: MarketEvent | Notice, at: EventStamp) -> Sequence[channel_events.Heartbeat]:
        """Return the beat as one message."""
        return (_message(event, at, 0),) if isinstance(event, SecondPassed) else ()

    def state(self, at: EventStamp, conflated: int = 0) -> channel_events.Heartbeat | None:
        """Return the last beat, None before the first."""
        beat = self._tracker.beat
        return None if beat is None else _message(beat, at, conflated)


def _message(beat: SecondPassed, at: EventStamp, conflated: int) -> channel_events.Heartbeat:
    return channel_events.Heartbeat(
        epoch=at.epoch,
        seq=at.seq,
        conflated=conflated or UNSET,
        ts=beat.ts_us,
        recv=at.recv_us,
        sent=at.sent_us,
    )


class HeartbeatChannel:
    """A beat a second; only the latest matters to a client that fell behind."""

    name = "heartbeat"
    on_slow: OnSlow = "conflate"
    contracts: frozenset[OnSlow] = frozenset(("conflate", "skip", "disconnect"))
    per_symbol = False
    event_types: tuple[type[MarketEvent | Notice], ...] = (SecondPassed,)
    needs: frozenset[StreamKind] = frozenset()

    def option(self, depth: int | None, interval: str | None, closed_only: bool = False) -> Option:
        """Return None: there is none. Raises BadOptionError."""
        refuse_options(self.name, depth, interval, closed_only)
        return None

    def tracker(self, _instrument: Instrument | None) -> HeartbeatTracker:
        """Return a new tracker."""
        return HeartbeatTracker()


CHANNEL: Channel = HeartbeatChannel()
