"""What a session decides about a message. ``hub/connection.py`` carries it out."""

from __future__ import annotations

from typing import TypeAlias

import msgspec
from msgspec import UNSET

from floorwire.core.account_events import PrivateChannel
from floorwire.core.codes import CloseCode
from floorwire.protocol.replies import AnyReply, TradingReply
from floorwire.protocol.requests import Login, OnSlow, Resume, Subscribe, Subscriptions, Symbols, Unsubscribe
from floorwire.protocol.topic_names import TopicChoice, VenueTopics
from floorwire.protocol.trading_requests import TradingRequest


class SendReply(msgspec.Struct, frozen=True):
    """Send this reply."""

    reply: AnyReply | TradingReply


class SubscribeTopics(msgspec.Struct, frozen=True):
    """Subscribe to all these topics, then reply. ``minimal``: with the short reply of the article.

    ``venue``: the topics are those of all symbols of a venue. What is held of them stays as it is.
    """

    request: Subscribe
    choices: tuple[TopicChoice, ...]
    minimal: bool
    venue: VenueTopics | None = None

    @property
    def resume(self) -> Resume | None:
        """Return the last event that the client saw, if it wants to go on there."""
        return None if self.request.resume is UNSET else self.request.resume

    def contract(self, choice: TopicChoice) -> OnSlow:
        """Return what to do when the client is slow: the client's ``on_slow``, or the channel's default."""
        return choice.on_slow if self.request.on_slow is UNSET else self.request.on_slow


class UnsubscribeTopics(msgspec.Struct, frozen=True):
    """Unsubscribe from all these topics, then reply. ``minimal``: with the short reply of the article.

    ``venue``: the subscription to all symbols of a venue ends, too. ``is_everything``: all subscriptions end.
    """

    request: Unsubscribe
    choices: tuple[TopicChoice, ...]
    minimal: bool
    venue: VenueTopics | None = None
    is_everything: bool = False
    private: tuple[PrivateChannel, ...] = ()
    """The private channels among them."""
    unfollowed: frozenset[str] = frozenset()
    """The venues of which no listings are followed any more."""


class SubscribePrivate(msgspec.Struct, frozen=True):
    """Ask the desk to subscribe the client to a private channel of its account. The desk replies."""

    request: Subscribe
    channel: PrivateChannel


class UnsubscribePrivate(msgspec.Struct, frozen=True):
    """Ask the desk to unsubscribe the client from a private channel, then reply."""

    request: Unsubscribe
    channel: PrivateChannel


class PassToDesk(msgspec.Struct, frozen=True):
    """Pass the request to the desk. The desk authorises it, and replies when the outcome is durable."""

    request: TradingRequest


class ListSubscriptions(msgspec.Struct, frozen=True):
    """Reply with the list of subscriptions."""

    request: Subscriptions


class ListSymbols(msgspec.Struct, frozen=True):
    """Reply with the list of instruments."""

    request: Symbols


class Authenticate(msgspec.Struct, frozen=True):
    """Check the login, then call ``Session.sign_in`` or ``Session.refuse``."""

    request: Login


class CloseConnection(msgspec.Struct, frozen=True):
    """Close the connection."""

    code: CloseCode
    reason: str


Decision: TypeAlias = (
    SendReply
    | SubscribeTopics
    | UnsubscribeTopics
    | SubscribePrivate
    | UnsubscribePrivate
    | PassToDesk
    | ListSubscriptions
    | ListSymbols
    | Authenticate
    | CloseConnection
)
