"""Fan-out of private channels: sends each durable account event once to each subscriber."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import UNSET

from floorwire.clock import Clock
from floorwire.core.account_events import CHANNELS, AccountEntry, PrivateChannel
from floorwire.protocol.codec import Codec
from floorwire.protocol.desk_ports import DeskClient
from floorwire.protocol.event_stamps import PrivateEventStamp
from floorwire.trading.private_event_mapping import InstrumentOf, private_event, seq_of
from floorwire.trading.visibility import Visibility

MAX_BACKLOG = 100_000
"""Events that may wait while a subscriber still gets older ones; with more it is closed (4008)."""


class PrivateSubscriber:
    """One connection's subscription to one private channel. It gets each event once, in order.

    Everything up to ``seq`` was sent to it.
    """

    __slots__ = ("backlog", "channel", "client", "hidden", "is_confirmed", "is_removed", "seq", "visibility")

    def __init__(self, client: DeskClient, channel: PrivateChannel, visibility: Visibility, seq: int) -> None:
        self.client = client
        self.channel: PrivateChannel = channel
        self.visibility = visibility
        self.seq = seq
        self.hidden = 0
        """Events since the last one sent that it may not see."""
        self.is_removed = False
        self.is_confirmed = False
        """Whether the subscribe request got its reply. False: the journal failed before that."""
        self.backlog: list[AccountEntry] | None = None
        """Events that wait until the older ones are sent. None while events are sent as they happen."""


class PrivateFanout:
    """The subscribers, by account and channel."""

    def __init__(self, instrument_of: InstrumentOf, clock: Clock) -> None:
        self.epoch = ""
        self._instrument_of = instrument_of
        self._clock = clock
        self._by_account: dict[str, dict[PrivateChannel, dict[PrivateSubscriber, None]]] = {}
        self._by_client: dict[DeskClient, dict[PrivateChannel, PrivateSubscriber]] = {}

    # --- subscribers --------------------------------------------------------------------------------

    def add(self, account: str, subscriber: PrivateSubscriber) -> None:
        """Add it, in place of the client's earlier subscription to the channel."""
        self.remove(subscriber.client, subscriber.channel)
        self._by_client.setdefault(subscriber.client, {})[subscriber.channel] = subscriber
        self._by_account.setdefault(account, {}).setdefault(subscriber.channel, {})[subscriber] = None

    def remove(self, client: DeskClient, channel: PrivateChannel) -> None:
        """Remove the client from the channel. Nothing happens where it is not subscribed."""
        subscriber = self._by_client.get(client, {}).pop(channel, None)
        if subscriber is None:
            return
        subscriber.is_removed = True
        if not self._by_client[client]:
            del self._by_client[client]
        account = client.principal.account
        subscribers = self._by_account[account][channel]
        del subscribers[subscriber]
        if not subscribers:
            del self._by_account[account][channel]

    def remove_client(self, client: DeskClient) -> None:
        """Remove a closed client from all channels."""
        for channel in list(self._by_client.get(client, ())):
            self.remove(client, channel)

    def find(self, client: DeskClient, channel: PrivateChannel) -> PrivateSubscriber | None:
        """Return the client's subscription to the channel; None where it has none."""
        return self._by_client.get(client, {}).get(channel)

    def subscribers(self) -> list[PrivateSubscriber]:
        """Return every subscriber."""
        return [subscriber for held in self._by_client.values() for subscriber in held.values()]

    # --- sending ------------------------------------------------------------------------------------

    def publish(self, entries: Iterable[AccountEntry], recipients: dict[DeskClient, None]) -> None:
        """Send durable entries. Add the clients to ``recipients``, which the caller flushes."""
        for entry in entries:
            channels = self._by_account.get(entry.event.account)
            if channels:
                self._publish(entry, channels, recipients)

    def _publish(
        self,
        entry: AccountEntry,
        channels: dict[PrivateChannel, dict[PrivateSubscriber, None]],
        recipients: dict[DeskClient, None],
    ) -> None:
        for channel in CHANNELS[type(entry.event)]:
            subscribers = channels.get(channel)
            if not subscribers:
                continue
            shared: dict[Codec, bytes] = {}
            for subscriber in list(subscribers):
                if subscriber.backlog is not None:
                    self._add_to_backlog(subscriber, entry)
                elif self.send(subscriber, entry, shared):
                    recipients[subscriber.client] = None

    def _add_to_backlog(self, subscriber: PrivateSubscriber, entry: AccountEntry) -> None:
        assert subscriber.backlog is not None
        if len(subscriber.backlog) < MAX_BACKLOG:
            subscriber.backlog.append(entry)
        else:
            subscriber.client.close_slow()

    def send(
        self, subscriber: PrivateSubscriber, entry: AccountEntry, shared: dict[Codec, bytes] | None = None
    ) -> bool:
        """Send the entry to one subscriber, unless it was sent before. Return whether anything was sent.

        ``shared`` keeps the encoded frame by codec, for the next subscriber.
        """
        seq = seq_of(entry.seqs, subscriber.channel)
        if seq <= subscriber.seq:
            return False
        subscriber.seq = seq
        visible = subscriber.visibility.part_of(entry.event)
        if visible is None:
            subscriber.hidden += 1
            return False
        client, hidden = subscriber.client, subscriber.hidden
        if visible is not entry.event:
            shared = None
        frame = shared.get(client.codec) if shared is not None and not hidden else None
        if frame is None:
            stamp = PrivateEventStamp(self.epoch, seq, self._clock.stamp_us(), hidden or UNSET)
            names = subscriber.visibility.names
            event = private_event(subscriber.channel, visible, self._instrument_of, stamp, names)
            frame = client.codec.frame(event)
            subscriber.hidden = 0
            if shared is not None and not hidden:
                shared[client.codec] = frame
        client.queue_events(frame)
        return True
