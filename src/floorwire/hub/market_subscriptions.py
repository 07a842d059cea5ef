"""Carries out what sessions decide about market data: subscribe, resume, unsubscribe.

A request may be long work: a thousand topics, or a replay of a megabyte. So it is an iterator of steps, which
``Connection.work`` does, a few in each turn of the event loop.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from floorwire.hub import subscription_replies as replies
from floorwire.hub.client_transport import ClientTransport
from floorwire.hub.history_subscription import HistoryEnd, HistorySubscription
from floorwire.hub.hub import Hub
from floorwire.hub.listing_follower import ListingFollower
from floorwire.hub.topic_join import RESUME_US, JoinedTopic, join, send_missed
from floorwire.protocol.cost_budget import STATE_US, SYMBOL_US
from floorwire.protocol.requests import Resume
from floorwire.protocol.session import Session
from floorwire.protocol.session_decisions import SubscribeTopics, UnsubscribeTopics
from floorwire.protocol.topic_names import TopicChoice

TOPICS_AT_ONCE: Final = 8
"""A request that subscribes to more topics is carried out in turns, one topic a step."""


class SubscribeWork(NamedTuple):
    """The steps of a subscribe, and the price of the first one in microseconds."""

    steps: Iterator[None]
    cost_us: int


class MarketSubscriptions:
    """The subscriptions of all clients to topics. Each client's are in ``ClientTransport.subscriptions``."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._followers: dict[ClientTransport, ListingFollower] = {}
        """The clients that are subscribed to all symbols of a venue."""

    def subscribe(self, client: ClientTransport, decision: SubscribeTopics) -> SubscribeWork:
        """Return the work of a subscribe, its reply included."""
        resume = decision.resume
        if len(decision.choices) > TOPICS_AT_ONCE:
            return SubscribeWork(self._subscribe_in_turns(client, decision), STATE_US * TOPICS_AT_ONCE)
        if resume is not None:
            return SubscribeWork(self._resume(client, decision, resume), RESUME_US)
        return SubscribeWork(self._subscribe_in_one(client, decision), STATE_US * len(decision.choices))

    def subscribe_with_history(
        self, client: ClientTransport, decision: SubscribeTopics, count: int, done: HistoryEnd
    ) -> None:
        """Subscribe soon, and send the latest ``count`` rows before the events. Then call ``done``."""
        subscription = HistorySubscription(self._hub, client, decision, count, done)
        self._hub.history_reads.start(client.network, subscription.begin, subscription.end)

    def follow_listings(
        self, client: ClientTransport, session: Session, venue: str, symbol_count: int
    ) -> None:
        """Subscribe the client to what the venue lists from now on. Charge it for the symbols it has."""
        client.charge(SYMBOL_US * symbol_count)
        follower = self._followers.get(client)
        if follower is None:
            follower = self._followers[client] = ListingFollower(self._hub, client, session)
        follower.venues[venue] = None
        self._hub.follow_listings(follower, venue)

    def unsubscribe(self, client: ClientTransport, decision: UnsubscribeTopics) -> None:
        """Unsubscribe from the topics of the request, and reply."""
        for choice in decision.choices:
            self._hub.unsubscribe(client, choice.topic)
            del client.subscriptions[choice.topic]
        for venue in decision.unfollowed:
            self._unfollow(client, venue)
        if decision.venue is not None or decision.is_everything:
            client.charge(SYMBOL_US * len(decision.choices))
        client.send(replies.unsubscribed(self._hub.market, decision))

    def close(self, client: ClientTransport) -> None:
        """End all subscriptions of a client that is gone."""
        for name in client.subscriptions:
            self._hub.unsubscribe(client, name)
        client.subscriptions.clear()
        follower = self._followers.get(client)
        for venue in list(follower.venues) if follower is not None else ():
            self._unfollow(client, venue)

    def _unfollow(self, client: ClientTransport, venue: str) -> None:
        follower = self._followers[client]
        self._hub.unfollow_listings(follower, venue)
        del follower.venues[venue]
        if not follower.venues:
            del self._followers[client]

    def _resume(self, client: ClientTransport, decision: SubscribeTopics, resume: Resume) -> Iterator[None]:
        """Subscribe, and send what the client missed: a slice in each step, while it reads."""
        choice = decision.choices[0]
        joined = join(self._hub, client, choice, decision.contract(choice), resume)
        client.send(replies.subscribed(decision, [joined.row]))
        client.send_first_frames(joined.subscription, joined.first_frames)
        yield from send_missed(client, joined.subscription)

    def _subscribe_in_one(self, client: ClientTransport, decision: SubscribeTopics) -> Iterator[None]:
        """Subscribe to a few topics in one step."""
        all_joined = [self._join_or_keep(client, decision, choice) for choice in decision.choices]
        client.send(replies.subscribed(decision, [joined.row for joined in all_joined]))
        for joined in all_joined:
            client.send_first_frames(joined.subscription, joined.first_frames)
        yield from ()

    def _subscribe_in_turns(self, client: ClientTransport, decision: SubscribeTopics) -> Iterator[None]:
        """Subscribe to many topics. Their events wait until the reply, which comes first."""
        client.hold_back()
        rows = []
        for choice in decision.choices:
            joined = self._join_or_keep(client, decision, choice)
            rows.append(joined.row)
            client.send_first_frames(joined.subscription, joined.first_frames)
            yield
        client.release(replies.subscribed(decision, rows))

    def _join_or_keep(
        self, client: ClientTransport, decision: SubscribeTopics, choice: TopicChoice
    ) -> JoinedTopic:
        """Subscribe to one topic. Who asks for all symbols of a venue keeps what it has."""
        kept = None if decision.venue is None else client.subscriptions.get(choice.topic)
        if kept is not None:
            return JoinedTopic(replies.held_subscription(self._hub.market, choice, kept, None), kept, [])
        return join(self._hub, client, choice, decision.contract(choice), None)
