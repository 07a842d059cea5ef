"""Joins one client to one topic, and sends it what it missed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from floorwire.hub import subscription_replies as replies
from floorwire.hub.client_transport import ClientTransport
from floorwire.hub.hub import Hub
from floorwire.hub.topic import Topic
from floorwire.protocol.outbox import OutboxSubscription
from floorwire.protocol.replies import HeldSubscription
from floorwire.protocol.requests import OnSlow, Resume
from floorwire.protocol.topic_names import TopicChoice

RESUME_US: Final = 1_000
"""Price of the first step of a resume: a slice, of which 64 events may have to be made in MessagePack."""


class JoinedTopic(NamedTuple):
    """A subscription that has begun."""

    row: HeldSubscription
    """The subscription as the reply tells it."""
    subscription: OutboxSubscription[Topic]
    first_frames: list[bytes]
    """What to send after the reply."""


def join(
    hub: Hub, client: ClientTransport, choice: TopicChoice, on_slow: OnSlow, resume: Resume | None
) -> JoinedTopic:
    """Subscribe the client to a topic, and charge it for the first frames. An older subscription ends.

    ``resume``: the last event that the client saw. ``on_slow``: the contract if the client is slow.
    """
    name = choice.topic
    if client.subscriptions.pop(name, None) is not None:
        hub.unsubscribe(client, name)
    _, subscription, start = hub.subscribe(client, name, on_slow, resume)
    client.subscriptions[name] = subscription
    if resume is not None:
        hub.stats.resumes["replayed" if start.gap is None else "gap"] += 1
    client.charge_slice(start.frames, start.made)
    row = replies.held_subscription(hub.market, choice, subscription, start.gap)
    return JoinedTopic(row, subscription, start.frames)


def send_missed(client: ClientTransport, subscription: OutboxSubscription[Topic]) -> Iterator[None]:
    """Send what the resume ring has: a slice in each step, while the client reads.

    If it does not read, the rest stays in the resume ring, and ``ClientTransport.writable`` goes on.
    """
    while subscription.is_replaying:
        if client.outbox.blocked:
            client.outbox.add_lagging(subscription)
            return
        yield
        if subscription.is_replaying and not client.outbox.blocked:
            client.catch_up(subscription)
            client.flush()
