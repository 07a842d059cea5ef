"""Drives a channel as the hub does: the tracker first, then the stream, with consecutive seqs."""

from __future__ import annotations

from floorwire.channels import Channel, Option, Stream, Tracker
from floorwire.core.instrument import Instrument
from floorwire.core.market_events import MarketEvent
from floorwire.core.notices import Notice
from floorwire.protocol.channel_events import AnyEvent
from floorwire.protocol.event_stamps import EventStamp

BTC = Instrument("BTC-USDT", "BTC", "USDT", "sim", tick_size="0.01", lot_size="0.001")
EPOCH = "e"
RECV_US, SENT_US = 1001, 1002


class Drive:
    """One stream of a channel, on a tracker of its own or on one that others use too."""

    def __init__(
        self, channel: Channel, option: Option = None, tracker: Tracker | None = None, seq: int = 0
    ) -> None:
        self.event_types = channel.event_types
        self.tracker = tracker or channel.tracker(BTC if channel.per_symbol else None)
        self.stream: Stream = self.tracker.stream(option)
        self.seq = seq

    def feed(self, *happened: MarketEvent | Notice) -> list[AnyEvent]:
        """Return the messages that follow from the events."""
        messages = []
        for event in happened:
            if isinstance(event, self.event_types):
                self.tracker.apply(event)
                messages += self.follow(event)
        return messages

    def follow(self, event: MarketEvent | Notice) -> list[AnyEvent]:
        """Return the messages of an event that the tracker has applied already."""
        messages = list(self.stream.apply(event, EventStamp(EPOCH, self.seq + 1, RECV_US, SENT_US)))
        for message in messages:
            self.seq += 1
            assert (message.epoch, message.seq) == (EPOCH, self.seq)
            assert (message.recv, message.sent) == (RECV_US, SENT_US)
        return messages

    def state(self, conflated: int = 0) -> AnyEvent | None:
        """Return the state as of the current seq."""
        return self.stream.state(EventStamp(EPOCH, self.seq, RECV_US, SENT_US), conflated)
