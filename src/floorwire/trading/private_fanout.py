"""The private channels: who follows which, and how what is durable reaches them, each event once."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import UNSET

from floorwire.clock import Clock
from floorwire.core.account_events import CHANNELS, AccountEntry, PrivateChannel
from floorwire.protocol.codec import Codec
from floorwire.protocol.desk_ports import DeskClient
from floorwire.protocol.stamp import PrivateEventStamp
from floorwire.trading.private_follower import MOST_WAITING, Follower
from floorwire.trading.private_messages import InstrumentOf, message, seq_of


class PrivateFanout:
    """Followers by account and channel."""

    def __init__(self, instrument_of: InstrumentOf, clock: Clock) -> None:
        self.epoch = ""
        self._instrument_of = instrument_of
        self._clock = clock
        self._by_account: dict[str, dict[PrivateChannel, dict[Follower, None]]] = {}
        self._by_client: dict[DeskClient, dict[PrivateChannel, Follower]] = {}

    # --- who follows --------------------------------------------------------------------------------

    def enter(self, account: str, follower: Follower) -> None:
        """Let it follow, in place of what the client had there."""
        self.leave(follower.client, follower.channel)
        self._by_client.setdefault(follower.client, {})[follower.channel] = follower
        self._by_account.setdefault(account, {}).setdefault(follower.channel, {})[follower] = None

    def leave(self, client: DeskClient, channel: PrivateChannel) -> None:
        """Let the client follow the channel no longer."""
        follower = self._by_client.get(client, {}).pop(channel, None)
        if follower is None:
            return
        follower.is_gone = True
        if not self._by_client[client]:
            del self._by_client[client]
        account = client.principal.account
        followers = self._by_account[account][channel]
        del followers[follower]
        if not followers:
            del self._by_account[account][channel]

    def left(self, client: DeskClient) -> None:
        """Let the client, which is gone, follow nothing."""
        for channel in list(self._by_client.get(client, ())):
            self.leave(client, channel)

    def follower(self, client: DeskClient, channel: PrivateChannel) -> Follower | None:
        """Return the client's place in the channel."""
        return self._by_client.get(client, {}).get(channel)

    def all(self) -> list[Follower]:
        """Return every follower."""
        return [follower for held in self._by_client.values() for follower in held.values()]

    # --- what they are told -------------------------------------------------------------------------

    def publish(self, entries: Iterable[AccountEntry], told: dict[DeskClient, None]) -> None:
        """Tell followers what is durable now; add them to ``told``, for their ``flush``."""
        for entry in entries:
            channels = self._by_account.get(entry.event.account)
            if channels:
                self._publish(entry, channels, told)

    def _publish(
        self,
        entry: AccountEntry,
        channels: dict[PrivateChannel, dict[Follower, None]],
        told: dict[DeskClient, None],
    ) -> None:
        for channel in CHANNELS[type(entry.event)]:
            followers = channels.get(channel)
            if not followers:
                continue
            shared: dict[Codec, bytes] = {}
            for follower in list(followers):
                if follower.waiting is not None:
                    self._wait(follower, entry)
                elif self.tell(follower, entry, shared):
                    told[follower.client] = None

    def _wait(self, follower: Follower, entry: AccountEntry) -> None:
        assert follower.waiting is not None
        if len(follower.waiting) < MOST_WAITING:
            follower.waiting.append(entry)
        else:
            follower.client.close_slow()

    def tell(self, follower: Follower, entry: AccountEntry, shared: dict[Codec, bytes] | None = None) -> bool:
        """Tell one follower, unless it knows already; return whether it was sent anything."""
        seq = seq_of(entry.seqs, follower.channel)
        if seq <= follower.seq:
            return False
        follower.seq = seq
        seen = follower.visibility.part_of(entry.event)
        if seen is None:
            follower.hidden += 1
            return False
        client, hidden = follower.client, follower.hidden
        if seen is not entry.event:
            shared = None
        frame = shared.get(client.codec) if shared is not None and not hidden else None
        if frame is None:
            at = PrivateEventStamp(self.epoch, seq, self._clock.stamp_us(), hidden or UNSET)
            frame = client.codec.frame(message(follower.channel, seen, self._instrument_of, at))
            follower.hidden = 0
            if shared is not None and not hidden:
                shared[client.codec] = frame
        client.tell(frame)
        return True
