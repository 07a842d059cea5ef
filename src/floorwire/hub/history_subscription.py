"""A subscription that begins with history: the reply, the history, the first state, and then the events."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

from msgspec import UNSET

from floorwire.hub import subscription_replies as replies
from floorwire.hub.client_transport import ClientTransport
from floorwire.hub.history_reads import HistoryMessage, HistoryRequest
from floorwire.hub.hub import Hub
from floorwire.hub.topic_join import JoinedTopic, join, send_missed
from floorwire.protocol.channel_events import Candles
from floorwire.protocol.cost_budget import PAGE_US
from floorwire.protocol.session_decisions import SubscribeTopics

HistoryEnd: TypeAlias = Callable[[Iterator[None] | None], None]


class HistorySubscription:
    """One such subscription, until its history is sent. Its events wait in the resume ring meanwhile.

    ``count``: how many rows of history. ``done`` is called in any case, with the rest of the work: steps that
    send events which the client missed, or None.
    """

    __slots__ = ("_client", "_count", "_decision", "_done", "_hub", "_joined", "_rest")

    def __init__(
        self, hub: Hub, client: ClientTransport, decision: SubscribeTopics, count: int, done: HistoryEnd
    ) -> None:
        self._hub = hub
        self._client = client
        self._decision = decision
        self._count = count
        self._done = done
        self._joined: JoinedTopic | None = None
        """The subscription, while it waits for its history."""
        self._rest: Iterator[None] | None = None

    def begin(self) -> HistoryRequest | None:
        """Subscribe, reply, and return what to read. Who can resume needs no history: None."""
        hub, client, decision = self._hub, self._client, self._decision
        if not client.is_open:
            return None
        choice, resume = decision.choices[0], decision.resume
        joined = join(hub, client, choice, decision.contract(choice), resume)
        client.send(replies.subscribed(decision, [joined.row]))
        subscription = joined.subscription
        if resume is not None and joined.row.gap is UNSET:
            client.send_first_frames(subscription, joined.first_frames)
            if subscription.is_replaying:
                self._rest = send_missed(client, subscription)
            return None
        if choice.topic not in client.subscriptions:  # closed: the reply was too much for a slow client
            return None
        topic = subscription.topic
        subscription.start_replay(topic.seq + 1, topic.seq)
        topic.update_direct(client)
        self._joined = joined
        state = hub.state(choice.topic)
        client.flush()
        return HistoryRequest(
            topic=choice.topic,
            shown_symbol=topic.shown_symbol or "",
            epoch=topic.epoch,
            seq=topic.seq,
            count=self._count,
            before_us=state.start if isinstance(state, Candles) else None,
            sent_us=hub.moment().stamp_us,
        )

    def end(self, message: HistoryMessage | None) -> None:
        """Send the history and the first state. What came meanwhile is the rest."""
        if self._joined is not None and message is not None and self._client.is_open:
            self._send(self._joined, message)
        self._done(self._rest)

    def _send(self, joined: JoinedTopic, message: HistoryMessage) -> None:
        client, subscription = self._client, joined.subscription
        topic = subscription.topic
        if topic.epoch != message.epoch:
            return  # Its steps changed: the stream has begun anew, with another state.
        self._hub.deliver_pending(topic)
        if not subscription.is_replaying:
            return
        frames = [client.codec.frame(message), *joined.first_frames]
        client.charge(PAGE_US)
        client.charge_slice(frames, 0)
        client.outbox.put(b"".join(frames))
        if client.outbox.is_over:
            client.close_slow()
        elif topic.seq == message.seq:
            subscription.catch_up()
            topic.update_direct(client)
        else:
            self._rest = send_missed(client, subscription)
