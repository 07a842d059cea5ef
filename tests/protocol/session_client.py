"""A client of one session, whose clock stands still unless a test moves it."""

from __future__ import annotations

import msgspec

from floorwire.protocol.codec import JSON
from floorwire.protocol.replies import Error
from floorwire.protocol.session import (
    Session,
    SessionLimits,
)
from floorwire.protocol.session_decisions import (
    Decision,
    SendReply,
    SubscribeTopics,
    UnsubscribeTopics,
)
from floorwire.protocol.topic_names import TopicName

from .catalogue import Shelf

START_US = 1_700_000_000_000_000
RATE = 10
A, B, C = (TopicName("ticker", symbol, None) for symbol in "ABC")


class Client:
    """A client of one session, whose clock stands still unless told."""

    def __init__(self, default_channel: str | None = "ticker", subscriptions: int = 3) -> None:
        self.session = Session(JSON, default_channel, Shelf(), SessionLimits(RATE, subscriptions))
        self.now_us = START_US

    def ask(self, action: str, **fields: object) -> Decision:
        """Send a request."""
        return self.send(msgspec.json.encode({"action": action, **fields}))

    def send(self, data: bytes, binary: bool = False) -> Decision:
        """Send a message."""
        return self.session.receive(data, binary, self.now_us, self.now_us)

    def later(self, us: int) -> Client:
        """Let time pass."""
        self.now_us += us
        return self


def error(decision: Decision) -> Error:
    """Return the error that the session answers with."""
    assert isinstance(decision, SendReply)
    assert isinstance(decision.reply, Error)
    return decision.reply


def joined(decision: Decision) -> list[TopicName]:
    """Return the topics that the session subscribes to."""
    assert isinstance(decision, SubscribeTopics)
    return [choice.topic for choice in decision.choices]


def left(decision: Decision) -> list[TopicName]:
    """Return the topics that the session unsubscribes from."""
    assert isinstance(decision, UnsubscribeTopics)
    return [choice.topic for choice in decision.choices]
